"""The classes that networks tell apart, and "none of these"."""

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NONE = "none of these"  # the last class of a network that was trained on other things, too


def known_classes(class_names: list[str]) -> list[str]:
    """Return the classes without "none of these"."""
    return class_names[:-1] if class_names[-1] == NONE else class_names
