"""The helpers that the scripts share: pure functions on arrays wherever possible."""
