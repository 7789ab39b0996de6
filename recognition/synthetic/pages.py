"""Photos of handwritten pages that we make ourselves: for tests, benchmarks and data/samples, never for training."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.synthetic import handwriting


@dataclass
class Page:
    """How a page looks: sizes in pixels, colours BGR 0-255, shares 0-1."""

    height: int = 700  # of the photo
    width: int = 1000
    digit: int = 90  # height of the writing
    pen: float = 6.0  # thickness of the strokes
    ink: tuple[int, int, int] = (70, 40, 30)
    paper: tuple[int, int, int] = (215, 225, 228)
    ruling: str = "plain"  # plain, ruled or graph
    line: tuple[int, int, int] = (190, 160, 140)  # colour of the ruling
    slant: float = 0.0  # degrees that the rows climb
    shadow: float = 0.0  # how much darker the darkest corner is
    noise: float = 3.0  # standard deviation of the camera's noise
    blur: float = 0.8  # standard deviation of the lens's blur
    wobble: float = 0.7  # how shaky the hand is, 1 as in training


def write_page(rows: list[list[str]], page: Page, rng: np.random.Generator) -> tuple[np.ndarray, list[list[tuple]]]:
    """Return a photo, BGR uint8 (H, W, 3), of glyphs written in rows, and each glyph's box x1 y1 x2 y2.

    Rows are lists of keys of `handwriting.DIGITS` or `handwriting.NO_DIGITS`.
    """
    image = np.full((page.height, page.width, 3), page.paper, np.float32)
    _rule(image, page)
    ink = np.zeros((page.height, page.width), np.uint8)
    step_x = (page.width - 1.2 * page.digit) / max(len(row) for row in rows)
    step_y = page.height / (len(rows) + 0.4)
    boxes = []
    for r, row in enumerate(rows):
        boxes.append([])
        for c, glyph in enumerate(row):
            centre = np.array([0.6 * page.digit + step_x * (c + 0.5), step_y * (r + 0.7)])
            centre[1] -= np.tan(np.radians(page.slant)) * (centre[0] - page.width / 2)
            centre += rng.normal(0, 0.06 * page.digit, 2)
            strokes = [s * page.digit + centre for s in handwriting.write(glyph, rng, page.wobble)]
            for stroke in strokes:
                points = np.round(stroke * 16).astype(np.int32)
                cv2.polylines(ink, [points], False, 255, max(1, round(page.pen)), cv2.LINE_AA, shift=4)
            points, half = np.concatenate(strokes), page.pen / 2
            low, high = np.floor(points.min(0) - half), np.ceil(points.max(0) + half)
            boxes[-1].append((*low.astype(int).tolist(), *high.astype(int).tolist()))
    cover = cv2.GaussianBlur(ink, (0, 0), 0.7)[..., None] / np.float32(255)
    cover *= 1 - 0.12 * rng.random(cover.shape, np.float32)  # ink never covers evenly
    image += cover * (np.float32(page.ink) - image)
    y, x = np.mgrid[-1 : 1 : page.height * 1j, -1 : 1 : page.width * 1j].astype(np.float32)
    direction = rng.uniform(0, 2 * np.pi)
    light = 1 - page.shadow / (1 + np.exp(-4 * (np.cos(direction) * x + np.sin(direction) * y)))
    image = cv2.GaussianBlur(image * light[..., None], (0, 0), page.blur)
    image += page.noise * rng.standard_normal(image.shape, np.float32)
    return np.clip(image, 0, 255).astype(np.uint8), boxes


def _rule(image: np.ndarray, page: Page) -> None:
    """Draw the ruling of the paper, in place; it turns with the rows as a tilted camera would have it."""
    if page.ruling == "plain":
        return
    gap = round(page.digit * (1.3 if page.ruling == "ruled" else 0.8))
    rise, thickness = np.tan(np.radians(page.slant)), max(1, page.digit // 40)
    for y in range(-page.width, page.height + page.width, gap):
        ends = (0, round(y + rise * page.width / 2)), (page.width, round(y - rise * page.width / 2))
        cv2.line(image, *ends, page.line, thickness, cv2.LINE_AA)
    for x in range(gap // 2 - page.height, page.width + page.height, gap) if page.ruling == "graph" else ():
        ends = (round(x - rise * page.height / 2), 0), (round(x + rise * page.height / 2), page.height)
        cv2.line(image, *ends, page.line, thickness, cv2.LINE_AA)
