"""Say what photos show: the ten classes of CIFAR-10, or your own by the features of a pre-trained backbone."""
