"""What the training scripts share, and the data that they learn from. Only train, evaluate and explore import it."""
