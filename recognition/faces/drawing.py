"""Draw faces and names on frames."""

from collections.abc import Iterable

import numpy as np

from recognition.faces.live import Seen
from recognition.media.canvas import GRAY, GREEN, ORANGE, draw_box, draw_label, label_places, letters
from recognition.media.roi import Box

SURE = 0.6  # confidence of a name from which on it is beyond doubt


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


def shown(one: Seen) -> str:
    """Return what is told of somebody: the name, who it may be, or that he is unknown."""
    return one.name or (f"perhaps {one.perhaps}" if one.perhaps else "unknown")


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
