"""The turned squares of a frame that the networks of hands look at, as MediaPipe Hands lays them.

Source: F. Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand Tracking", section 2, and the constants of the
published graph. Points are float x y in pixels of the frame, y down.
"""

from typing import NamedTuple

import cv2
import numpy as np

WRIST, INDEX_KNUCKLE, MIDDLE_KNUCKLE, RING_KNUCKLE = 0, 5, 9, 13
PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]  # landmarks that stay in place whatever the fingers do
PALM_WRIST, PALM_MIDDLE = 2, 4  # rows of a palm: wrist and middle knuckle


class Region(NamedTuple):
    """A square: its middle and side in pixels, and how far it is turned clockwise, in radians."""

    x: float
    y: float
    side: float
    angle: float

    @property
    def axes(self) -> np.ndarray:
        """Return what is right and what is down in the square, unit vectors, float (2, 2)."""
        return directions(self.angle)

    @property
    def corner(self) -> np.ndarray:
        """Return the corner that is the origin of the square, float (2,)."""
        return np.array([self.x, self.y]) - self.side / 2 * self.axes.sum(axis=0)


def directions(angle: float) -> np.ndarray:
    """Return right and down, unit vectors turned clockwise by radians, float (2, 2)."""
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, sine], [-sine, cosine]])


def upright(start: np.ndarray, end: np.ndarray) -> float:
    """Return the radians by which a square is turned in which the way from start to end, float (2,), goes up."""
    x, y = end - start
    return float(np.arctan2(x, -y))


def whole(width: int, height: int) -> Region:
    """Return the least square around a frame; what it has above and below, or left and right, is black."""
    return Region(width / 2, height / 2, max(width, height), 0.0)


def around_palm(palm: np.ndarray) -> Region:
    """Return where the hand is whose palm was detected: float (9, 2), the box's corners and seven points."""
    angle = upright(palm[PALM_WRIST], palm[PALM_MIDDLE])  # MediaPipe's package, measured, turns it by 27 degrees more
    return _widened((palm[0] + palm[1]) / 2, palm[1] - palm[0], angle, 2.6, 0.5)


def around_hand(landmarks: np.ndarray) -> Region:
    """Return where a hand will be in the next frame, from its landmarks in this one, float (21, 2)."""
    beside = (landmarks[INDEX_KNUCKLE] + landmarks[RING_KNUCKLE]) / 2
    angle = upright(landmarks[WRIST], (beside + landmarks[MIDDLE_KNUCKLE]) / 2)
    axes = directions(angle)
    inside = landmarks[PALM] @ axes.T
    low, high = inside.min(axis=0), inside.max(axis=0)
    return _widened((low + high) / 2 @ axes, high - low, angle, 2.0, 0.1)


def _widened(middle: np.ndarray, size: np.ndarray, angle: float, scale: float, up: float) -> Region:
    """Return a square for a turned box, `scale` times its long side, moved by `up` of its height to the fingers."""
    x, y = middle - up * size[1] * directions(angle)[1]
    return Region(float(x), float(y), float(scale * size.max()), angle)


def alike(one: Region, other: Region) -> bool:
    """Tell whether two squares are of the same hand."""
    return float(np.hypot(one.x - other.x, one.y - other.y)) < 0.3 * max(one.side, other.side)


def crop(frame: np.ndarray, region: Region, size: int, border: int) -> np.ndarray:
    """Return a square of a BGR frame, uint8 (H, W, 3), as networks take it: RGB, float32 (1, size, size, 3), 0 to 1.

    `border`: what there is beyond the frame's edges, one of OpenCV's BORDER_*.
    """
    steps = region.axes.T * region.side / size
    matrix = np.column_stack([steps, region.corner])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    image = cv2.warpAffine(frame, matrix, (size, size), flags=flags, borderMode=border)
    return image[None, ..., ::-1].astype(np.float32) / 255


def to_frame(points: np.ndarray, region: Region) -> np.ndarray:
    """Return points of a square, float (..., 2) from 0 to 1, in pixels of the frame."""
    return points * region.side @ region.axes + region.corner
