"""Find faces, align them, follow them over frames, and tell whose they are."""
