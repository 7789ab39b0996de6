"""How many pixels of an image file are decoded: a small file may claim, or hold, more than memory and patience take.

Memory per pixel, measured, while a file is decoded and brought to our form: 7 bytes, of progressive JPEG 10, WebP 22.
"""

import contextlib
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from recognition.settings import UserError, say

MAX_PIXELS = 64_000_000  # larger images are refused before they are decoded, but for JPEGs, which are decoded reduced
MAX_WEBP = 32_000_000  # its decoder keeps three copies
MAX_JPEG = 260_000_000  # cameras of telephones have up to 200 million pixels
MAX_SCANNED = 1_000_000_000  # pixels of a JPEG times its scans, each of which goes over all of them; usual are 10 scans
MAX_OF_ALL_PAGES = 2_000_000_000
MAX_AT_ONCE = 64_000_000  # in all threads together
NEXT_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")


def check(path: Path, image, content: bytes | None) -> None:
    """Raise UserError for a Pillow image, not decoded yet, that is too large; have large JPEGs decoded reduced."""
    width, height = image.size
    jpeg = image.format in ("JPEG", "MPO")
    scans = count_scans(path.read_bytes() if content is None else content) if jpeg else 1
    limit = MAX_JPEG if jpeg and scans == 1 else MAX_WEBP if image.format == "WEBP" else MAX_PIXELS
    if width * height > limit:
        raise UserError(f"{path}: {width}x{height} pixels are too many (limit {limit:,}): shrink it")
    if width * height * scans > MAX_SCANNED:
        raise UserError(f"{path}: {width}x{height} pixels in {scans} scans take too long: save it anew as a plain JPEG")
    if reduce(image) > 1:
        say(f"{path}: {width}x{height} pixels: read at {image.width}x{image.height}")


def reduce(image) -> float:
    """Have a large JPEG decoded reduced; return how many of its pixels, across, each one stands for then, or 1."""
    width, height = image.size
    if image.format in ("JPEG", "MPO") and width * height > MAX_PIXELS:
        image.draft(None, (width // 2, height // 2))
    return width / image.width


def check_webp(path: Path | str, file: Path | io.BytesIO) -> None:
    """Raise UserError for a WebP file that is too large: Pillow makes room for its pixels when it is only opened."""
    if isinstance(file, Path):
        with file.open("rb") as opened:
            head = opened.read(30)
    else:
        head = file.getvalue()[:30]
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return
    width, height = webp_size(head.ljust(30, b"\0"))
    if width * height > MAX_WEBP:
        raise UserError(f"{path}: {width}x{height} pixels are too many (limit {MAX_WEBP:,}): shrink it")


def webp_size(head: bytes) -> tuple[int, int]:
    """Return width and height of a WebP file by its first 30 bytes."""
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


def count_scans(content: bytes) -> int:
    """Return how many scans the first image of a JPEG file has: one, or of progressive ones about ten."""
    place, scans = 2, 0
    while marker := NEXT_MARKER.search(content, place):
        kind, place = marker[1][0], marker.end()
        if kind == 0xD9:  # the end of the image; others may follow
            break
        scans += kind == 0xDA
        if kind != 0x01:
            place += int.from_bytes(content[place : place + 2], "big")
    return max(1, scans)


class Room:
    """Has threads wait such that the images which they hold have at most so many pixels together, or it is one."""

    def __init__(self, most: int = MAX_AT_ONCE):
        self._most, self._taken, self._changed = most, 0, threading.Condition()

    @contextlib.contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Hold an image of so many pixels; not to be nested."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._most)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()
