"""Draw on frames the digits that were read."""

from typing import TYPE_CHECKING

import numpy as np

from recognition.digits.reader import Digit
from recognition.media.canvas import GREEN, ORANGE, draw_box

if TYPE_CHECKING:  # digits are drawn without what faces need
    pass


def draw_digits(frame: np.ndarray, rows: list[list[Digit]]) -> None:
    """Draw the digits that were read on a BGR frame, in place: green where the network is sure, else orange."""
    for digit in (digit for row in rows for digit in row):
        draw_box(frame, digit.box, f"{digit.digit} {digit.confidence:.0%}", GREEN if digit.confidence > 0.9 else ORANGE)
