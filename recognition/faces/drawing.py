"""Draw faces and names on frames, or make faces unrecognisable."""

from collections.abc import Iterable

import cv2
import numpy as np

from recognition.faces.live import Seen
from recognition.media.canvas import GRAY, GREEN, ORANGE, draw_box, draw_label, letters, place_label, text_size

SMEAR, AROUND = 3, 0.2  # colours a side that are left of a face; what is smeared around its box, of its sides
SMALLEST = 14  # pixels of a name's letters
SURE = 0.6  # confidence of a name from which on it is beyond doubt


def draw(frame: np.ndarray, seen: list[Seen], blur: str = "none") -> None:
    """Draw faces and names on a BGR frame, in place; or smear, with blur, those of "unknown" people, or "all"."""
    if blur == "none":
        draw_faces(frame, seen)
    else:
        smear_faces(frame, [one for one in seen if blur == "all" or one.name is None])


def draw_faces(frame: np.ndarray, seen: Iterable[Seen]) -> None:
    """Draw faces on a BGR frame, in place: green with the name, orange if near to doubt; gray with who it may be.

    Labels cover no face and no other label: names get smaller letters or stand elsewhere, others are left out. A name
    that has no room at all stands where it covers least.
    """
    seen = sorted(seen, key=lambda one: one.name is None)
    colors = [GRAY if one.name is None else GREEN if one.confidence >= SURE else ORANGE for one in seen]
    for one, color in reversed(list(zip(seen, colors, strict=True))):
        draw_box(frame, one.box, "", color)
    taken = [one.box for one in seen]
    for one, color in zip(seen, colors, strict=True):
        covered, place, label, size = place_label(frame, one.box, [shown(one)], _sizes(frame, one), taken)
        if one.name or not covered:
            taken.append(place)
            draw_label(frame, place, label, size, color)


def _sizes(frame: np.ndarray, one: Seen) -> list[int]:
    """Return the sizes of letters that a label may have, the largest first: no wider than the face, if it can be."""
    usual = round((1 if one.name else 0.7) * letters(frame))
    smallest = min(usual, max(SMALLEST, round(0.45 * letters(frame))))
    width = text_size(shown(one), usual)[0]
    fitting = round(usual * min(1.0, (one.box[2] - one.box[0]) / max(1, width)))
    return sorted({max(smallest, fitting), max(smallest, round(0.7 * fitting)), smallest}, reverse=True)


def smear_faces(frame: np.ndarray, seen: Iterable[Seen]) -> None:
    """Leave nothing but nine blurred colours of faces, on a BGR frame, in place.

    Blurred or pixelated less, faces can still be told apart by networks trained for that: R. McPherson, R. Shokri,
    V. Shmatikov, "Defeating image obfuscation with deep learning" (2016).
    """
    for one in seen:
        x1, y1, x2, y2 = one.box
        dx, dy = round(AROUND * (x2 - x1)), round(AROUND * (y2 - y1))
        part = frame[max(0, y1 - dy) : max(0, y2 + dy), max(0, x1 - dx) : max(0, x2 + dx)]
        if part.size:
            colours = cv2.resize(part, (SMEAR, SMEAR), interpolation=cv2.INTER_AREA)
            part[:] = cv2.resize(colours, part.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def shown(one: Seen) -> str:
    """Return what is told of somebody: the name, who it may be, or that he is unknown."""
    return one.name or (f"perhaps {one.perhaps}" if one.perhaps else "unknown")
