"""What stands on a page: rows of numbers, sums, tables, forms, words, print, drawings; each function fills a `Page`."""

import numpy as np

from recognition.synthetic import scribbles
from recognition.synthetic.writing import SIDE, SIGNS, Page, word_text


def write(page: Page) -> None:
    """Fill a page with one kind of content, at times with a second one of another size over it."""
    kinds = [rows, sums, table, combs, sudoku, form, words, document, sparse, sheet, scribbles.draw]
    shares = [0.18, 0.1, 0.1, 0.1, 0.05, 0.1, 0.11, 0.1, 0.05, 0.06, 0.05]
    page.rng.choice(kinds, p=shares)(page)
    if page.rng.random() < 0.15:  # big things: too large to be read on this scale, and not to be taken to pieces
        k, height = page.rng.integers(10), page.rng.uniform(80, 260)
        page.digit(page.rng.uniform(0, SIDE), page.rng.uniform(0, SIDE), height, int(k), page.rng.uniform(0.3, 1))
    if page.rng.random() < 0.2:
        scribbles.strokes_over(page)


def number(page: Page, x: float, base: float, count: int, gap: float, signs: float = 0.12, height: float = 0) -> float:
    """Write a number by hand, with a sign in it at times; `gap` between digits in heights. Return where it ends."""
    rng, height = page.rng, height or page.height
    rise, drift = rng.normal(0, 0.02), rng.normal(0, 0.06)
    start, sign = x, rng.random() < signs
    if sign and rng.random() < 0.2:
        box = page.sign("-", x + 0.25 * height, base, height)
        x = (box[2] if box else x + 0.4 * height) + gap * height
    for k in range(count):
        h = height * np.exp(rng.normal(drift, 0.09))
        y = base + rise * (x - start) - 0.5 * h + rng.normal(0, 0.05) * height
        box = page.digit(x + 0.3 * h, y, h)
        x = (box[2] if box and abs(page.tilt) < 0.2 else x + 0.65 * h) + gap * height
        if sign and k < count - 1 and rng.random() < 0.35:
            box = page.sign(str(rng.choice(list(SIGNS))), x + 0.12 * height, base, h)
            x = (box[2] if box else x + 0.3 * height) + max(gap, 0.02) * height
    return x


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


def _grid(page: Page, left: float, top: float, cell: tuple, columns: int, lines: int, width: float, value: float):
    """Draw the lines of a grid of cells, each (wide, high)."""
    wide, high = cell
    for k in range(columns + 1):
        page.line((left + k * wide, top), (left + k * wide, top + lines * high), width, value)
    for k in range(lines + 1):
        page.line((left, top + k * high), (left + columns * wide, top + k * high), width, value)


def table(page: Page) -> None:
    """A table: a number, a word, print or nothing in every cell."""
    rng, h = page.rng, page.height
    digits, gap = int(rng.integers(1, 5)), rng.uniform(-0.05, 0.3)
    wide, high = h * (digits * (0.65 + max(gap, 0)) + rng.uniform(0.5, 2)), h * rng.uniform(1.1, 2.2)
    left, top = rng.uniform(-wide, wide / 2), rng.uniform(-high, high / 2)
    columns, lines = int((SIDE - left) / wide) + 1, int((SIDE - top) / high) + 1
    ruled = rng.choice(["all", "rows", "none"], p=[0.7, 0.15, 0.15])
    width, value = rng.choice([1, 1, 2, 3]), rng.uniform(0.25, 1)
    if ruled == "all":
        _grid(page, left, top, (wide, high), columns, lines, width, value)
    elif ruled == "rows":
        for k in range(lines + 1):
            page.line((left, top + k * high), (SIDE, top + k * high), width, value)
    fill, words_in, printed = rng.uniform(0.4, 1), rng.choice([0, 0.1, 0.35]), rng.choice([0, 0.15, 0.5])
    for r in range(lines):
        for c in range(columns):
            if rng.random() > fill:
                continue
            x = left + c * wide + rng.uniform(0.05, 0.4) * h
            base = top + r * high + 0.5 * high + 0.5 * h + rng.normal(0, 0.08) * high
            kind = rng.random()
            if kind < words_in:
                scribbles.word(page, x, base, 0.8 * h) if rng.random() < 0.5 else _print(page, x, base, 0.6 * h, False)
            elif kind < words_in + printed:
                _print(page, x, base, h * rng.uniform(0.6, 0.9), True)
            else:
                number(page, x, base, int(rng.integers(1, digits + 1)), gap, 0.15)


def _print(page: Page, x: float, base: float, height: float, digits: bool) -> float:
    """Print a number, a date, an amount, or a word; return where it ends."""
    rng = page.rng
    if digits:
        text = "".join(str(d) for d in rng.integers(0, 10, rng.integers(1, 6)))
        if rng.random() < 0.4 and len(text) > 1:
            k = int(rng.integers(1, len(text)))
            text = text[:k] + str(rng.choice(list(SIGNS))) + text[k:]
    else:
        text = word_text(rng)
    return page.text(text, x, base, height, page.print, rng.uniform(0.4, 1), True)


