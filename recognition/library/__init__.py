"""A whole photo library: all faces of all photos in one index, grouped, named and found."""
