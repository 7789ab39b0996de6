"""Sheets of many pictures, each under a few words: who is enrolled, what was read wrongly."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import imutils
import numpy as np

from recognition.media.canvas import ORANGE, text_size, write
from recognition.media.sinks import save_picture

SMALL, SIDE = 96, 200  # pixels of a picture on the sheet: of one of 48 pixels or less, and of larger ones
LETTERS, LINE, GAP = 14, 20, 8  # pixels: size of letters, height of a line, space around a picture


def save_sheet(
    images: Sequence[np.ndarray],
    titles: list[str],
    path: Path,
    columns: int = 10,
    wrong: Sequence[bool] | None = None,
    private: bool = False,
) -> None:
    """Save pictures, BGR or gray uint8, side by side, each under its title, in orange if `wrong`.

    `private`: nobody but the user can read the file.
    """
    side = SMALL if max(max(image.shape[:2]) for image in images) <= 48 else SIDE
    lines = [title.split("\n") if title else [] for title in titles]
    heading = LINE * max(map(len, lines))
    width = GAP + max(side, *(text_size(line, LETTERS)[0] for title in lines for line in title), 0)
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    tiles = np.full((rows * columns, heading + side + GAP, width, 3), 255, np.uint8)
    for k, (tile, image) in enumerate(zip(tiles, images, strict=False)):
        fitted = _fit(image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), side)
        tile[heading : heading + fitted.shape[0], : fitted.shape[1]] = fitted
        for row, line in enumerate(lines[k]):
            write(tile, line, (0, LINE * row), LETTERS, ORANGE if wrong is not None and wrong[k] else (0, 0, 0))
    sheet = imutils.build_montages(list(tiles), tiles.shape[2:0:-1], (columns, rows))[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = cv2.copyMakeBorder(sheet, GAP, 0, GAP, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    save_picture(path, sheet, private)


def _fit(image: np.ndarray, side: int) -> np.ndarray:
    """Return a BGR image whose longer side is `side` pixels; pixels of small ones stay to be seen."""
    height, width = image.shape[:2]
    if max(height, width) > 50 * min(height, width):  # a strip, which would have no width at all
        return np.full((side, side, 3), 200, np.uint8)
    inter = cv2.INTER_NEAREST if max(height, width) < side else cv2.INTER_AREA
    return imutils.resize(image, **{"width" if width >= height else "height": side}, inter=inter)
