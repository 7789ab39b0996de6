"""Read digits: the characters of a page, their rows and numbers, live frames; one digit cut out of a photo."""
