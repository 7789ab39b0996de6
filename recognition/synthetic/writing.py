"""A page being written: a hand with one pen and a printer put characters on it, and note where each of them stands."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from recognition.synthetic import glyphs
from recognition.synthetic.glyphs import Fonts, Sources

SIDE = 320  # pixels of a page
SIGNS = ".,-:/"  # kept between digits; classes 10 to 14
LIKE_DIGITS = "OoDQIlijJLSsZzqgGbB|TyY"  # letters that alone, in one hand or another, look like digits
OTHER, UNSURE = 15, 16  # classes: any other character; what may be read or not, and is not learned from
WORDS = " ".join(
    (
        "name date total points question answer sum page the and of to in is that for it as was with be by on not he",
        "his but at are this have from or had an they which one you were all she there would their we him been has",
        "when who will more no if out so said what up its about into than them can only other new some could time",
        "these two may then do first any now such like our over man even most made after also did many before must",
        "through back years where much your way well down should because each just those people how too little state",
        "good very make world still own see men work long here get both between life being under never day same",
        "another know while last might us great old year off come since against go came right used take three Name",
        "Datum Summe Punkte Frage Klasse und der die das mit ist nicht ein eine auch von zu Seite Aufgabe Lösung",
        "Straße Stück le la les des est pour dans nom prix numéro élève rue ville el los una por que con fecha total",
        "kwota liczba imię ulica razem jméno číslo No. Nr. Tel. Fig. kg cm km min max Total Bill Il lI Oslo Sizilien",
        "ill lie bob gob sib big zoo boss sos oil soil bill billion silly Zebra Boot Silo Ole gasse lll oooo SOLO",
        "BILL ZOO ISBN",
    )
).split()


@dataclass
class Page:
    """A page being written: ink 0-1 (SIDE, SIDE), printed ink, and rows of labels x1 y1 x2 y2 class height printed."""

    rng: np.random.Generator
    sources: Sources
    fonts: Fonts
    height: float  # of the writing, pixels
    ink: np.ndarray = field(default_factory=lambda: np.zeros((SIDE, SIDE), np.float32))
    lines: np.ndarray = field(default_factory=lambda: np.zeros((SIDE, SIDE), np.float32))
    labels: list[tuple] = field(default_factory=list)

    def __post_init__(self):
        rng = self.rng
        self.pen = float(np.exp(rng.uniform(np.log(0.02), np.log(0.19))))  # thickness, share of the height
        self.pen = max(self.pen, 0.5 / self.height)  # a hair, half a pixel thick
        self.value = rng.uniform(0.5, 1)  # how dark the pen is
        self.tilt = rng.uniform(-0.3, 0.3) if rng.random() < 0.12 else rng.normal(0, 0.035)  # of the rows, radians
        self.turn, self.shear = rng.normal(0, 0.05), rng.normal(0, 0.18)  # of the hand
        self.style = rng.choice(["sets", "strokes", "font", "all"], p=[0.46, 0.14, 0.3, 0.1])
        self.font, self.font_pen = any_font(self.sources.written, rng), rng.random() < 0.4  # as thick as the font is
        self.print = any_font(self.sources.printed, rng)
        self.wobble = rng.uniform(0.3, 1.2)

    def place(self, mask, centre, height, value, turn=0.0, shear=0.0, aspect=1.0) -> tuple | None:
        """Put a mask, scaled to `height` pixels, on the page; return its box, None if it is not on it."""
        scale = height / mask.shape[0]
        if scale < 0.5:  # by areas first, or thin strokes break
            first = max(scale * 1.6, 1 / 32)
            size = max(2, round(mask.shape[1] * first)), max(2, round(mask.shape[0] * first))
            mask, scale = cv2.resize(mask, size, interpolation=cv2.INTER_AREA), scale / first
        h, w = mask.shape
        matrix = (
            np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[aspect, shear], [0, 1]] * scale
        )
        shift = np.array(centre) - matrix @ [w / 2, h / 2]
        corners = (matrix @ np.array([[0, w, 0, w], [0, 0, h, h]])).T + shift
        (x1, y1), (x2, y2) = np.floor(corners.min(0)).astype(int) - 1, np.ceil(corners.max(0)).astype(int) + 2
        if x2 <= 0 or y2 <= 0 or x1 >= SIDE or y1 >= SIDE or max(x2 - x1, y2 - y1) > 3 * SIDE:
            return None
        affine = np.hstack([matrix, (shift - [x1, y1])[:, None]]).astype(np.float32)
        drawn = cv2.warpAffine(mask, affine, (int(x2 - x1), int(y2 - y1)), flags=cv2.INTER_LINEAR)
        bx, by, bw, bh = cv2.boundingRect((drawn > 76).astype(np.uint8))
        if not bw:
            return None
        cx1, cy1, cx2, cy2 = max(0, x1), max(0, y1), min(SIDE, x2), min(SIDE, y2)
        part = drawn[cy1 - y1 : cy2 - y1, cx1 - x1 : cx2 - x1].astype(np.float32) * (value / 255)
        window = self.ink[cy1:cy2, cx1:cx2]
        np.maximum(window, part, out=window)
        return x1 + bx, y1 + by, x1 + bx + bw, y1 + by + bh

    def slanted(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of a straight page lies on this one, whose rows climb."""
        return x, y + np.tan(self.tilt) * (x - SIDE / 2)

    def digit_mask(self, digit: int) -> np.ndarray | None:
        """Return a handwritten digit, uint8 mask, as it came or bent."""
        mask = self._digit_mask(digit)
        return mask if mask is None or self.rng.random() < 0.4 else glyphs.bend(mask, self.rng)

    def _digit_mask(self, digit: int) -> np.ndarray | None:
        rng, style = self.rng, self.style
        if style == "all":
            style = rng.choice(["sets", "strokes", "font"])
        pen = self.pen * np.exp(rng.normal(0, 0.08))
        if style == "strokes" or (style == "sets" and rng.random() < 0.06):
            return glyphs.crop(glyphs.stroke_glyph(str(digit), pen, rng, self.wobble))
        if style == "font" and self.font:
            drawn = self.fonts.draw(str(digit), self.font, 80)
            mask = drawn and glyphs.crop(np.ascontiguousarray(drawn[0]))
            return mask if mask is None or self.font_pen else glyphs.thicken(mask, pen)
        images, labels = self.sources.digits[int(rng.random() < 0.15 and len(self.sources.digits) > 1)]
        while True:
            k = rng.integers(len(images))
            if labels[k] == digit:
                return glyphs.enlarge(images[k], pen, rng)

    def label(self, box, kind: int, height: float, printed: bool) -> None:
        self.labels.append((*box, kind, height, printed))

    def digit(self, x: float, y: float, height: float, digit: int | None = None, value: float | None = None):
        """Write a digit around a point of the straight page; return its box."""
        rng = self.rng
        digit = int(rng.integers(10)) if digit is None else digit
        mask = self.digit_mask(digit)
        if mask is None:
            return None
        turn = self.turn + self.tilt + rng.normal(0, 0.05)
        aspect = np.exp(rng.normal(0, 0.1))
        if rng.random() < 0.012 and (under := self.digit_mask(int(rng.integers(10)))) is not None:  # corrected
            self.place(under, self.slanted(x, y), height, rng.uniform(0.5, 1) * self.value, turn)
        box = self.place(
            mask, self.slanted(x, y), height, value or self.value, turn, 0.5 * self.shear + rng.normal(0, 0.06), aspect
        )
        if box:
            self.label(box, digit, max(height, 0.8 * (box[3] - box[1])), False)
        return box

    def sign(self, sign: str, x: float, base: float, height: float, value: float | None = None):
        """Write one of SIGNS beside digits whose feet are at `base`; return its box."""
        rng, canvas = self.rng, np.zeros((112, 112), np.uint8)
        thick = max(3, round(self.pen * 100 * np.exp(rng.normal(0, 0.1))))
        jitter = rng.integers(-8, 9, 8)
        if sign == "/":
            reach = int(rng.integers(12, 34))
            cv2.line(canvas, (56 + reach, 4), (56 - reach, 108), 255, thick, cv2.LINE_AA)
            size, middle = height * rng.uniform(1.0, 1.4), base - 0.5 * height
        elif sign == "-":
            cv2.line(canvas, (30, 56 + jitter[0] // 3), (82, 56 + jitter[1] // 3), 255, thick, cv2.LINE_AA)
            size, middle = height * rng.uniform(0.7, 1.1), base - height * rng.uniform(0.35, 0.55)
        elif sign == ".":
            cv2.circle(canvas, (56, 56), round(thick * rng.uniform(0.6, 1.1)), 255, -1, cv2.LINE_AA)
            size, middle = height, base - height * rng.uniform(-0.03, 0.08)
        elif sign == ",":
            cv2.line(canvas, (60, 52), (48 + jitter[0], 68 + abs(jitter[1])), 255, thick, cv2.LINE_AA)
            size, middle = height, base + height * rng.uniform(-0.08, 0.08)
        else:
            gap = int(rng.integers(14, 24))
            for y in (56 - gap, 56 + gap):
                cv2.circle(canvas, (56 + jitter[0] // 4, y), round(thick * rng.uniform(0.6, 1)), 255, -1, cv2.LINE_AA)
            size, middle = height, base - 0.4 * height
        mask = glyphs.crop(canvas)
        scaled = size * mask.shape[0] / 112
        box = self.place(mask, self.slanted(x, middle), scaled, value or self.value, self.tilt, 0, 1)
        if box:
            self.label(box, 10 + SIGNS.index(sign), height, False)
        return box

    def text(self, text: str, x: float, base: float, height: float, font: str | None, value: float, printed: bool):
        """Write text with a font from x on, its feet at `base`, and label every character; return where it ends."""
        drawn = font and self.fonts.draw(text, font, min(90.0, max(10.0, 2 * height)))
        if not drawn:
            return x + 0.6 * height * len(text)
        mask, ends = drawn
        scale = height / (min(90.0, max(10.0, 2 * height)))
        squeeze = np.exp(self.rng.normal(0, 0.06))
        width, h = mask.shape[1] * scale * squeeze, mask.shape[0] * scale
        middle = base - 0.5 * height
        turn = self.tilt + (0 if printed else self.turn)
        centre = self.slanted(x + width / 2, middle)
        if self.place(mask, centre, h, value, turn, 0 if printed else 0.5 * self.shear, squeeze):
            along = np.array([np.cos(turn), np.sin(turn)])
            for character, (left, right) in zip(text, ends, strict=True):
                if character == " ":
                    continue
                a, b = max(0, round(left)), min(mask.shape[1], max(round(left) + 1, round(right)))
                inked = np.flatnonzero((mask[:, a:b] > 60).any(1)) if b > a else ()
                if not len(inked):
                    continue
                columns = np.flatnonzero((mask[:, a:b] > 60).any(0)) + a
                y1, y2, x1, x2 = inked[0], inked[-1] + 1, columns[0], columns[-1] + 1
                across = scale * squeeze * ((x1 + x2) / 2 - mask.shape[1] / 2)
                down = scale * ((y1 + y2) / 2 - mask.shape[0] / 2)
                cx, cy = np.array(centre) + across * along + down * np.array([-along[1], along[0]])
                if not printed:
                    cx += 0.5 * self.shear * down
                w2, h2 = max(1, scale * squeeze * (x2 - x1)) / 2, max(1, scale * (y2 - y1)) / 2
                kind = int(character) if character.isascii() and character.isdigit() else OTHER
                if character in SIGNS:
                    kind = 10 + SIGNS.index(character)
                elif len(text) == 1 and character in LIKE_DIGITS:
                    kind = UNSURE
                self.label((cx - w2, cy - h2, cx + w2, cy + h2), kind, height, printed)
        return x + width

    def line(self, p, q, width: float, value: float) -> None:
        """Draw a straight line of a form or table between two points of the straight page."""
        ends = [tuple(round(v * 8) for v in self.slanted(*point)) for point in (p, q)]
        layer = np.zeros((SIDE, SIDE), np.uint8)
        cv2.line(layer, *ends, 255, max(1, round(width)), cv2.LINE_AA, shift=3)
        np.maximum(self.lines, layer.astype(np.float32) * (value / 255), out=self.lines)


def any_font(paths: list[str], rng: np.random.Generator) -> str | None:
    """Return one of the fonts, None without any."""
    return paths[rng.integers(len(paths))] if paths else None


def word_text(rng: np.random.Generator) -> str:
    """Return a word, as it is, in capitals, or of random letters of several languages; never with a digit."""
    if rng.random() < 0.3:
        return "".join(glyphs.LETTERS[k] for k in rng.integers(0, len(glyphs.LETTERS), rng.integers(2, 9)))
    text = WORDS[rng.integers(len(WORDS))]
    return str(rng.choice([text, text, text.upper(), text.capitalize()]))


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


def print_text(page: Page, x: float, base: float, height: float, digits: bool) -> float:
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
