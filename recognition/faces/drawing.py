"""Draw faces and names on frames, or make faces unrecognisable."""

from collections.abc import Iterable

import cv2
import numpy as np

from recognition.faces.live import Seen
from recognition.media.canvas import GRAY, GREEN, ORANGE, draw_box, draw_label, label_places, letters
from recognition.media.roi import Box

SMEAR, AROUND = 3, 0.2  # colours a side that are left of a face; what is smeared around its box, of its sides
SURE = 0.6  # confidence of a name from which on it is beyond doubt


def draw(frame: np.ndarray, seen: list[Seen], blur: str = "none") -> None:
    """Draw faces and names on a BGR frame, in place; or smear, with blur, those of "unknown" people, or "all"."""
    if blur == "none":
        draw_faces(frame, seen)
    else:
        smear_faces(frame, [one for one in seen if blur == "all" or one.name is None])


def draw_faces(frame: np.ndarray, seen: Iterable[Seen]) -> None:
    """Draw faces on a BGR frame, in place: green with the name, orange if near to doubt; gray with who it may be.

    A name that would cover another one stands elsewhere; others are left out where there is no room for them.
    """
    seen = sorted(seen, key=lambda one: one.name is None)
    colors = [GRAY if one.name is None else GREEN if one.confidence >= SURE else ORANGE for one in seen]
    for one, color in reversed(list(zip(seen, colors, strict=True))):
        draw_box(frame, one.box, "", color)
    labels: list[Box] = []
    for k, (one, color) in enumerate(zip(seen, colors, strict=True)):
        label, size = shown(one), letters(frame) if one.name else round(0.7 * letters(frame))
        places = label_places(frame, one.box, label, size)
        taken = labels if one.name else [*labels, *(other.box for n, other in enumerate(seen) if n != k)]
        free = [place for place in places if not any(_overlap(place, other) for other in taken)]
        if free or one.name:
            labels.append((free or places)[0])
            draw_label(frame, labels[-1], label, size, color)


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


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
