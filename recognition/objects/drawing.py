"""Draw what a photo shows: a panel of bars for the most probable classes, and a map of what made the network say so."""

import cv2
import numpy as np

from recognition.media.canvas import GREEN, draw_words, letters, text_size, write
from recognition.objects.classes import NONE
from recognition.objects.classification import Objects

PALE = (200, 200, 200)  # BGR, of the bars that are not the answer
LEAST = 400  # pixels of the longer side on which a panel is readable without covering the photo
LOWEST = 160  # and of the other one
ROWS = 256  # coloured at a time: real numbers of a whole photo take gigabytes
NOTHING = 0.2  # fall of the log-odds that is no reason: a map of smaller ones shows little colour


def picture(image: np.ndarray, objects: Objects, heat: np.ndarray | None = None) -> np.ndarray:
    """Return a BGR photo as a picture of what it shows; `heat`: of what spoke for the class, see `draw_heat`.

    Small photos are enlarged a whole number of times, so that pixels can be seen as such; narrow ones get margins.
    """
    times = -(-LEAST // max(image.shape[:2]))
    image = cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST) if times > 1 else image.copy()
    if heat is not None:
        draw_heat(image, cv2.resize(heat, image.shape[1::-1]))
    low, narrow = (max(0, LOWEST - side) for side in image.shape[:2])
    if low or narrow:
        edges = low // 2, low - low // 2, narrow // 2, narrow - narrow // 2
        image = cv2.copyMakeBorder(image, *edges, cv2.BORDER_CONSTANT, value=(40, 40, 40))
    if heat is not None:
        size = _letters(image)
        draw_words(image, caption(objects.top[0].label, heat), (0, round(1.3 * size)), size)
    draw_objects(image, objects)
    return image


def caption(label: str, heat: np.ndarray) -> str:
    """Return what a map of what spoke for a class says: that no place alone did, where there are no colours to see."""
    return f"what speaks for {label}: yellow most" if heat.max() > NOTHING else f"no place alone speaks for {label}"


def draw_objects(frame: np.ndarray, objects: Objects) -> None:
    """Draw the most probable classes as bars at the bottom left of a BGR frame, in place: green what is believed."""
    height, width = frame.shape[:2]
    size = _letters(frame)
    step, gap = round(1.4 * size), max(3, size // 3)
    rows = [*([] if objects.known else [None]), *objects.top][: max(1, (height - 2 * gap) // step)]
    texts = [text_size(one.label if one else NONE, size)[0] for one in rows]
    percent = text_size("100%", size)[0]
    names = max(text for text, one in zip(texts, rows, strict=True) if one or len(rows) == 1)
    full = min(6 * size, width - names - percent - 5 * gap)  # pixels of a bar of 100%
    across = max(names + max(0, full) + percent + 3 * gap, *texts) + 2 * gap
    top = height - step * len(rows) - 2 * gap
    field = frame[max(0, top) : height, : min(width, across)]
    field[:] = field // 4
    for row, one in enumerate(rows):
        y = top + gap + row * step
        write(frame, one.label if one else NONE, (gap, y), size)
        if one:
            left = 2 * gap + names
            right = left + max(1, round(max(0, full) * one.confidence))
            color = GREEN if objects.known and row == 0 else PALE
            cv2.rectangle(frame, (left, y + size // 4), (right, y + size), color, cv2.FILLED)
            write(frame, f"{one.confidence:.0%}", (right + gap, y), size)


def draw_heat(frame: np.ndarray, heat: np.ndarray) -> None:
    """Colour what spoke for a class on a BGR frame, in place; the rest turns gray and dim.

    `heat`: float32 (H, W), see `occlusion.explain`. From dark blue to yellow, brighter with every step, so that all
    eyes can tell them apart.
    """
    highest = max(NOTHING, float(heat.max()))
    for top in range(0, len(frame), ROWS):
        rows, strength = frame[top : top + ROWS], np.clip(heat[top : top + ROWS] / highest, 0, 1)
        colours = cv2.applyColorMap(np.rint(255 * strength).astype(np.uint8), cv2.COLORMAP_CIVIDIS)
        gray = cv2.cvtColor(cv2.cvtColor(rows, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        share = (0.25 + 0.4 * strength)[..., None]
        rows[:] = np.rint(gray * (1 - share) + colours * share).astype(np.uint8)


def _letters(frame: np.ndarray) -> int:
    return max(12, round(0.8 * letters(frame)))
