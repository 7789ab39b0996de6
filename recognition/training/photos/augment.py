"""Make photos of CIFAR-10's small images: enlarged, mirrored, gray, cropped, or small in front of something plain.

A backbone for photos sees 160 pixels and more, and things of any size among others; CIFAR's images have 32 and are
filled to their edges.
"""

import cv2
import numpy as np

VERSION = 1  # of what is done here: with another number, what was kept of the images is made anew
GRAY, FRAMED, CROPPED = 0.25, 0.35, 0.35  # shares of the images
SMALLEST = 0.4  # of the side: how small a thing may be in its frame
CLOSEST = 24  # of 32 pixels: how near a crop may be
ENLARGED = cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_LINEAR  # three kinds of blur


def enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """Return an image, uint8 (H, W, 3), as it is, enlarged to uint8 (size, size, 3)."""
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)


def augment(image: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return an RGB image, uint8 (32, 32, 3), as a photo might show the thing, uint8 (size, size, 3)."""
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
    if rng.random() < GRAY:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    how = rng.random()
    if how < FRAMED:
        return _framed(image, size, rng)
    if how < FRAMED + CROPPED:
        side = int(rng.integers(CLOSEST, 32))
        x, y = rng.integers(0, 33 - side, 2)
        image = image[y : y + side, x : x + side]
    return cv2.resize(image, (size, size), interpolation=ENLARGED[rng.integers(len(ENLARGED))])


def _framed(image: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return an image small in a frame: gray, of one colour, or as its own edges go on."""
    side = int(size * rng.uniform(SMALLEST, 0.95))
    small = enlarge(image, side)
    x, y = map(int, rng.integers(0, size - side + 1, 2))
    edges = y, size - side - y, x, size - side - x
    kind = rng.integers(3)
    if kind == 2:
        return cv2.copyMakeBorder(small, *edges, cv2.BORDER_REPLICATE)
    colour = [int(rng.integers(60, 200))] * 3 if kind == 0 else rng.integers(0, 256, 3).tolist()
    return cv2.copyMakeBorder(small, *edges, cv2.BORDER_CONSTANT, value=colour)
