"""Detect palms with the first network of MediaPipe's hand model.

Source: F. Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand Tracking", section 2.1, and the constants of
the published graph. A palm is float (9, 2), x y: left upper and right lower corner of its box, then seven points, of
which the first is the wrist and the third the knuckle of the middle finger.
"""

import cv2
import numpy as np

from recognition.air_writing import regions
from recognition.models import litert

SIZE = 192  # pixels of a side of what the network takes
OVERLAP = 0.3  # intersection over union from which two boxes are of one palm


def make_anchors() -> np.ndarray:
    """Return the places that the network's answers count from, float (2016, 2), x y from 0 to 1.

    The middles of the cells of a grid, row by row: two answers for each cell of 8 pixels, and, from three layers with
    the same grid, six for each of 16. All anchors have the same size, 1, whichever of the two it is.
    """
    grids = []
    for stride, answers in ((8, 2), (16, 6)):
        middles = (np.arange(SIZE // stride) + 0.5) * stride / SIZE
        cells = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(cells, answers, axis=0))
    return np.concatenate(grids)


def decode(values: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Return palms, float (N, 9, 2) from 0 to 1, from what the network says of N anchors, float (N, 2).

    `values`: float (N, 18) in pixels: middle, size and seven points, x y each; all but the size from the anchor on.
    """
    values = values.reshape(-1, 9, 2) / SIZE
    middle, half = values[:, 0] + anchors, values[:, 1] / 2
    return np.concatenate([np.stack([middle - half, middle + half], 1), values[:, 2:] + anchors[:, None]], axis=1)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return scores, float (N,), as probabilities; clipped first, or the least ones would overflow."""
    return 1 / (1 + np.exp(-np.clip(scores, -100, 100).astype(float)))


def overlaps(palm: np.ndarray, palms: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a palm's box with those of others, float (N, 9, 2), as float (N,)."""
    low, high = np.maximum(palm[0], palms[:, 0]), np.minimum(palm[1], palms[:, 1])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(np.maximum(palms[:, 1] - palms[:, 0], 0), axis=1)
    union = np.prod(np.maximum(palm[1] - palm[0], 0)) + areas - shared
    return shared / np.maximum(union, 1e-12)


def merge(palms: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Return each palm once, the surest first: the weighted mean of what overlaps the surest one that is left.

    `palms`: float (N, 9, 2); `weights`: how sure each is, float (N,).
    """
    order = np.argsort(-weights, kind="stable")
    palms, weights, merged = palms[order], weights[order], []
    while len(palms):
        same = overlaps(palms[0], palms) > OVERLAP
        same[0] = True  # also where its box has no area
        merged.append(np.average(palms[same], axis=0, weights=weights[same]))
        palms, weights = palms[~same], weights[~same]
    return merged


class PalmDetector:
    """Finds palms in frames."""

    def __init__(self, network: litert.Network, confidence: float):
        """`confidence`: the least probability to believe, 0 to 1."""
        self._network, self._confidence, self._anchors = network, confidence, make_anchors()

    def detect(self, frame: np.ndarray) -> list[np.ndarray]:
        """Return the palms in a BGR frame, uint8 (H, W, 3), in its pixels, the surest first."""
        square = regions.whole(frame.shape[1], frame.shape[0])
        values, scores = self._network.run(regions.crop(frame, square, SIZE, cv2.BORDER_CONSTANT))
        sure = probabilities(scores[0, :, 0])
        believed = sure >= self._confidence
        found = decode(values[0, believed], self._anchors[believed])
        return [regions.to_frame(palm, square) for palm in merge(found, sure[believed])]
