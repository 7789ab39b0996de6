"""Draw how many images of each class there are, and a note, on live frames."""

import cv2
import numpy as np

from recognition.media.canvas import GREEN, letters, text_size, write


def draw_counts(frame: np.ndarray, counts: dict[str, int], active: str, note: str = "") -> None:
    """Write a line for each class, its key before it, at the top left of a BGR frame, in place; `active`: on green.

    The note comes below them, in smaller letters where it is long. A frame that is too low for all shows the first.
    """
    size = letters(frame)
    step, gap = round(1.5 * size), max(3, size // 3)
    lines = [f"{key}  {name}: {count:,}" for key, (name, count) in enumerate(counts.items(), 1)]
    lines = lines[: max(1, (frame.shape[0] - step - 2 * gap) // step)]
    across = max(text_size(line, size)[0] for line in lines) + 2 * gap
    field = frame[: gap + step * len(lines), :across]
    field[:] = field // 4
    for number, (line, name) in enumerate(zip(lines, counts, strict=False)):
        top = gap + number * step
        if name == active:
            cv2.rectangle(frame, (0, top - gap // 2), (min(across, frame.shape[1]) - 1, top + step - gap), GREEN, -1)
        write(frame, line, (gap, top), size)
    while note and size > 10 and text_size(note, size)[0] + 2 * gap > frame.shape[1]:
        size -= 1
    if note:
        top = gap + step * len(lines)
        field = frame[top : top + step, : text_size(note, size)[0] + 2 * gap]
        field[:] = field // 4
        write(frame, note, (gap, top), size)
