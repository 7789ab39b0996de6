"""Fonts of this system that have certain letters: looked for once in the folders where systems keep them."""

import importlib.util
import os
import sys
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

SUFFIXES = {".otc", ".otf", ".ttc", ".ttf"}
PLAIN = (
    "notosans",
    "segoeui",
    "nirmala",
    "leelaw",
    "tahoma",
    "arial",
    "kohinoor",
    "thonburi",
    "dejavusans",
    "freesans",
)
STYLED = ("italic", "oblique", "mono", "serif", "thin", "light", "condensed", "black", "ui-", "display", "looped")
WITHOUT_LETTERS = ("lastresort", "adobeblank")  # have a box, or nothing, for everything
PICTURES = (109, 160, 137, 96, 64)  # sizes of fonts that are made of pictures, as those of emoji are
TRIED = 32  # pixels of letters that are only tried
NOT_THERE = "\U0010ffff"


def font_folders() -> list[Path]:
    """Return the folders where this system keeps fonts."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", local / "Microsoft" / "Windows" / "Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    own = Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share")) / "fonts"
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), own, home / ".fonts"]


@cache
def font_files() -> list[Path]:
    """Return the fonts of this system, those first in which names look like those that OpenCV writes."""
    folders = font_folders()
    matplotlib = importlib.util.find_spec("matplotlib")  # brings DejaVu, where there is no other
    if matplotlib and matplotlib.origin:
        folders.append(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")
    found = [
        Path(parent, name)
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
        if os.path.splitext(name)[1].lower() in SUFFIXES and not name.lower().startswith(WITHOUT_LETTERS)
    ]
    return sorted(found, key=_rank)


def _rank(path: Path) -> tuple:
    name = path.name.lower()
    return not name.startswith(PLAIN), any(word in name for word in STYLED), "bold" not in name, name


@lru_cache(64)
def load(path: Path, size: int) -> ImageFont.FreeTypeFont | None:
    """Return a font in a size in pixels, or, if it is made of pictures, in the size that it has; None if damaged."""
    for one in (size, *PICTURES):
        try:
            return ImageFont.truetype(path, one)
        except OSError:  # not in this size
            continue
        except Exception:  # whatever a damaged file may lead to
            return None
    return None


def has(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Tell whether a font has a letter: it draws another picture than for one that no font has."""
    if unicodedata.category(letter) in ("Zs", "Cf", "Mn", "Me"):  # nothing to be seen, or only on another one
        return True
    return font.getmask(letter).getbbox() is not None and not _same(font, letter)


def _same(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    one, other = font.getmask(letter), font.getmask(NOT_THERE)
    return one.size == other.size and bytes(one) == bytes(other)


def find(letter: str) -> Path | None:
    """Return a font that has a letter; None if there is none, or was none for another letter of its script."""
    script = unicodedata.name(letter, "?").split()[0].lower()
    if (script, None) in _found or unicodedata.category(letter) in ("Cc", "Cn", "Co", "Cs"):
        return None
    if path := _found.get((script, letter)):
        return path
    known = [path for (other, _), path in _found.items() if path and other == script]
    hints = ("emoji", "emj") if unicodedata.category(letter) == "So" else (script,)
    hinted = [path for path in font_files() if any(hint in path.name.lower() for hint in hints)]
    for path in [*known, *hinted, *font_files()]:
        font = load.__wrapped__(path, TRIED)  # not kept: there are hundreds
        if font and has(font, letter):
            _found[script, letter] = path
            return path
    _found[script, None] = None
    return None


_found: dict[tuple[str, str | None], Path | None] = {}  # by script, the first word of a letter's name, and letter
