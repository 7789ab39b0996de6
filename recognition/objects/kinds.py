"""A second opinion from ImageNet's thousand kinds, for classes that have words among them.

A head that was trained on a backbone's features knows the classes, and nothing else; the backbone's own last layer
knows a thousand kinds of things, among them most of what photos show that is none of the classes. Weighed together
they name more photos rightly than either, and tell what is none of them.
"""

import numpy as np

from recognition.objects.imagenet import WORDS

# What these are: docs/measured.md. The weights were compared on photos at hand, and results are flat around them; the
# middle was chosen on half of these photos
SHARE = 0.5  # weight of the second opinion on which class it is
LEAST = 1e-4  # probability below which the second opinion makes no difference
OWN = 0.6  # weight of the head's own evidence on whether it is any class
MIDDLE = -1.0  # evidence that speaks neither for nor against
CIFAR10_WORDS = {
    "airplane": ["airplane"],
    "automobile": ["car"],
    "bird": ["bird"],
    "cat": ["cat"],
    "deer": ["antelope"],  # ImageNet has no deer; these are what it takes them for
    "dog": ["dog"],
    "frog": ["frog"],
    "horse": ["horse"],
    "ship": ["ship", "boat"],
    "truck": ["truck"],
}


class SecondOpinion:
    """Weighs a head's probabilities with those of the thousand kinds. `words`: of each class, as in `imagenet`."""

    def __init__(self, words: dict[str, list[str]], class_names: list[str]):
        kinds = np.array(WORDS)
        self._columns = [np.flatnonzero(np.isin(kinds, words[name])) for name in class_names]
        known = np.concatenate(self._columns)
        self._known, self._others = known, np.setdiff1d(np.arange(len(kinds)), known)

    def weigh(self, own: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes and of "none of these", float32 (N, C + 1), those adding up to 1.

        `own`: the head's, (N, C + 1), whose last output is a logit of 0, so that it tells how strong the others are;
        `kinds`: the backbone's, (N, 1000).
        """
        tiny = np.float32(1e-12)
        logits = np.log(own[:, :-1] + tiny) - np.log(own[:, -1:] + tiny)
        named = np.stack([kinds[:, columns].sum(1) for columns in self._columns], 1)
        mixed = logits + SHARE * np.log(named + LEAST)
        mixed = np.exp(mixed - mixed.max(1, keepdims=True))
        ahead = np.log(kinds[:, self._known].max(1) + tiny) - np.log(kinds[:, self._others].max(1) + tiny)
        strength = np.log(1 - own[:, -1] + tiny) - np.log(own[:, -1] + tiny)  # of all classes together
        none = 1 / (1 + np.exp(ahead + OWN * strength - MIDDLE))
        return np.concatenate([mixed / mixed.sum(1, keepdims=True), none[:, None]], 1).astype(np.float32)
