"""Draw on frames the digits that were read."""

import numpy as np

from recognition.digits.numbers import Number, digits_of
from recognition.media.canvas import GREEN, ORANGE, draw_box


def draw_digits(frame: np.ndarray, lines: list[list[Number]]) -> None:
    """Draw the digits that were read on a BGR frame, in place: green where the network is sure, else orange."""
    for digit in digits_of(lines):
        draw_box(frame, digit.box, f"{digit.digit} {digit.confidence:.0%}", GREEN if digit.confidence > 0.9 else ORANGE)
