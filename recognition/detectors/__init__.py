"""Networks of others that find faces: read, converted and run."""
