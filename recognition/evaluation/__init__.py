"""Measure classifiers and draw what was measured. Only training, evaluation and exploration import this room."""
