"""Draw on frames: boxes with labels and lines of text, sized to the image, readable on light and dark."""

import itertools
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from recognition.media.roi import Box
from recognition.settings import uninterrupted

GREEN, ORANGE, GRAY = (60, 150, 0), (0, 110, 230), (110, 110, 110)  # BGR; told apart by brightness too
WEIGHT = 600  # of letters, from 100 thin to 900 black


def draw_box(frame: np.ndarray, box: Box, label: str, color: tuple[int, int, int]) -> None:
    """Draw a box x1 y1 x2 y2 with a label above it (below at the top edge) on a BGR frame, in place."""
    cv2.rectangle(frame, box[:2], box[2:], color, max(2, _line(frame)))
    if label:
        size = letters(frame)
        draw_label(frame, label_places(frame, box, label, size)[0], label, size, color)


def label_places(frame: np.ndarray, box: Box, label: str, size: int) -> list[Box]:
    """Return where a label in letters of a size may be, the best place first: above a box, below, higher above."""
    x1, y1, _, y2 = box
    width, height = text_size(label, size)
    margin = _line(frame) + 2
    width += 2 * margin
    left = int(np.clip(x1, 0, max(0, frame.shape[1] - width)))
    tops = y1 - height - margin, min(y2 + margin, frame.shape[0] - height), y1 - round(2.5 * height) - margin
    return [(left, top, left + width, top + height) for top in tops if top >= 0] or [(left, 0, left + width, height)]


def place_label(
    frame: np.ndarray, box: Box, texts: Sequence[str], sizes: Sequence[int], taken: Sequence[Box]
) -> tuple[int, Box, str, int]:
    """Return how many pixels of the boxes `taken` a label of `box` covers, its place, its text and its size.

    None where that can be: then it is the first of the texts, in the largest size, that has room. Else the least.
    """
    others, tries = np.reshape(taken, (-1, 4)), []
    for text, size in itertools.product(texts, sizes):
        for place in label_places(frame, box, text, size):
            across = np.minimum(others[:, 2:], place[2:]) - np.maximum(others[:, :2], place[:2])
            covered = int(np.maximum(across, 0).prod(axis=1).sum())
            if not covered:
                return 0, place, text, size
            tries.append((covered, place, text, size))
    return min(tries, key=lambda one: one[0])


def draw_label(frame: np.ndarray, place: Box, label: str, size: int, color: tuple[int, int, int]) -> None:
    """Write a label on a field of a colour on a BGR frame, in place."""
    cv2.rectangle(frame, place[:2], place[2:], color, cv2.FILLED)
    write(frame, label, (place[0] + _line(frame) + 2, place[1]), size)


def letters(frame: np.ndarray) -> int:
    """Return the size, pixels, of the letters of labels on a frame."""
    return max(14, round(0.024 * _extent(frame)))


def _line(frame: np.ndarray) -> int:
    return max(1, round(_extent(frame) / 500))


def _extent(frame: np.ndarray) -> int:
    """Return the longer side, pixels, of what is drawn for; of a strip four times the shorter one."""
    return min(max(frame.shape[:2]), 4 * min(frame.shape[:2]))


def text_size(text: str, size: int) -> tuple[int, int]:
    """Return the width and height, pixels, of a line of text in letters of a size; all lines are of one height."""
    text, is_plain = _drawable(text)
    if not is_plain:
        from recognition.media.lettering import lines  # and Pillow: only where it is needed

        return lines.width(text, size), round(1.3 * size)
    with uninterrupted():
        return cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), size, WEIGHT)[2], round(1.3 * size)


def write(frame: np.ndarray, text: str, place: tuple[int, int], size: int, color=(255, 255, 255)) -> None:
    """Write text, in letters of any language, on a BGR frame, in place; `place`: its upper left corner."""
    text, is_plain = _drawable(text)
    if is_plain:
        with uninterrupted():
            cv2.putText(frame, text, (place[0], place[1] + size), color, cv2.FontFace("sans"), size, WEIGHT)
        return
    from recognition.media.lettering import lines

    picture, through, above = lines.picture(text, size, tuple(color))
    x, y = place[0], place[1] - above
    part = frame[max(0, y) : max(0, y + len(picture)), max(0, x) : max(0, x + picture.shape[1])]
    seen = np.s_[max(0, -y) : max(0, -y) + part.shape[0], max(0, -x) : max(0, -x) + part.shape[1]]
    part[:] = np.rint(part * through[seen] + picture[seen])


@lru_cache(1024)
def _drawable(text: str) -> tuple[str, bool]:
    """Return a text as it can be drawn, and whether OpenCV can do it; letters that no font has are told by numbers."""
    if text.isascii():
        return text, True
    text = unicodedata.normalize("NFC", text)  # letters and their accents as one
    if all(map(_opencv_has, text)):
        return text, True
    from recognition.media.lettering import lines

    text = lines.escaped(text)
    return text, all(map(_opencv_has, text))


@lru_cache(4096)
def _opencv_has(letter: str) -> bool:
    """Tell whether OpenCV draws a letter: it has many alphabets, but writes from left to right only."""
    if letter.isascii():
        return True
    if unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return False
    tries = np.zeros((2, 24, 48), np.uint8)
    for image, one in zip(tries, (letter, "?"), strict=True):
        with uninterrupted():
            cv2.putText(image, one, (4, 18), (255,), cv2.FontFace("sans"), 16, WEIGHT)
    return not np.array_equal(*tries)


def draw_words(frame: np.ndarray, text: str, place: tuple[int, int], size: int, right: bool = False) -> int:
    """Write white text on a darkened field of a BGR frame, in place, and return the width of the field, pixels.

    `place`: the field's lower left corner, or its upper right one. Long texts get smaller letters.
    """
    while size > 10 and text_size(text, size)[0] > 0.95 * frame.shape[1]:
        size -= 1
    margin = max(3, size // 4)
    width, height = text_size(text, size)
    width += 2 * margin
    left, bottom = (max(0, place[0] - width), place[1] + height) if right else place
    field = frame[max(0, bottom - height) : bottom, left : left + width]
    field[:] = field // 3
    write(frame, text, (left + margin, bottom - height), size)
    return width


def draw_text(frame: np.ndarray, text: str, note: str = "") -> None:
    """Write a number large, and a note small beside it, at the bottom left of a BGR frame, in place."""
    unit = _extent(frame) / 1000
    left = gap = round(15 * unit)
    for string, size in ((text, round(60 * unit)), (note, letters(frame))):
        if string:
            left += draw_words(frame, string, (left, frame.shape[0] - gap), size) + gap


def draw_fps(frame: np.ndarray, fps: float) -> None:
    """Write frames a second at the top right of a BGR frame, in place."""
    draw_words(frame, f"{fps:.0f} FPS", (frame.shape[1], 0), letters(frame), right=True)
