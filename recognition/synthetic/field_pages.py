"""Pages as people photograph them, made without end, with the box of every character: what the page reader learns from.

A page is a square of gray pixels: `layouts` say what stands on it, `writing` puts it there in ink, `surfaces` make the
paper under it and the camera before it.
"""

import cv2
import numpy as np

from recognition.synthetic import forms, layouts
from recognition.synthetic.glyphs import Fonts, Sources
from recognition.synthetic.surfaces import paper, photograph, scenery
from recognition.synthetic.writing import SIDE, UNSURE, Page


def make(seed: int, sources: Sources, fonts: Fonts) -> tuple[np.ndarray, np.ndarray]:
    """Return a page, uint8 (SIDE, SIDE), and its labels, float32 (N, 7): x1 y1 x2 y2 class height printed.

    Classes: 0 to 9, then SIGNS, OTHER and UNSURE. `height` is that of the writing in pixels, also for a comma. Some
    pages are clear, some hard to read. The same seed gives the same page with the same sources.
    """
    rng = np.random.default_rng(seed)
    wear = rng.uniform()  # how bad pen, paper, light and camera are
    page = Page(rng, sources, fonts, float(np.exp(rng.uniform(np.log(18), np.log(64)))))
    around = scenery(SIDE, sources.photos, rng) if rng.random() < 0.5 else None
    if around is not None and rng.random() < 0.06:  # no page at all
        return photograph(around, page.ink, page.lines, around, wear, rng)[0], np.zeros((0, 7), np.float32)
    layouts.write(page)
    ground = paper(SIDE, page.height, page.tilt, wear, rng)
    if rng.random() < 0.08:  # what stands on the other side shines through, mirrored: no digits
        behind = Page(rng, sources, fonts, float(np.exp(rng.uniform(np.log(8), np.log(30)))))
        rng.choice([layouts.document, layouts.words, forms.form])(behind)
        seen = cv2.GaussianBlur(np.maximum(behind.ink, behind.lines)[:, ::-1], (0, 0), rng.uniform(0.5, 1.5))
        ground *= 1 - rng.uniform(0.02, 0.15) * seen
    image, hidden = photograph(ground, page.ink, page.lines, around, wear, rng)
    return image, _seen(np.array(page.labels, np.float32).reshape(-1, 7), hidden)


def _seen(labels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return the labels of what is not hidden; what is hidden in part is not learned from."""
    if not hidden.any():
        return labels
    sums = cv2.integral(hidden.astype(np.uint8))
    x1, y1, x2, y2 = np.clip(np.rint(labels[:, :4]).astype(int), 0, SIDE).T
    covered = (sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]) / np.maximum((x2 - x1) * (y2 - y1), 1)
    labels[covered > 0.1, 4] = UNSURE
    return labels[covered < 0.9]
