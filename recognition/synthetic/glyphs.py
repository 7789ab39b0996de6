"""Single characters in many hands and fonts, as masks: what pages to learn from are written with.

Digits come from MNIST, from USPS where it is there, from our own strokes and from the handwriting fonts of this
computer; letters from EMNIST where it is there and from fonts; signs from strokes and fonts.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from recognition import files
from recognition.digits.normalisation import draw_strokes, stroke_thickness
from recognition.synthetic import handwriting

HEIGHT = 112  # pixels of the square that a character is drawn in before it is shrunk to the page
# Fonts whose digits look written by hand: on Debian fonts-bwht, -breip, -dkg-handwriting, -dustin, -ecolier-court,
# -femkeklaver, -humor-sans, -klee, -kouzan-mouhitsu, -kristi, -nanum, -rufscript, -sjfonts, -tlwg-purisa, -tomsontalks,
# -unfonts-extra, -yozvox-yozfont-edu, -yusei-magic
HANDWRITTEN = (
    "BecauseWe", "Breip", "breipfont", "dkg", "Domestic_Manners", "El_Abogado", "Junkyard", "femkeklaver", "Humor-Sans",
    "KleeOne", "ouzan", "Kristi", "NanumPen", "NanumBrush", "Rufscript", "Delphine", "SteveHand", "TomsonTalks",
    "UnPilgia", "YOz", "YuseiMagic", "Purisa", "aoyagi", "Ecolier-court", "ComicNeue-Light",
)  # fmt: skip
NOT_FOR_TEXT = (
    "Symbol", "Dingbats", "D050000L", "cmex", "cmsy", "cmmi", "STIXSiz", "STIXNonUni", "LastResort", "elusive",
    "Conakry", "lignes", "Wargames", "PenguinAttack", "Fallback", "MarkedFool", "Swift", "Winks", "flatline",
    "progenisis", "Balker", "Blankenburg", "It_wasn", "Color", "CabinSketch", "Isabella",
)  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZäöüéèßçñåøłžđπλθβжщяю"


@dataclass
class Sources:
    """Where characters come from; arrays are white on black, uint8 (N, 28, 28), labels int (N,)."""

    digits: list[tuple[np.ndarray, np.ndarray]]  # MNIST first, then USPS if it is there
    letters: np.ndarray | None  # EMNIST's, 0 to 25
    letter_labels: np.ndarray | None
    written: list[str]  # font files that look like a hand
    printed: list[str]  # all others
    photos: list[str]  # files without digits: what lies around pages


def find_sources(mnist: tuple[np.ndarray, np.ndarray], folder: Path = files.DATA) -> Sources:
    """Return everything there is to write with: the given digits, what lies in `folder`, the fonts of this computer."""
    digits, letters, labels = [mnist], None, None
    if (folder / "usps_train.npz").exists():
        with np.load(folder / "usps_train.npz", allow_pickle=False) as usps:
            images = np.pad(usps["x"], ((0, 0), (3, 3), (3, 3)))
            digits.append((np.stack([cv2.resize(image, (28, 28)) for image in images]), usps["y"].astype(int)))
    if (folder / "letters_train.npz").exists():
        with np.load(folder / "letters_train.npz", allow_pickle=False) as emnist:
            letters, labels = emnist["x"], emnist["y"].astype(int)
    paths = sorted(set(font_manager.findSystemFonts()) | {f.fname for f in font_manager.fontManager.ttflist})
    paths = [path for path in paths if not any(name in Path(path).name for name in NOT_FOR_TEXT) and _has_digits(path)]
    written = [path for path in paths if any(name in Path(path).name for name in HANDWRITTEN)]
    own = [path for path in sorted((folder / "handwriting_fonts").glob("*")) if _has_digits(str(path))]
    photos = sorted(str(path) for path in (folder / "lfw").glob("*/*.jpg"))
    printed = sorted(set(paths) - set(written))
    return Sources(digits, letters, labels, written + [str(path) for path in own], printed, photos)


def _has_digits(path: str) -> bool:
    """Return whether a font draws the ten digits, each in another way."""
    try:
        font = ImageFont.truetype(path, 24)
        return len({font.getmask(digit).getbbox() and bytes(font.getmask(digit)) for digit in "0123456789AZ"}) == 12
    except Exception:  # a bitmap font or one that Pillow cannot read
        return False


def crop(mask: np.ndarray) -> np.ndarray | None:
    """Return the part of a mask, uint8, that has ink; None without any."""
    x, y, width, height = cv2.boundingRect((mask > 60).astype(np.uint8))
    return mask[y : y + height, x : x + width] if width else None


def enlarge(image: np.ndarray, pen: float, rng: np.random.Generator) -> np.ndarray | None:
    """Return a 28x28 character four times as large with sharp edges; `pen`: its strokes' thickness in heights."""
    large = cv2.resize(image, (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), 1.5)
    mask = np.where(large > rng.uniform(90, 150), 255, 0).astype(np.uint8)
    mask = crop(mask)
    return None if mask is None else thicken(mask, pen)


