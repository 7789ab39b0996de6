"""Find the handwritten digits of a photo, bring each to the form of MNIST, and read them in order.

Four steps, each a function on arrays: `ink_map` (how much ink covers each pixel), `find_components` (connected ink),
`normalise` (28x28, white on black, as the network was trained), `read_digits` (which components, whole, merged or cut,
are digits). What numbers they make, in which rows, is up to numbers.py.
"""

from collections.abc import Callable

import cv2
import numpy as np

from recognition.digits.components import MAX_COMPONENTS, find_components
from recognition.digits.ink import ink_map, polarity, remove_ruling
from recognition.digits.normalisation import normalise
from recognition.digits.numbers import Digit, Number, lines_of
from recognition.digits.segmentation import Hypothesis, choose, part_hypotheses, whole_hypotheses, worth

SEVERAL_CONFIDENCE = 0.2  # a component is cut where the network suspects several digits in it: an H is not 11
MIN_SIDE = 8  # pixels; a smaller image has no room for a digit
WORKING_SIDE = 2000  # pixels of the longer side on which digits are looked for: larger photos are shrunk


def read_digits(
    frame: np.ndarray, predict: Callable[[np.ndarray], np.ndarray], threshold: float = 0.5, handwritten: bool = False
) -> list[list[Number]]:
    """Return the numbers of a BGR or gray image, row by row in reading order, boxes in the image's pixels.

    `predict` maps uint8 (N, 28, 28) to probabilities (N, 10 or more): the digits, then perhaps "no digit" and
    "several digits". A component whose best digit is less probable than `threshold` is none.
    `handwritten`: leave printed digits out.
    """
    small, scale = shrink(frame, WORKING_SIDE)
    hypotheses, _ = read_hypotheses(small, possible_polarities(small), predict, threshold)
    digits = [digit_of(hypothesis, scale) for hypothesis in hypotheses]
    return lines_of([digit for digit in digits if not (handwritten and digit.printed)])


def shrink(frame: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Return a frame whose longer side is at most `side` pixels, and its scale."""
    scale = min(1.0, side / max(frame.shape[:2]))
    if scale == 1:
        return frame, scale
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    how = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA  # as good where little is shrunk, and ten times as fast
    return cv2.resize(frame, size, interpolation=how), scale


def possible_polarities(frame: np.ndarray) -> list[bool]:
    """Return whether ink may be lighter than paper: one answer, or both where that is hard to tell."""
    skew = polarity(frame) if min(frame.shape[:2]) >= MIN_SIDE else -1
    return [skew > 0] if abs(skew) > 0.8 else [False, True]


def read_hypotheses(
    frame: np.ndarray,
    light_on_dark: list[bool],
    predict: Callable[[np.ndarray], np.ndarray],
    threshold: float,
    most: int = MAX_COMPONENTS,
) -> tuple[list[Hypothesis], bool]:
    """Return the digits of a frame, and of the given polarities the one that they were best read with.

    Arguments as for `read_digits`; of more than `most` components those with most ink are looked at.
    """
    if min(frame.shape[:2]) < MIN_SIDE:
        return [], light_on_dark[0]
    readings = [(_read_ink(frame, light, predict, threshold, most), light) for light in light_on_dark]
    chosen, light = max(readings, key=lambda reading: _quality(reading[0]))
    typical = _typical_height(chosen)  # not a dot, not the edge of the page
    return [hypothesis for hypothesis in chosen if 0.4 * typical <= hypothesis.whole.height <= 3 * typical], light


def digit_of(hypothesis: Hypothesis, scale: float) -> Digit:
    """Return a digit that was read in a frame shrunk by `scale`."""
    return Digit(
        hypothesis.digit, round(hypothesis.confidence, 4), tuple(round(value / scale) for value in hypothesis.whole.box)
    )


def _read_ink(
    frame: np.ndarray, light_on_dark: bool, predict: Callable[[np.ndarray], np.ndarray], threshold: float, most: int
) -> list[Hypothesis]:
    """Return the digits of a frame whose ink is lighter, or darker, than its paper."""
    components = find_components(remove_ruling(ink_map(frame, light_on_dark)), most)
    hypotheses = _judge(whole_hypotheses(components), predict)
    several = [hypothesis for hypothesis in hypotheses[: len(components)] if hypothesis.several > SEVERAL_CONFIDENCE]
    return choose(
        hypotheses + _judge([part for hypothesis in several for part in part_hypotheses(hypothesis)], predict),
        threshold,
    )


def _judge(hypotheses: list[Hypothesis], predict: Callable[[np.ndarray], np.ndarray]) -> list[Hypothesis]:
    """Return the hypotheses with what the network reads in each."""
    images = [normalise(hypothesis.whole.ink) for hypothesis in hypotheses]
    for hypothesis, row in zip(hypotheses, predict(np.stack(images)) if images else [], strict=True):
        hypothesis.digit, hypothesis.confidence = int(row[:10].argmax()), float(row[:10].max())
        if len(row) > 11:
            hypothesis.several = float(row[11])
    return hypotheses


def _quality(chosen: list[Hypothesis]) -> float:
    """Return how well ink was read: what tells the right polarity from the wrong one."""
    return sum((hypothesis.confidence - 0.6) * hypothesis.whole.area for hypothesis in chosen)


def _typical_height(chosen: list[Hypothesis]) -> float:
    """Return the height of the digits with most of the ink, 0 without digits; specks read as digits count little."""
    order = sorted(chosen, key=lambda hypothesis: hypothesis.whole.height)
    share = np.cumsum([worth(hypothesis) for hypothesis in order])
    return order[np.searchsorted(share, share[-1] / 2)].whole.height if order else 0
