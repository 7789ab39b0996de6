"""Pages as people photograph them, made without end, with the box of every character: what the page reader learns from.

A page is a square of gray pixels: `layouts` say what stands on it, `writing` puts it there in ink, `surfaces` make the
paper under it and the camera before it.
"""

import numpy as np

from recognition.synthetic import layouts
from recognition.synthetic.glyphs import Fonts, Sources
from recognition.synthetic.surfaces import paper, photograph
from recognition.synthetic.writing import SIDE, Page


def make(seed: int, sources: Sources, fonts: Fonts) -> tuple[np.ndarray, np.ndarray]:
    """Return a page, uint8 (SIDE, SIDE), and its labels, float32 (N, 7): x1 y1 x2 y2 class height printed.

    Classes: 0 to 9, then SIGNS, OTHER and UNSURE. `height` is that of the writing in pixels, also for a comma. The same
    seed gives the same page with the same sources.
    """
    rng = np.random.default_rng(seed)
    page = Page(rng, sources, fonts, float(np.exp(rng.uniform(np.log(10), np.log(46)))))
    layouts.write(page)
    ground = paper(SIDE, page.height, page.tilt, rng)
    image = photograph(ground, page.ink, page.lines, rng)
    return image, np.array(page.labels, np.float32).reshape(-1, 7)