def thicken(mask: np.ndarray, pen: float) -> np.ndarray:
    """Return a character, uint8 mask, with strokes `pen` of its height thick, or as thin as it stays whole."""
    change = round(pen * mask.shape[0] - stroke_thickness(mask > 0))
    if change > 0:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (change + 1, change + 1))
        return cv2.dilate(cv2.copyMakeBorder(mask, *[change] * 4, cv2.BORDER_CONSTANT), kernel)
    if change < 0:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (1 - change, 1 - change))
        thin = cv2.erode(cv2.copyMakeBorder(mask, *[2] * 4, cv2.BORDER_CONSTANT), kernel)
        if np.count_nonzero(thin) > 0.3 * np.count_nonzero(mask):
            return thin
    return mask


def bend(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Return a character, uint8 mask, as another hand would form it: every part of it moved a little.

    P. Simard et al., "Best practices for convolutional neural networks applied to visual document analysis" (2003).
    """
    margin = mask.shape[0] // 8
    mask = cv2.copyMakeBorder(mask, *[margin] * 4, cv2.BORDER_CONSTANT)
    height, width = mask.shape
    moves = rng.normal(0, rng.uniform(0.005, 0.035) * height, (4, 3, 2)).astype(np.float32)
    moves = cv2.resize(moves, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return crop(cv2.remap(mask, moves[..., 0] + x, moves[..., 1] + y, cv2.INTER_LINEAR))


def stroke_glyph(glyph: str, pen: float, rng: np.random.Generator, wobble: float = 1.0) -> np.ndarray:
    """Return a character of our own hand, uint8 mask; `glyph` as for handwriting.write."""
    return draw_strokes(handwriting.write(glyph, rng, wobble, foreign=True), HEIGHT, 96, max(1.5, pen * 96))


class Fonts:
    """Draws text with fonts, and keeps those that it has opened."""

    def __init__(self):
        self._open: dict[tuple[str, int], ImageFont.FreeTypeFont] = {}

    def draw(self, text: str, path: str, height: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Return text as uint8 mask (h, w) and where each character begins and ends in it, float (N, 2) of x.

        `height`: of a capital letter, in pixels. None if the font cannot.
        """
        size = max(7, round(height * 1.4))
        if (path, size) not in self._open:
            if len(self._open) > 300:
                self._open.clear()
            self._open[path, size] = ImageFont.truetype(path, size)
        font = self._open[path, size]
        try:
            left, top, right, bottom = font.getbbox(text)
            if right - left < 1 or bottom - top < 1 or right - left > 4000:
                return None
            image = Image.new("L", (right - left + 4, bottom - top + 4))
            ImageDraw.Draw(image).text((2 - left, 2 - top), text, fill=255, font=font)
            ends = np.array([font.getlength(text[:k]) for k in range(len(text) + 1)]) + 2 - left
        except (OSError, ValueError):
            return None
        return np.asarray(image), np.stack([ends[:-1], ends[1:]], 1)
