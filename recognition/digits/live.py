"""Read the digits of live frames: fast enough for a webcam, steady enough to look at, silent without paper."""

from collections.abc import Callable
from functools import reduce

import cv2
import numpy as np

from recognition.digits.components import Component
from recognition.digits.normalisation import stroke_thickness
from recognition.digits.numbers import Digit, Number, lines_of
from recognition.digits.reader import digit_of, possible_polarities, read_hypotheses, shrink
from recognition.digits.segmentation import Hypothesis
from recognition.media.roi import Box
from recognition.media.tracking import Tracker

SIDE = 960  # pixels of the longer side on which digits are looked for: of 1280x720, digits 20 pixels high are read
COMPONENTS = 80  # with most ink are looked at: 50 digits have room, a bookshelf does not take longer
POLARITY_EVERY = 15  # frames: half a second after a blackboard comes into view it is read
CLUTTER = 0.2  # of what is around a digit may differ from paper; on pages it is 0.1 at most, elsewhere mostly all
UNEVEN = 0.35  # of a digit's ink may differ from the rest of it
SOFT = 6  # pixels, or half of a stroke, that the edge of ink may take: in focus 3; round limbs and folds take more
SOFT_ONES = 5  # pixels where nothing but ones is seen: any bar is a one, other digits have more form
HIGH_ONES = 0.6  # of the frame's height that such ones may have: arms and door frames are higher


class LiveReader:
    """Reads frame after frame; `predict` and `threshold` are those of `reader.read_digits`, `roi` where to look."""

    def __init__(self, predict: Callable[[np.ndarray], np.ndarray], threshold: float, roi: Box | None = None):
        self._predict, self._threshold, self._roi = predict, threshold, roi
        self._tracker, self._light, self._count = Tracker(), False, 0

    def read(self, frame: np.ndarray) -> list[list[Number]]:
        """Return the numbers to show for the next BGR frame, rows in reading order, boxes in the frame's pixels."""
        x1, y1, x2, y2 = self._roi or (0, 0, frame.shape[1], frame.shape[0])
        small, scale = shrink(frame[y1:y2, x1:x2], SIDE)
        light = possible_polarities(small) if self._count % POLARITY_EVERY == 0 else [self._light]
        self._count += 1
        hypotheses, self._light = read_hypotheses(small, light, self._predict, self._threshold, COMPONENTS)
        found = [digit_of(hypothesis, scale) for hypothesis in written(small, hypotheses, self._light)]
        boxes = np.array([x1, y1, x1, y1]) + np.reshape([digit.box for digit in found], (-1, 4))
        tracks = self._tracker.update(boxes, [digit.digit for digit in found], [digit.confidence for digit in found])
        shown = []
        for track in tracks:
            box = tuple(np.rint(track.box).astype(int).tolist())
            inside = x1 <= box[0] < box[2] <= x2 and y1 <= box[1] < box[3] <= y2
            if inside or not track.missed:  # else it is leaving
                box = tuple(np.clip(box, (x1, y1, x1, y1), (x2, y2, x2, y2)).tolist())
                shown.append(Digit(track.label, round(track.confidence, 4), box))
        return lines_of(shown)


def written(frame: np.ndarray, hypotheses: list[Hypothesis], light_on_dark: bool) -> list[Hypothesis]:
    """Return the digits of a BGR frame that are ink on paper; limbs, folds and stands that look like ones are not."""
    edges = [(hypothesis, edge_width(frame, hypothesis.whole, light_on_dark)) for hypothesis in hypotheses]
    edges = [
        (hypothesis, width)
        for hypothesis, width in edges
        if width < max(SOFT, 0.5 * stroke_thickness(hypothesis.whole.ink > 0.5))
    ]
    if all(hypothesis.digit == 1 for hypothesis, _ in edges):
        highest = HIGH_ONES * frame.shape[0]
        edges = [
            (hypothesis, width)
            for hypothesis, width in edges
            if width < SOFT_ONES and hypothesis.whole.height < highest
        ]
    return [hypothesis for hypothesis, _ in edges]


def edge_width(frame: np.ndarray, component: Component, light_on_dark: bool) -> float:
    """Return how many pixels a component's edge takes from ink to paper; infinite if not even ink on even paper."""
    x1, y1, x2, y2 = component.box
    margin = max(4, component.height // 4)
    left, top = max(0, x1 - margin), max(0, y1 - margin)
    # Coloured ink is dark in one channel at least
    patch = frame[top : y2 + margin, left : x2 + margin]
    light = reduce(cv2.min, cv2.split(255 - patch if light_on_dark else patch))
    ink = np.zeros(light.shape, np.float32)
    ink[y1 - top : y2 - top, x1 - left : x2 - left] = component.ink
    step = max(1, component.height // 40)  # a part is enough for a median
    few = slice(None, None, step), slice(None, None, step)
    sample = light[few].astype(np.float32)
    around, core = sample[cv2.dilate(ink, np.ones((5, 5), np.uint8))[few] < 0.25], sample[ink[few] > 0.75]
    if not around.size or not core.size:
        return np.inf
    paper, pen = np.median(around), np.median(core)
    differs = 0.3 * (paper - pen)
    if (np.abs(around - paper) >= differs).mean() >= CLUTTER or (np.abs(core - pen) >= differs).mean() >= UNEVEN:
        return np.inf
    outline = cv2.morphologyEx((ink > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    steepness = np.median(np.hypot(*(slope[outline] / 8.0 for slope in cv2.spatialGradient(light))))
    return (paper - pen) / max(steepness, 1e-3)
