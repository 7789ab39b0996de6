"""Connected ink: find the components of an ink map, merge components."""

from dataclasses import dataclass

import cv2
import numpy as np

MAX_COMPONENTS = 1000  # with most ink; more are no digits but a texture, and would take long


@dataclass
class Component:
    """Connected ink: box x1 y1 x2 y2 and the ink inside it, float32 (h, w) in [0, 1], everything else 0."""

    box: tuple[int, int, int, int]
    ink: np.ndarray

    @property
    def area(self) -> int:
        """Its pixels of ink."""
        return int(np.count_nonzero(self.ink > 0.5))


def find_components(ink: np.ndarray) -> list[Component]:
    """Return the connected ink of an ink map, float32 (H, W) in [0, 1], without specks and the image's edges.

    Of more than MAX_COMPONENTS those with most ink.
    """
    mask = (ink > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return []
    x, y, width, height, area = stats[1:].T
    side = np.maximum(width, height)
    inside = (side >= 6) & (area >= 8)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    contact = np.bincount(rim, minlength=count)[1:]  # a digit may touch the edge of a tight crop, but not lie along it
    sliver = (contact > 0) & (np.minimum(width, height) < 0.02 * min(mask.shape))
    inside &= (contact < 0.2 * min(mask.shape)) & ~sliver
    if np.count_nonzero(inside) > MAX_COMPONENTS:
        inside &= area >= np.sort(area[inside])[-MAX_COMPONENTS]
        if np.count_nonzero(inside) > 2 * MAX_COMPONENTS:  # as many of one size: a pattern
            return []
    inside &= ~_enclosing(stats[1:], inside)
    if not inside.any():
        return []
    # The height of the writing: half of the ink belongs to components at least as high
    order = np.flatnonzero(inside)[np.argsort(side[inside])]
    share = np.cumsum(area[order]) / area[order].sum()
    typical = side[order[np.searchsorted(share, 0.5)]]
    components = []
    for k in np.flatnonzero(inside & (side >= 0.12 * typical)):
        x1, y1 = max(0, x[k] - 1), max(0, y[k] - 1)
        window = slice(y1, y[k] + height[k] + 1), slice(x1, x[k] + width[k] + 1)
        own = cv2.dilate((labels[window] == k + 1).astype(np.uint8), np.ones((3, 3), np.uint8))  # with its soft edge
        piece = np.where(own, ink[window], 0)
        components.append(Component((int(x1), int(y1), int(x1 + piece.shape[1]), int(y1 + piece.shape[0])), piece))
    return components


def _enclosing(stats: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Tell for each row of connected-component statistics whether it is a frame: a box or page edge around others."""
    x, y, width, height = stats[:, :4].T
    enclosing = np.zeros(len(stats), bool)
    for k in np.flatnonzero(inside):
        within = inside & (x > x[k]) & (y > y[k]) & (x + width < x[k] + width[k]) & (y + height < y[k] + height[k])
        enclosing[k] = (height[within] > 0.3 * height[k]).any() or (height[within] > 0.05 * height[k]).sum() > 2
    return enclosing


def merge(components: list[Component]) -> Component:
    """Return several components as one."""
    boxes = np.array([component.box for component in components])
    x1, y1, x2, y2 = *boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist()
    ink = np.zeros((y2 - y1, x2 - x1), np.float32)
    for component in components:
        a, b, c, d = component.box
        window = ink[b - y1 : d - y1, a - x1 : c - x1]
        np.maximum(window, component.ink, out=window)
    return Component((x1, y1, x2, y2), ink)
