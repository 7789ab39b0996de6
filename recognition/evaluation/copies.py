"""Near copies among images: the same picture saved again, smaller, brighter or mirrored.

Measured with a copy of what was trained on, a model seems better than it is. A picture's look, whether it gets brighter
or darker from place to place, stays the same in a copy (N. Krawetz, "Kind of like that", 2013).
"""

from pathlib import Path

import cv2
import numpy as np

from recognition.files import read_bytes, sha256
from recognition.media.frames import read_image
from recognition.progress import watched
from recognition.settings import UserError, say

SIDE = 16  # places along each side of a look
ALIKE = 16  # of 256 places that may differ: of copies few do, of other photos 50 and more
MANY = 0.2  # share of images with a copy, above which they are of one kind that looks all alike
BLOCK = 1000  # images compared at once


def look(image: np.ndarray) -> np.ndarray:
    """Return the look of a BGR image, bool (SIDE, SIDE): where it is brighter than to the left."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(int)
    return small[:, 1:] > small[:, :-1]


def pairs(looks: np.ndarray) -> np.ndarray:
    """Return which images are copies of each other, int (P, 2), from looks, bool (N, SIDE, SIDE)."""
    signs = np.where(looks, 1, -1).astype(np.float32)
    plain, mirrored = (array.reshape(len(looks), -1) for array in (signs, -signs[:, :, ::-1]))
    found = []
    for start in range(0, len(looks), BLOCK):
        block = plain[start : start + BLOCK]
        same = np.maximum(block @ plain.T, block @ mirrored.T) >= plain.shape[1] - 2 * ALIKE
        one, other = np.nonzero(same)
        found.append(np.stack([one + start, other], 1)[one + start < other])
    return np.concatenate(found)


def of_features(content, how: str) -> np.ndarray:
    """Return which images of a features file are copies of each other, int (P, 2), and say how many.

    Those that are not what they were are left out, and it is said; `how`: what to do then.
    """
    folder, files, looks, rows = Path(content.folder), content.files, [], []
    for k, file in enumerate(watched(files, len(files), "image")):
        try:
            image = read_bytes(folder / file)
            if sha256(image) == content.hashes[k]:
                looks.append(look(read_image(folder / file, image)))
                rows.append(k)
        except (UserError, OSError):
            continue
    if missing := len(files) - len(rows):
        say(f"{folder}: {missing:,} of {len(files):,} images changed, or are not there any more: {how}")
    if not rows:
        return np.zeros((0, 2), int)
    found = np.array(rows)[pairs(np.array(looks))]
    copied = len(np.unique(found))
    if copied > MANY * len(files):
        say(f"{copied:,} of {len(files):,} images look much like others: what is measured may be too good")
        return found[:0]
    if copied:
        first, second = (files[k] for k in found[0])
        say(f"{copied:,} images are near copies, such as {first} and {second}: none is measured by what knows its copy")
    return found


def apart(split: list[tuple[np.ndarray, np.ndarray]], found: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of what to train on and what to measure with, such that no copy of the second is in the first."""
    parts = []
    for kept, held_back in split:
        near = np.concatenate([found[np.isin(found[:, side], held_back), 1 - side] for side in (0, 1)])
        parts.append((kept[~np.isin(kept, near)], held_back))
    return parts
