"""Training the network that reads whole pages: a pool of pages, batches of it, the training itself."""
