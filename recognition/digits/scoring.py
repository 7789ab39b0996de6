"""Score how well photos of many digits are read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recognition.media.frames import FrameSource


def edit_distance(wanted: str, read: str) -> int:
    """Return how many characters to insert, delete or replace to make one text of the other (Levenshtein, 1966)."""
    row = list(range(len(read) + 1))
    for i, a in enumerate(wanted, 1):
        above, row = row, [i]
        for j, b in enumerate(read, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (a != b)))
    return row[-1]


def only_digits(text: str) -> str:
    """Return a text without all that is no digit: spaces, signs and the ends of lines."""
    return "".join(letter for letter in text if letter in "0123456789")


def score_photos(read: Callable[[np.ndarray], str], folder: Path, labels: dict[str, dict]) -> dict:
    """Return how well `read` (BGR frame to text) reads the digits of a folder's photos, whatever is between them.

    Returns digits, score, exact, failed and photos; the score is 1 - edit distance / digits. `labels`: from
    labelled_digits.load_photo_labels; a photo whose note says SCATTERED has no reading order, so its digits are
    compared sorted. Photos that cannot be used count as unread.
    """
    source = FrameSource([str(folder / name) for name in labels])
    texts = {Path(photo.source): read(photo.image) for photo in source}
    photos = []
    for name, label in labels.items():
        wanted, found = label["digits"], only_digits(texts.get(folder / name, ""))
        if "SCATTERED" in label.get("note", ""):
            wanted, found = "".join(sorted(wanted)), "".join(sorted(found))
        photos.append({"photo": name, "digits": wanted, "read": found, "edit_distance": edit_distance(wanted, found)})
    count = sum(len(photo["digits"]) for photo in photos)
    wrong = [photo["edit_distance"] for photo in photos]
    exact, failed = wrong.count(0), source.failed
    score = 1 - sum(wrong) / max(count, 1)
    return {"digits": count, "score": score, "exact": exact, "failed": failed, "photos": photos}
