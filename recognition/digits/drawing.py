"""Draw on frames the digits that were read."""

import numpy as np

from recognition.digits.numbers import Number, digits_of
from recognition.media.canvas import GREEN, ORANGE, draw_box, draw_label, letters, place_label

SURE = 0.9  # confidence above which nothing is told but the digit
SIZES = (1, 0.75, 0.55)  # of labels, of the usual one: smaller where digits are close
SMALLEST = 10  # pixels: smaller letters cannot be read


def draw_digits(frame: np.ndarray, lines: list[list[Number]]) -> None:
    """Draw the digits that were read on a BGR frame, in place: green where the network is sure, else orange.

    Labels cover no digit and no other label: they are smaller, below or left out where there is no room. How sure the
    network is stands there only where it is in doubt.
    """
    digits = sorted(digits_of(lines), key=lambda one: one.confidence)  # who is in doubt gets room first
    colors = [GREEN if digit.confidence > SURE else ORANGE for digit in digits]
    for digit, color in zip(digits, colors, strict=True):
        draw_box(frame, digit.box, "", color)
    sizes = [size for share in SIZES if (size := round(share * letters(frame))) >= SMALLEST]
    taken = [digit.box for digit in digits]
    for digit, color in zip(digits, colors, strict=True):
        text = str(digit.digit)
        texts = [text] if digit.confidence > SURE else [f"{text} {digit.confidence:.0%}", text]
        covered, place, text, size = place_label(frame, digit.box, texts, sizes, taken)
        if not covered:
            taken.append(place)
            draw_label(frame, place, text, size, color)
