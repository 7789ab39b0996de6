"""Sheets of paper to measure reading on: given characters laid out apart, and drawn tables, invoices and score sheets.

All of it is drawn here, with the truth beside it; none of it is learned from.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from recognition.synthetic import handwriting

COLUMNS, ROWS = 12, 10  # of characters on a sheet
PITCH = 130  # pixels from one to the next
INK, PRINT = (150, 70, 35), (60, 60, 60)  # BGR: of a blue pen, of a printer
WIDTH, HEIGHT = 1300, 1000  # pixels of a form
SIZE = 46  # pixels: height of what is written in a form
NAMES = "Name", "Team", "Round", "Total", "Item", "Price", "Sum", "Date", "Time", "Amount", "Player", "Result", "Value"
PEOPLE = "Anna", "Ben", "Clara", "David", "Emil", "Frida", "Greta", "Hannes"
Box = tuple[int, int, int, int]


def lay_out(characters: np.ndarray, scale: float, rng: np.random.Generator) -> tuple[np.ndarray, list[Box]]:
    """Return a photo, BGR uint8, of up to COLUMNS * ROWS characters on paper, in rows, and the boxes of their ink.

    `characters`: white on black, uint8 (N, h, w), enlarged by `scale`; they stand well apart.
    """
    lines = -(-len(characters) // COLUMNS)
    ink = np.zeros(((lines + 1) * PITCH, (COLUMNS + 1) * PITCH), np.float32)
    boxes = []
    for k, character in enumerate(characters):
        large = cv2.resize(character, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        h, w = large.shape
        x = PITCH * (k % COLUMNS + 1) - w // 2 + int(rng.integers(-14, 15))
        y = PITCH * (k // COLUMNS + 1) - h // 2 + int(rng.integers(-10, 11))
        ink[y : y + h, x : x + w] = np.maximum(ink[y : y + h, x : x + w], large / np.float32(255))
        left, top, wide, high = cv2.boundingRect((large > 127).astype(np.uint8))
        boxes.append((x + left, y + top, x + left + wide, y + top + high))
    flat = np.full((*ink.shape, 3), (214, 224, 228), np.float32)
    return _photograph(flat, ink, rng), boxes


def _photograph(flat: np.ndarray, ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera sees, uint8 (H, W, 3), of a page, float32 BGR 0-255, with ink, 0-1 (H, W), on it."""
    ink = cv2.GaussianBlur(ink, (0, 0), 0.8)[..., None]
    image = flat + 0.9 * ink * (np.float32(INK) - flat)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    image *= (0.9 - 0.1 * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    image += rng.normal(0, 3, ink.shape)
    jpeg = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


@dataclass
class Form:
    """A sheet being filled in: print lies flat, what is written is added as the camera's view bends it."""

    rng: np.random.Generator
    flat: np.ndarray = field(default_factory=lambda: np.full((HEIGHT, WIDTH, 3), (222, 230, 232), np.float32))
    numbers: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)  # of the numbers, in the photo

    def __post_init__(self):
        corners = np.float32([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]])
        moved = corners + self.rng.uniform(-18, 18, (4, 2)).astype(np.float32)
        self.view = cv2.getPerspectiveTransform(corners, moved)
        self.ink = np.zeros((HEIGHT, WIDTH), np.uint8)
        self.pen = int(self.rng.integers(4, 7))

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        cv2.line(self.flat, (round(x1), round(y1)), (round(x2), round(y2)), PRINT, 2, cv2.LINE_AA)

    def print(self, text: str, x: float, y: float, size: int = 30) -> None:
        """Print a text that ends no lower than y."""
        font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
        page = Image.fromarray(self.flat.astype(np.uint8))
        ImageDraw.Draw(page).text((x, y), text, PRINT, font, anchor="ls")
        self.flat[:] = np.asarray(page)

    def number(self, text: str, x: float, y: float) -> None:
        """Write a number of digits and signs, from x on, its feet at y."""
        points = []
        for letter in text:
            wide, strokes = _character(letter, self.rng)
            for stroke in strokes:
                at = (stroke * SIZE + (x + wide / 2, y - SIZE / 2))[None].astype(np.float32)
                points.append(cv2.perspectiveTransform(at, self.view)[0])
                drawn = np.round(points[-1] * 16).astype(np.int32)
                cv2.polylines(self.ink, [drawn], False, 255, self.pen, cv2.LINE_AA, shift=4)
            x += wide
        low, high = np.concatenate(points).min(0) - self.pen / 2, np.concatenate(points).max(0) + self.pen / 2
        self.numbers.append(text)
        self.boxes.append((*np.floor(low).astype(int).tolist(), *np.ceil(high).astype(int).tolist()))

    def photo(self) -> np.ndarray:
        """Return the filled-in form as a photo, BGR uint8 (HEIGHT, WIDTH, 3)."""
        seen = cv2.warpPerspective(self.flat, self.view, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        return _photograph(seen, self.ink / np.float32(255), self.rng)


def _character(letter: str, rng: np.random.Generator) -> tuple[float, list[np.ndarray]]:
    """Return how wide a digit or sign is, in pixels, and its strokes around its middle, in heights."""
    if letter.isdigit():
        strokes = [
            stroke for stroke in handwriting.write(letter, rng, 0.5) if len(stroke) > 1
        ]  # one point is not drawn
        low, high = (how(np.concatenate(strokes), 0)[0] for how in (np.min, np.max))
        return SIZE * (high - low + 0.22), [stroke - ((low + high) / 2, 0) for stroke in strokes]
    shapes = {
        ".": [[(0, 0.47), (0, 0.5)]],
        ",": [[(0.02, 0.45), (-0.04, 0.62)]],
        ":": [[(0, -0.15), (0, -0.12)], [(0, 0.27), (0, 0.3)]],
        "-": [[(-0.17, 0), (0.17, 0.01)]],
        "/": [[(0.2, -0.52), (-0.2, 0.52)]],
    }
    jitter = rng.normal(0, 0.01, 2)
    wide = {"-": 0.62, "/": 0.55}.get(letter, 0.3)
    return SIZE * wide, [np.array(stroke) + jitter for stroke in shapes[letter]]


def table(rng: np.random.Generator) -> Form:
    """Return a ruled table: printed heads, a number in nearly every cell."""
    form = Form(rng)
    columns, lines = int(rng.integers(3, 6)), int(rng.integers(5, 9))
    wide, high = (WIDTH - 120) / columns, (HEIGHT - 160) / lines
    for k in range(columns + 1):
        form.line(60 + k * wide, 70, 60 + k * wide, 70 + lines * high)
    for k in range(lines + 1):
        form.line(60, 70 + k * high, 60 + columns * wide, 70 + k * high)
    for c in range(columns):
        form.print(str(rng.choice(NAMES)), 60 + c * wide + 20, 70 + 0.65 * high, 32)
        for r in range(1, lines):
            if rng.random() < 0.85:
                text = str(rng.integers(10 ** int(rng.integers(1, 5))))
                form.number(text, 60 + (c + rng.uniform(0.08, 0.25)) * wide, 70 + (r + 0.5) * high + SIZE / 2)
    return form


def invoice(rng: np.random.Generator) -> Form:
    """Return an invoice: a date, then lines of a quantity, a word, a price and a sum, and a total."""
    form = Form(rng)
    form.print("Invoice", 80, 110, 56)
    form.print("Date", 760, 110)
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1990, 2030))
    form.number(str(rng.choice(["/", "."])).join((f"{day:02}", f"{month:02}", str(year))), 860, 110)
    total, lines = 0, int(rng.integers(4, 7))
    for k in range(lines):
        y = 240 + 95 * k
        quantity, cents = int(rng.integers(1, 30)), int(rng.integers(50, 9000))
        total += quantity * cents
        form.number(str(quantity), 90 + rng.uniform(0, 20), y)
        form.print(str(rng.choice(NAMES)), 280, y)
        form.number(f"{cents / 100:.2f}", 560 + rng.uniform(0, 40), y)
        form.number(f"{quantity * cents / 100:,.2f}", 900 + rng.uniform(0, 40), y)
        form.line(80, y + 22, WIDTH - 80, y + 22)
    form.print("Total", 640, 260 + 95 * lines, 40)
    form.number(f"{total / 100:,.2f}", 880, 260 + 95 * lines)
    return form


