"""Images of own classes from a camera, learned at once: what cifar_recognition/collect.py is made of."""
