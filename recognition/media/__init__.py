"""Frames in, frames out: photos, videos, cameras, windows. This room knows no subject."""
