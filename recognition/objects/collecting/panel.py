"""Draw how many images of each class there are, and a note, on live frames."""

import numpy as np

from recognition.media.canvas import GREEN, letters, text_size, write


def draw_counts(frame: np.ndarray, counts: dict[str, int], active: str, note: str = "") -> None:
    """Write a line for each class, its key before it, at the right of a BGR frame, in place; `active`: on green.

    They begin below the frames a second: at the left are the list of keys and the answers. The note comes last, in
    smaller letters where it is long. A frame that is too low for all classes shows the first.
    """
    size = letters(frame)
    step = round(1.5 * size)
    lines = [f"{key}  {name}: {count:,}" for key, (name, count) in enumerate(counts.items(), 1)]
    lines = lines[: max(1, frame.shape[0] // step - 2)]
    across = max(text_size(line, size)[0] for line in lines)
    for row, (line, name) in enumerate(zip(lines, counts, strict=False), 1):
        _draw_line(frame, line, row * step, step, size, across, name == active)
    while note and size > 10 and text_size(note, size)[0] + 2 * (size // 3) > frame.shape[1]:
        size -= 1
    if note:
        _draw_line(frame, note, (1 + len(lines)) * step, step, size, text_size(note, size)[0], False)


def _draw_line(frame: np.ndarray, text: str, top: int, height: int, size: int, width: int, marked: bool) -> None:
    """Write text that is so wide, pixels, on a field at the right of a frame, dark, or green where it is marked."""
    gap = max(3, size // 3)
    left = max(0, frame.shape[1] - width - 2 * gap)
    field = frame[top : top + height, left:]
    field[:] = GREEN if marked else field // 4
    if field.size:
        write(frame, text, (left + gap, top + max(0, height - round(1.3 * size)) // 2), size)
