"""What stands on a page: rows of numbers, sums, tables, forms, words, print, drawings; each function fills a `Page`."""

import numpy as np

from recognition.synthetic import forms, scribbles
from recognition.synthetic.writing import SIDE, Page, number, print_text


def write(page: Page) -> None:
    """Fill a page with one kind of content, at times with a second one of another size over it."""
    kinds = [rows, sums, forms.table, forms.combs, forms.sudoku, forms.form]
    kinds += [words, document, sparse, sheet, scribbles.draw]
    shares = [0.18, 0.1, 0.1, 0.08, 0.05, 0.1, 0.1, 0.1, 0.06, 0.09, 0.04]
    page.rng.choice(kinds, p=shares)(page)
    if page.rng.random() < 0.15:  # big things: too large to be read on this scale, and not to be taken to pieces
        k, height = page.rng.integers(10), page.rng.uniform(80, 260)
        page.digit(page.rng.uniform(0, SIDE), page.rng.uniform(0, SIDE), height, int(k), page.rng.uniform(0.3, 1))
    if page.rng.random() < 0.2:
        scribbles.strokes_over(page)


def _gap(rng: np.random.Generator) -> float:
    """Return a gap between digits, in heights: touching, as usual, or wide."""
    return float(
        rng.choice([rng.uniform(-0.14, 0.02), rng.uniform(0.02, 0.35), rng.uniform(0.3, 1.3)], p=[0.25, 0.55, 0.2])
    )


def rows(page: Page) -> None:
    """Rows of handwritten numbers, with signs and perhaps words between them."""
    rng, h = page.rng, page.height
    gap, pitch, longest = _gap(rng), rng.uniform(1.15, 2.6), int(rng.integers(2, 14))
    word_share, mark_share = rng.choice([0, 0.05, 0.3]), rng.choice([0, 0.06, 0.2])
    signs, two_pens = rng.choice([0, 0.15, 0.6]), rng.random() < 0.25
    base = rng.uniform(0.3, 1.5) * h
    while base < SIDE + h:
        x = rng.uniform(-1, 2.5) * h
        while x < SIDE:
            chance = rng.random()
            if two_pens:
                page.value = rng.choice([0.25, 0.4, 0.7, 1.0])
            if chance < word_share:
                x = scribbles.word(page, x, base, h)
            elif chance < word_share + mark_share:
                x = scribbles.mark(page, x, base, h)
            else:
                x = number(page, x, base, int(rng.integers(1, longest)), gap, signs)
            x += rng.uniform(0.4, 1.8) * h + max(0, gap) * h
        base += pitch * h


def sums(page: Page) -> None:
    """Sums beside and below one another, fractions, roots, powers."""
    rng, h = page.rng, page.height
    base, pitch = rng.uniform(0.6, 1.6) * h, rng.uniform(1.3, 2.8)
    while base < SIDE + h:
        x = rng.uniform(-0.5, 2) * h
        while x < SIDE:
            kind = rng.random()
            if kind < 0.16:  # a power
                x = number(page, x, base, int(rng.integers(1, 3)), 0.08)
                x = number(page, x, base - 0.5 * h, 1, 0.05, 0, h * rng.uniform(0.45, 0.7)) + 0.2 * h
            elif kind < 0.3:  # a fraction
                small = h * rng.uniform(0.55, 0.9)
                end = number(page, x, base - 0.62 * h, int(rng.integers(1, 3)), 0.05, 0, small)
                number(page, x + rng.uniform(-0.1, 0.2) * h, base + 0.55 * h, int(rng.integers(1, 3)), 0.05, 0, small)
                width = max(1, page.pen * h)
                page.line((x - 0.2 * h, base - 0.45 * h), (end + 0.2 * h, base - 0.45 * h), width, page.value)
                x = end + 0.4 * h
            elif kind < 0.38:  # one digit over a slash and another
                end = number(page, x, base - 0.25 * h, 1, 0.05, 0, 0.7 * h)
                box = page.sign("/", end + 0.15 * h, base, h)
                x = number(page, (box[2] if box else end) - 0.05 * h, base + 0.15 * h, 1, 0.05, 0, 0.7 * h)
            else:
                x = number(page, x, base, int(rng.integers(1, 5)), rng.uniform(0.0, 0.35))
            x += rng.uniform(0.1, 0.6) * h
            if rng.random() < 0.75:
                x = scribbles.mark(page, x, base, h) if rng.random() < 0.7 else _signed(page, x, base)
            x += rng.uniform(0.1, 0.7) * h
        if rng.random() < 0.3:
            page.line((0, base + 0.3 * h), (SIDE, base + 0.3 * h), max(1, page.pen * h), page.value)
        base += pitch * h


