"""Forms and tables on a page: cells, combs of boxes, sudokus, labels with what is written after them."""

import numpy as np

from recognition.synthetic import scribbles
from recognition.synthetic.writing import SIDE, Page, number, print_text


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
    digits, gap = int(rng.choice([1, 1, 2, 2, 3, 4])), rng.uniform(-0.05, 0.3)
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
    struck, used = rng.choice([0, 0, 0.15]), rng.random(columns) < rng.choice([1, 1, 0.4])
    for r in range(lines):
        for c in range(columns):
            if rng.random() > fill or not used[c]:
                continue
            x = left + c * wide + rng.uniform(0.05, 0.4) * h
            base = top + r * high + 0.5 * high + 0.5 * h + rng.normal(0, 0.08) * high
            kind = rng.random()
            if rng.random() < struck:  # nothing to count
                page.sign(str(rng.choice(["/", "-"])), x + rng.uniform(0, 0.4) * h, base, h * rng.uniform(0.7, 1.2))
            elif kind < words_in:
                if rng.random() < 0.5:
                    scribbles.word(page, x, base, 0.8 * h)
                else:
                    print_text(page, x, base, 0.6 * h, False)
            elif kind < words_in + printed:
                print_text(page, x, base, h * rng.uniform(0.6, 0.9), True)
            else:
                number(page, x, base, int(rng.integers(1, digits + 1)), gap, 0.15)


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
            print_text(page, rng.uniform(0, SIDE * 0.7), top - 0.2 * h, h * rng.uniform(0.35, 0.8), rng.random() < 0.2)
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
            x = print_text(page, x, base, size, rng.random() < 0.15) + 0.4 * size
        x = max(x + 0.4 * h, column * rng.uniform(0.9, 1.1))
        if rng.random() < 0.5:
            page.line((x, base + 0.1 * h), (SIDE, base + 0.1 * h), 1, rng.uniform(0.3, 1))
        if rng.random() < 0.75:
            x = number(page, x, base + rng.normal(0, 0.1) * h, int(rng.integers(1, 9)), rng.uniform(-0.1, 0.3), 0.3)
        elif rng.random() < 0.5:
            x = scribbles.word(page, x, base, h)
        if rng.random() < 0.3:
            print_text(page, x + 0.5 * h, base, size, rng.random() < 0.3)
        base += h * rng.uniform(1.3, 2.6)
