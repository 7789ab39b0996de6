"""Small databases of one file each, that any number of programs may use at once."""
