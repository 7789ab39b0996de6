"""Lines of text in any script, as pictures: each part in a font that has its letters."""

import json
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, features

from recognition.media.lettering import fonts

RIGHT_TO_LEFT = ("R", "AL")
ROOM = 0.4  # of the size, above a line and below it, for marks that stand out of it
KEPT, KEPT_PICTURES = 1024, 32  # lines whose width, and whose pictures are kept: names are drawn in every frame


def escaped(text: str) -> str:
    """Return a text with the letters that no font has as JSON writes them: `\\u0928`."""
    return "".join(letter if letter.isascii() or fonts.find(letter) else json.dumps(letter)[1:-1] for letter in text)


@lru_cache(KEPT)
def width(text: str, size: int) -> int:
    """Return the width of a line of text, pixels, in letters of a size."""
    return round(sum(_length(part, path, size) for part, path in _parts(text)))


@lru_cache(KEPT_PICTURES)
def picture(text: str, size: int, color: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a line of text as a picture: BGR, float32 (H, W, 3), times its opacity; how much of what is below it shows
    through, float32 (H, W, 1), 0 to 1; and how many of its rows are above the line."""
    above = round(ROOM * size)
    canvas = Image.new("RGBA", (width(text, size) + size, round(1.3 * size) + 2 * above))
    left = 0.0
    for part, path in _parts(text):
        piece = _piece(part, path, size, color[::-1], canvas.size[1], above + size)
        canvas.alpha_composite(piece, (round(left), 0))
        left += _length(part, path, size)
    drawn = np.asarray(canvas).astype(np.float32)
    opacity = drawn[..., 3:] / 255
    return drawn[..., 2::-1] * opacity, 1 - opacity, above


def _piece(part: str, path: Path, size: int, color: tuple, height: int, base: int) -> Image.Image:
    font = fonts.load(path, size)
    scale = size / font.size  # fonts made of pictures have a size of their own
    side = round(_length(part, path, size)) + size
    large = Image.new("RGBA", (round(side / scale), round(height / scale)), (*color, 0))  # edges are no darker
    pen = ImageDraw.Draw(large)
    pen.text((0, base / scale), _ordered(part), fill=color, font=font, anchor="ls", embedded_color=True)
    return large if scale == 1 else large.resize((side, height), Image.Resampling.LANCZOS)


def _length(part: str, path: Path, size: int) -> float:
    font = fonts.load(path, size)
    return font.getlength(_ordered(part)) * size / font.size


@lru_cache(KEPT)
def _parts(text: str) -> list[tuple[str, Path]]:
    """Return the parts of a text in the order in which they stand from left to right, each with its font."""
    first = next((path for path in map(fonts.find, filter(_is_rare, text)) if path), None) or fonts.find("a")
    parts: list[list] = []
    for letter in text:
        known = [path for path in dict.fromkeys([parts[-1][1] if parts else first, first]) if path]
        if letter == " ":  # in fonts of pictures it is as wide as these
            known = [path for path in known if fonts.load(path, fonts.TRIED).size == fonts.TRIED]
        path = next((path for path in known if fonts.has(fonts.load(path, fonts.TRIED), letter)), None)
        path = path or fonts.find("a" if letter == " " else letter) or first
        if parts and parts[-1][1] == path:
            parts[-1][0] += letter
        else:
            parts.append([letter, path])
    backwards = next((unicodedata.bidirectional(one) for one in text if one.isalpha()), "L") in RIGHT_TO_LEFT
    return [tuple(part) for part in (reversed(parts) if backwards else parts)]


def _is_rare(letter: str) -> bool:
    return not letter.isascii() and unicodedata.category(letter) not in ("Cf", "Mn", "Me")


def _ordered(part: str) -> str:
    """Return text as it is, or, where Pillow cannot order it, letters that run to the left from left to right."""
    if _orders_letters() or not any(unicodedata.bidirectional(one) in RIGHT_TO_LEFT for one in part):
        return part
    clusters: list[str] = []
    for letter in part:
        if clusters and unicodedata.combining(letter):
            clusters[-1] += letter
        else:
            clusters.append(letter)
    return "".join(reversed(clusters))


@cache
def _orders_letters() -> bool:
    """Tell whether Pillow joins and orders letters as their script wants it; it does so if it has libraqm."""
    return features.check("raqm")