def _signed(page: Page, x: float, base: float) -> float:
    box = page.sign("-" if page.rng.random() < 0.6 else ":", x + 0.3 * page.height, base, page.height)
    return box[2] if box else x + 0.6 * page.height


def sheet(page: Page) -> None:
    """A sheet of characters that stand alone: digits, one sign again and again, letters, or all of these."""
    rng, h = page.rng, page.height
    kind = str(rng.choice(["digits", "one sign", "signs", "letters", "all"], p=[0.4, 0.2, 0.1, 0.1, 0.2]))
    sign = str(rng.choice(scribbles.MARKS))
    step = h * rng.uniform(1.2, 2.6 if kind != "digits" else 4)
    for base in np.arange(rng.uniform(0.5, 1.5) * h, SIDE + h, step):
        for x in np.arange(rng.uniform(-1, 0.5) * h, SIDE, step):
            x, y = x + rng.normal(0, 0.08) * h, base + rng.normal(0, 0.08) * h
            share = rng.random()
            if kind == "one sign":
                scribbles.mark(page, x, y, h, sign)
            elif kind == "signs" or (kind == "all" and share < 0.3):
                scribbles.mark(page, x, y, h)
            elif kind == "letters" or (kind == "all" and share < 0.6):
                scribbles.letter(page, x, y, h)
            else:
                number(page, x, y, 1, 0)


def words(page: Page) -> None:
    """A page of handwriting without digits, or nearly: one hand, many hands, ruled close or wide."""
    rng, h = page.rng, page.height
    base, pitch, few = rng.uniform(0.3, 1.5) * h, rng.uniform(1.1, 2.4), rng.choice([0, 0, 0.06])
    while base < SIDE + h:
        x = rng.uniform(-2, 1) * h
        while x < SIDE:
            if rng.random() < few:
                x = number(page, x, base, int(rng.integers(1, 5)), 0.1)
            elif rng.random() < 0.08:
                x = scribbles.mark(page, x, base, h)
            else:
                x = scribbles.word(page, x, base, h * np.exp(rng.normal(0, 0.05)))
            x += rng.uniform(0.25, 0.9) * h
        base += pitch * h


def document(page: Page) -> None:
    """Print: lines of words, numbers and signs in one font, perhaps with handwriting beside or over it."""
    rng, h = page.rng, page.height
    base, pitch, numbers = rng.uniform(0.3, 1.5) * h, rng.uniform(1.3, 2.2), rng.choice([0, 0.1, 0.5, 1.0])
    while base < SIDE + h:
        x = rng.uniform(-2, 1) * h
        while x < SIDE:
            x = print_text(page, x, base, h, rng.random() < numbers) + rng.uniform(0.3, 0.6) * h
        base += pitch * h
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 4))):
            size, x, y = rng.uniform(12, 46), rng.uniform(0, SIDE), rng.uniform(0.1, 1) * SIDE
            number(page, x, y, int(rng.integers(1, 4)), 0.1, 0, size)


def sparse(page: Page) -> None:
    """A few digits of any size alone on the paper, some in circles, some with a letter near them."""
    rng = page.rng
    for _ in range(int(rng.integers(1, 5))):
        size, x, y = float(np.exp(rng.uniform(np.log(10), np.log(60)))), *rng.uniform(0.05, 0.95, 2) * SIDE
        page.pen = max(0.5 / size, float(np.exp(rng.uniform(np.log(0.02), np.log(0.2)))))
        end = number(page, x, y, int(rng.integers(1, 3)), 0.1, 0, size)
        if rng.random() < 0.25:
            scribbles.ring(page, (x + end) / 2, y - 0.5 * size, size * rng.uniform(0.9, 1.5))
        if rng.random() < 0.2:
            scribbles.word(page, end + 0.3 * size, y, size)
