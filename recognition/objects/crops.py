"""Which squares of a photo a network looks at, and how they are cut out of it."""

import cv2
import numpy as np

from recognition.media.roi import Box

WIDEST, CLOSER = 1.5, 0.875  # times the shorter side: how far a view may reach, and a look a little closer
NEAR = 0.75  # of the shorter side: a look at a thing that fills half of the photo
SOFT = np.array([0.045, 0.91, 0.045])  # a blur of 0.3 pixels: shrunk photos are sharper than CIFAR's images otherwise


def views(width: int, height: int, size: int) -> list[Box]:
    """Return the squares around the middle of a photo to look at: a wide one, the largest in it, and a closer one.

    CIFAR's images are filled to the edges, with one thing that they hardly crop. So a view is filled, or nearly so:
    bars around a whole photo cost more than the ends of it. The wide square cuts as much off the ends as it hangs over
    the sides; no other one is smaller than `size` pixels, for enlarging shows nothing new: an image of that size is
    looked at as it is.
    """
    short, long = sorted((width, height))
    sides = [round(min((short * long) ** 0.5, WIDEST * short)), short, round(CLOSER * short)]
    sides = sides[:1] + [side for side in sides[1:] if size <= side < sides[0]]
    corners = [((width - side) // 2, (height - side) // 2, side) for side in sides]
    return [(x, y, x + side, y + side) for x, y, side in corners]


def looks(width: int, height: int) -> list[Box]:
    """Return the squares of a photo that a network of photos looks at: all of it, the largest in it, and a closer one.

    Three always, though of a square photo the first two are one.

    Such a network was trained on things of any size, and bars around a photo do it no harm.
    """
    short, long = sorted((width, height))
    sides = long, short, max(1, round(NEAR * short))
    corners = [((width - side) // 2, (height - side) // 2, side) for side in sides]
    return [(x, y, x + side, y + side) for x, y, side in corners]


def cut(frame: np.ndarray, box: Box, size: int) -> np.ndarray:
    """Return a square of a BGR frame as RGB uint8 (size, size, 3); what hangs over repeats the frame's edge."""
    x1, y1, x2, y2 = box
    scale = size / (x2 - x1)
    inside = frame[max(0, y1) : y2, max(0, x1) : x2]
    inner = max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale))
    small = inside
    if inner != (inside.shape[1], inside.shape[0]):
        small = cv2.resize(inside, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if scale <= 0.5:
        small = cv2.sepFilter2D(small, -1, SOFT, SOFT)
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    edges = top, size - inner[1] - top, left, size - inner[0] - left
    return cv2.cvtColor(cv2.copyMakeBorder(small, *edges, cv2.BORDER_REPLICATE), cv2.COLOR_BGR2RGB)


def crop_views(frame: np.ndarray, size: int) -> np.ndarray:
    """Return the views of a BGR frame, then their mirror images, RGB uint8 (K, size, size, 3)."""
    images = np.stack([cut(frame, box, size) for box in views(frame.shape[1], frame.shape[0], size)])
    return np.concatenate([images, images[:, :, ::-1]])
