"""Read handwritten digits: ink, its connected components, their segmentation, MNIST's form, the network."""
