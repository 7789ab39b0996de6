"""Read handwritten digits: ink, connected components, their segmentation, MNIST's form, the network; whole pages."""