def combs(page: Page) -> None:
    """Boxes for one digit each, filled by hand or by a printer: dates, codes, totals; what is in them crosses them."""
    rng, h = page.rng, page.height
    wide, high = h * rng.uniform(0.85, 1.8), h * rng.uniform(1.0, 1.9)
    width, value = rng.choice([1, 1, 2, 2, 3, 4]), rng.uniform(0.2, 1)
    open_top, between = rng.random() < 0.2, rng.choice([1, 1, 1.2])
    fill, printed, misfit = rng.uniform(0.4, 1), rng.choice([0, 0, 0.4]), rng.uniform(0.02, 0.16)
    top = rng.uniform(-high, high / 2)
    while top < SIDE:
        x = rng.uniform(-wide, 2 * wide)
        for _ in range(int(rng.integers(1, 12))):
            if x > SIDE:
                break
            page.line((x, top), (x, top + high), width, value)
            page.line((x + wide, top), (x + wide, top + high), width, value)
            page.line((x, top + high), (x + wide, top + high), width, value)
            if not open_top:
                page.line((x, top), (x + wide, top), width, value)
            if rng.random() < fill:
                height = min(h, 1.1 * high) * np.exp(rng.normal(-0.08, 0.16))
                cx, cy = x + wide / 2 + rng.normal(0, misfit) * wide, top + high / 2 + rng.normal(0, misfit) * high
                kind = rng.random()
                if kind < printed:
                    _one_printed(page, cx, cy, 0.8 * height)
                elif kind > 0.93:
                    scribbles.mark(page, cx - 0.3 * h, cy + 0.4 * h, height)
                else:
                    page.digit(cx, cy, height)
            x += wide * between
        if rng.random() < 0.6:
            _print(page, rng.uniform(0, SIDE * 0.7), top - 0.2 * h, h * rng.uniform(0.35, 0.8), rng.random() < 0.2)
        top += high * rng.choice([1, 1.4, 2, 2.6])


def _one_printed(page: Page, cx: float, cy: float, height: float) -> None:
    page.text(str(page.rng.integers(10)), cx - 0.3 * height, cy + 0.5 * height, height, page.print, 0.9, True)


def sudoku(page: Page) -> None:
    """A grid of squares with thicker lines every third, printed and handwritten digits in it."""
    rng, h = page.rng, page.height
    cell = h * rng.uniform(1.15, 2.0)
    left, top = rng.uniform(-2 * cell, cell), rng.uniform(-2 * cell, cell)
    value, thin = rng.uniform(0.3, 1), max(1, round(cell * rng.uniform(0.015, 0.05)))
    _grid(page, left, top, (cell, cell), 9, 9, thin, value)
    _grid(page, left, top, (3 * cell, 3 * cell), 3, 3, thin * rng.choice([1, 2, 3]), value)
    shares, dark = rng.dirichlet([2, 2, 1]), rng.uniform(0.3, 1)
    for r in range(9):
        for c in range(9):
            kind = rng.choice(3, p=shares)
            cx, cy = left + (c + 0.5) * cell + rng.normal(0, 0.05) * cell, top + (r + 0.5) * cell
            if kind == 0:
                text, size = str(rng.integers(1, 10)), h * 0.85
                page.text(text, cx - 0.3 * size, cy + 0.5 * size, size, page.print, dark, True)
            elif kind == 1:
                page.digit(cx, cy + rng.normal(0, 0.06) * cell, h * np.exp(rng.normal(-0.05, 0.12)))


def form(page: Page) -> None:
    """Printed labels, each with a number, a word or nothing written after it or on a line."""
    rng, h = page.rng, page.height
    base, size = rng.uniform(0.5, 2) * h, h * rng.uniform(0.35, 0.8)
    column = rng.uniform(0.2, 0.6) * SIDE
    while base < SIDE + h:
        x = rng.uniform(-2, 1) * h
        for _ in range(int(rng.integers(1, 4))):
            x = _print(page, x, base, size, rng.random() < 0.15) + 0.4 * size
        x = max(x + 0.4 * h, column * rng.uniform(0.9, 1.1))
        if rng.random() < 0.5:
            page.line((x, base + 0.1 * h), (SIDE, base + 0.1 * h), 1, rng.uniform(0.3, 1))
        if rng.random() < 0.75:
            x = number(page, x, base + rng.normal(0, 0.1) * h, int(rng.integers(1, 9)), rng.uniform(-0.1, 0.3), 0.3)
        elif rng.random() < 0.5:
            x = scribbles.word(page, x, base, h)
        if rng.random() < 0.3:
            _print(page, x + 0.5 * h, base, size, rng.random() < 0.3)
        base += h * rng.uniform(1.3, 2.6)


def sheet(page: Page) -> None:
    """A sheet of characters that stand alone: one sign again and again, letters, or all kinds with digits between."""
    rng, h = page.rng, page.height
    kind = str(rng.choice(["one sign", "signs", "letters", "all"]))
    sign = str(rng.choice(scribbles.MARKS))
    step = h * rng.uniform(1.2, 2.6)
    for base in np.arange(rng.uniform(0.5, 1.5) * h, SIDE + h, step):
        for x in np.arange(rng.uniform(-1, 0.5) * h, SIDE, step):
            x, y = x + rng.normal(0, 0.08) * h, base + rng.normal(0, 0.08) * h
            share = rng.random()
            if kind == "one sign":
                scribbles.mark(page, x, y, h, sign)
            elif kind == "signs" or (kind == "all" and share < 0.3):
                scribbles.mark(page, x, y, h)
            elif kind == "letters" or share < 0.6:
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
            x = _print(page, x, base, h, rng.random() < numbers) + rng.uniform(0.3, 0.6) * h
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
