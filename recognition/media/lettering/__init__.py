"""Letters that OpenCV has not: text drawn by Pillow with fonts of the system."""