def score_sheet(rng: np.random.Generator) -> Form:
    """Return a score sheet: printed names, the points of each round, some negative, and a time."""
    form = Form(rng)
    rounds, people = int(rng.integers(3, 6)), int(rng.integers(4, 8))
    wide, high = (WIDTH - 400) / (rounds + 1), (HEIGHT - 140) / (people + 1)
    for k in range(people):
        y = 100 + (k + 0.9) * high
        form.print(PEOPLE[k], 70, y, 36)
        for r in range(rounds):
            points = int(rng.integers(-20, 100))
            form.number(str(points), 300 + r * wide + rng.uniform(0, 0.2) * wide, y)
        form.number(f"{rng.integers(1, 24)}:{rng.integers(60):02}", 300 + rounds * wide, y)
        form.line(60, y + 0.28 * high, WIDTH - 60, y + 0.28 * high)
    return form


def forms(seed: int = 0) -> dict[str, Form]:
    """Return ten forms by name: four tables, three invoices, three score sheets."""
    kinds = [table] * 4 + [invoice] * 3 + [score_sheet] * 3
    rngs = np.random.default_rng(seed).spawn(len(kinds))
    return {f"{kind.__name__}_{k}.png": kind(rng) for k, (kind, rng) in enumerate(zip(kinds, rngs, strict=True))}
