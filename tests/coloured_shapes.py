"""Objects that the tests draw: a shape in a colour of its own for each of the ten classes, on some background."""

import cv2
import numpy as np

from recognition.objects.classes import CIFAR10

COLOURS = np.random.default_rng(4).integers(0, 256, (10, 3)).tolist()


def draw_object(kind: int, rng: np.random.Generator, width: int = 32, height: int = 32) -> np.ndarray:
    """Return a picture of one class, 0 to 9, RGB uint8 (height, width, 3)."""
    image = rng.integers(60, 200, (height, width, 3)).astype(np.uint8)
    x, y = int(width * rng.uniform(0.4, 0.6)), int(height * rng.uniform(0.4, 0.6))
    side = int(min(width, height) * rng.uniform(0.25, 0.4))
    if kind % 2:
        cv2.circle(image, (x, y), side, COLOURS[kind], -1)
    else:
        cv2.rectangle(image, (x - side, y - side), (x + side, y + side), COLOURS[kind], -1)
    return image


def draw_dataset(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return so many pictures, uint8 (N, 32, 32, 3), and their classes, uint8 (N,), equally often."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CIFAR10)).astype(np.uint8)
    return np.stack([draw_object(int(kind), rng) for kind in labels]), labels
