"""What stands on pages and is no digit: joined handwriting, signs of sums, ticks, circles, arrows, crossings-out."""

import cv2
import numpy as np

from recognition.synthetic import glyphs
from recognition.synthetic.glyphs import LETTERS, enlarge
from recognition.synthetic.writing import LIKE_DIGITS, OTHER, SIDE, UNSURE, Page, any_font, word_text

MARKS = ("+", "=", "*", "#", ">", "<", "bracket", "pi", "root", "division", "percent", "arrow", "v", "^")


def draw_line(page: Page, points: np.ndarray, width: float, value: float | None = None) -> None:
    """Draw a pen's line through points (N, 2) of the straight page."""
    points = np.stack([points[:, 0], points[:, 1] + np.tan(page.tilt) * (points[:, 0] - SIDE / 2)], 1)
    layer = np.zeros((SIDE, SIDE), np.uint8)
    points = np.clip(points, -2 * SIDE, 3 * SIDE)
    cv2.polylines(
        layer, [np.round(points * 8).astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, shift=3
    )
    np.maximum(page.ink, layer.astype(np.float32) * ((value or page.value) / 255), out=page.ink)


def cursive(page: Page, x: float, base: float, height: float) -> float:
    """Scribble a joined word that says nothing; return where it ends."""
    rng = page.rng
    count = int(rng.integers(2, 9))
    t = np.linspace(0, count * 2 * np.pi, count * 14)
    along = t / (2 * np.pi) * rng.uniform(0.5, 1.0) + 0.35 * np.sin(t + rng.uniform(0, 6)) * rng.uniform(0.3, 1.2)
    reach = np.interp(t, np.linspace(0, t[-1], count + 1), rng.choice([0.4, 0.5, 0.5, 1.0, 1.2], count + 1))
    up = -reach * (0.5 + 0.5 * np.sin(t + 0.3)) + 0.03 * np.cumsum(rng.normal(0, 0.15, len(t)))
    points = np.stack([along * 0.6 * height + x, up * height + base], 1)
    draw_line(page, points, page.pen * height * 0.8)
    width = np.ptp(points[:, 0]) / count
    for k in range(count):
        centre = page.slanted(points[:, 0].min() + (k + 0.5) * width, base - 0.3 * height)
        box = centre[0] - width / 2, centre[1] - 0.3 * height, centre[0] + width / 2, centre[1] + 0.3 * height
        page.label(box, OTHER, height, False)
    return float(points[:, 0].max())


def word(page: Page, x: float, base: float, height: float) -> float:
    """Write a word by hand, joined or letter by letter; return where it ends."""
    rng = page.rng
    kind = rng.random()
    if kind < 0.45 and page.sources.written:
        text = word_text(rng)
        return page.text(text, x, base, height, any_font(page.sources.written, rng), page.value, False)
    if kind < 0.65 or page.sources.letters is None:
        return cursive(page, x, base, height)
    pitch = rng.uniform(-0.1, 0.15)
    count = int(rng.integers(2, 9))
    for _ in range(count):
        mask = enlarge(page.sources.letters[rng.integers(len(page.sources.letters))], page.pen, rng)
        if mask is None:
            continue
        h = height * rng.choice([0.6, 0.65, 0.7, 1.0, 1.0])
        w = mask.shape[1] * h / mask.shape[0]
        box = page.place(
            mask, page.slanted(x + w / 2, base - h / 2), h, page.value, page.turn + page.tilt, 0.5 * page.shear
        )
        if box:
            page.label(box, OTHER, h, False)
        x += w + pitch * height
    return x


def letter(page: Page, x: float, base: float, height: float) -> float:
    """Write a letter that stands alone; return where it ends. One that might be a digit is not learned from."""
    rng = page.rng
    if page.sources.letters is None or rng.random() < 0.3:
        text = LETTERS[rng.integers(len(LETTERS))]
        font = any_font(page.sources.written, rng) or page.print
        return page.text(text, x, base, height, font, page.value, False)
    k = rng.integers(len(page.sources.letters))
    mask = enlarge(page.sources.letters[k], page.pen, rng)
    if mask is None:
        return x
    width = mask.shape[1] * height / mask.shape[0]
    box = page.place(
        mask,
        page.slanted(x + width / 2, base - height / 2),
        height,
        page.value,
        page.turn + page.tilt,
        0.5 * page.shear,
    )
    if box:
        like_a_digit = chr(ord("A") + page.sources.letter_labels[k]) in LIKE_DIGITS
        page.label(box, UNSURE if like_a_digit else OTHER, height, False)
    return x + width


def mark(page: Page, x: float, base: float, height: float, kind: str = "") -> float:
    """Write a sign of sums, a bracket, a tick or the like; return where it ends."""
    rng = page.rng
    kind = kind or str(rng.choice([*MARKS, "paren", "cross", "tick", "bar", "box", "circle", "brace", "dash", "euro"]))
    canvas, thick, size = np.zeros((112, 112), np.uint8), max(2, round(100 * page.pen)), height
    jitter = rng.integers(-10, 11, 4)
    if kind == "paren":
        cv2.ellipse(canvas, (92, 56), (46, 52), 0, 110, 250, 255, thick, cv2.LINE_AA)
        size *= rng.uniform(1, 1.8)
    elif kind == "brace":
        points = [(70, 4), (54, 14), (56, 44), (40, 56), (56, 66), (54, 98), (70, 108)]
        cv2.polylines(canvas, [np.array(points)], False, 255, thick, cv2.LINE_AA)
        size *= rng.uniform(1.2, 3)
    elif kind == "cross":
        cv2.line(canvas, (20 + jitter[0], 20), (90 + jitter[1], 90), 255, thick, cv2.LINE_AA)
        cv2.line(canvas, (90 + jitter[2], 20), (20 + jitter[3], 90), 255, thick, cv2.LINE_AA)
        size *= rng.uniform(0.4, 1.3)
    elif kind == "tick":
        cv2.polylines(
            canvas, [np.array([[10 + jitter[0], 60], [40, 100], [100 + jitter[1] // 2, 8]])], False, 255, thick, 16
        )
        size *= rng.uniform(0.8, 1.6)
    elif kind == "bar":
        cv2.line(canvas, (56 + jitter[0], 2), (56 + jitter[1], 110), 255, thick, cv2.LINE_AA)
        size *= rng.uniform(1.8, 4)  # a short one is a digit
    elif kind == "dash":
        cv2.line(canvas, (4, 56), (108, 56 + jitter[0]), 255, thick, cv2.LINE_AA)
        size *= rng.uniform(1.2, 3)
    elif kind == "box":
        cv2.rectangle(canvas, (10, 10), (100, 100), 255, max(2, thick // 2))
    elif kind == "circle":
        cv2.ellipse(canvas, (56, 56), (50, 50), 0, 0, 360, 255, max(2, thick // 3), cv2.LINE_AA)
        size *= rng.uniform(1.6, 3)
    elif kind == "euro":
        cv2.ellipse(canvas, (66, 56), (44, 50), 0, 60, 300, 255, thick, cv2.LINE_AA)
        cv2.line(canvas, (8, 46), (60, 46), 255, thick)
        cv2.line(canvas, (8, 64), (60, 64), 255, thick)
    else:
        canvas = glyphs.stroke_glyph(kind, page.pen, rng)
        size *= rng.uniform(0.6, 1.1)
    if rng.random() < 0.5 and kind in ("paren", "brace", "bracket"):
        canvas = np.ascontiguousarray(canvas[:, ::-1])
    mask = glyphs.crop(canvas)
    if mask is None:
        return x
    tall = size * mask.shape[0] / 112
    width = mask.shape[1] * tall / mask.shape[0]
    box = page.place(
        mask, page.slanted(x + width / 2, base - 0.5 * height), tall, page.value, page.tilt + rng.normal(0, 0.06)
    )
    if box:
        page.label(box, OTHER, max(size, 8), False)
    return x + width


def ring(page: Page, x: float, y: float, radius: float) -> None:
    """Draw a circle by hand around a place."""
    rng = page.rng
    t = np.linspace(0, 2 * np.pi * rng.uniform(0.92, 1.12), 40) + rng.uniform(0, 6)
    wave = 1 + 0.06 * np.sin(t * 2 + rng.uniform(0, 6))
    points = np.stack([x + radius * wave * np.cos(t), y + radius * wave * rng.uniform(0.75, 1.1) * np.sin(t)], 1)
    draw_line(page, points, max(1, page.pen * page.height * rng.uniform(0.5, 1)), rng.uniform(0.4, 1))


def strokes_over(page: Page) -> None:
    """Draw over the page: an underline, a long stroke, a ring, a scribble that crosses a digit out, a frame."""
    rng, h = page.rng, page.height
    kind, width = rng.integers(5), max(1, page.pen * h)
    x, y = rng.uniform(0, SIDE, 2)
    if kind == 0:
        length = rng.uniform(2, 9) * h
        draw_line(page, np.array([[x, y], [x + length / 2, y + rng.normal(0, 0.1) * h], [x + length, y]]), width)
    elif kind == 1:
        ends = rng.uniform(-20, SIDE + 20, (2, 2))
        bend = ends.mean(0) + rng.normal(0, 15, 2)
        draw_line(page, np.array([ends[0], bend, ends[1]]), width * rng.uniform(0.5, 2), rng.uniform(0.3, 1))
    elif kind == 2:
        ring(page, x, y, rng.uniform(0.9, 3) * h)
    elif kind == 3 and page.labels:  # crossed out: what it was does not count
        box = page.labels[rng.integers(len(page.labels))]
        x1, y1, x2, y2 = box[:4]
        t = np.linspace(0, 1, 14)
        zigzag = np.stack([x1 + (x2 - x1) * t, np.where(np.arange(14) % 2, y1, y2) + rng.normal(0, 0.1 * h, 14)], 1)
        draw_line(page, zigzag - [0, np.tan(page.tilt) * (x1 - SIDE / 2)], width)
        page.labels = [
            (*b[:4], UNSURE, *b[5:]) if b[0] < x2 and b[2] > x1 and b[1] < y2 and b[3] > y1 else b for b in page.labels
        ]
    else:
        x2, y2 = x + rng.uniform(2, 8) * h, y + rng.uniform(1.2, 5) * h
        draw_line(page, np.array([[x, y], [x2, y], [x2, y2], [x, y2], [x, y]]), width * rng.uniform(0.3, 1.2))


def draw(page: Page) -> None:
    """Fill a page with drawings, ticks, letters far apart: nothing to read."""
    rng = page.rng
    for _ in range(int(rng.integers(0, 14))):
        x, y, size = *rng.uniform(0, SIDE, 2), float(np.exp(rng.uniform(np.log(8), np.log(60))))
        page.pen = float(np.exp(rng.uniform(np.log(0.03), np.log(0.2))))
        kind = rng.random()
        if kind < 0.4:
            mark(page, x, y, size)
        elif kind < 0.55:
            ring(page, x, y, size)
        elif kind < 0.75:
            points = np.array([x, y]) + np.cumsum(rng.normal(0, size / 3, (int(rng.integers(3, 30)), 2)), 0)
            draw_line(page, points, max(1, page.pen * size))
        elif kind < 0.9:
            page.text(word_text(rng), x, y, size, page.print, rng.uniform(0.3, 1), True)
        else:
            strokes_over(page)
