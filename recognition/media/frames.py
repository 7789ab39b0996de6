"""Frames, and where they come from when it is images, folders and patterns; see also videos, cameras and sinks.

A frame is a BGR image, uint8 (H, W, 3), as OpenCV has it. Sources are iterated over; a sink is a context manager.
"""

import glob
import io
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition.settings import UserError, say

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # not EPS: Pillow would start Ghostscript for it
HEIF = {".heic", ".heif"}  # cannot be read; listed so that an iPhone's photos are named, not passed over
SUFFIXES = {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"} | HEIF
MAX_PIXELS = 120_000_000  # larger images are refused before they are decoded: 360 MB
MIN_SIDE = 6  # pixels of the longer side; smaller ones show nothing, but a strip of a page may be narrow


@dataclass
class Frame:
    """One frame, the file or camera it came from, its number there, counted from 0, and when it was taken.

    `seconds` count from the start of a video; for a camera they are those of time.monotonic().
    """

    source: str
    index: int
    image: np.ndarray
    seconds: float = 0.0


class FrameSource:
    """Frames from images, folders and patterns, one after the other; `failed` lists what could not be used.

    A file that cannot be read is named on stderr and the rest goes on, so callers end with exit code 1 if `failed`.
    """

    def __init__(self, paths: list[str], on_failure: Callable[[str, str], None] | None = None):
        """`on_failure`: takes the source and the message of what could not be used, instead of stderr."""
        self.failed: list[str] = []
        self._paths = paths
        self._tell = on_failure or (lambda _, message: say(f"error: {message}"))

    def __iter__(self) -> Iterator[Frame]:
        for path in self.files():
            try:
                yield Frame(str(path), 0, read_image(path))
            except UserError as error:
                self._fail(str(path), str(error))

    def files(self) -> Iterator[Path]:
        """Yield the files, not read yet; see `fail` for those that cannot be."""
        for text in self._paths:
            if not text:  # Path("") would be the current folder
                self._fail("", "an empty path: name an image, a folder or a pattern")
                continue
            path = Path(os.path.expanduser(text))  # unlike Path.expanduser it leaves "~photo.jpg" alone
            # Patterns that the shell left to us, as on Windows
            matches = [] if os.path.exists(path) else sorted(glob.glob(str(path), recursive=True))
            for found in map(Path, matches or [path]):
                if os.path.isdir(found):  # False, no error, where a folder above may not be entered
                    yield from self._folder(found)
                else:
                    yield found

    def _folder(self, folder: Path) -> Iterator[Path]:
        try:
            files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file()]
        except OSError as error:
            self._fail(str(folder), f"{folder}: cannot be listed ({error.strerror}): check its permissions")
            return
        if not files:
            self._fail(str(folder), f"{folder}: no images in this folder (looked for {' '.join(sorted(SUFFIXES))})")
        yield from files

    def _fail(self, source: str, message: str) -> None:
        self.failed.append(source)
        self._tell(source, message)


def read_image(path: Path | str, content: bytes | None = None) -> np.ndarray:
    """Return an image file as a BGR frame, upright, any transparency on white, 8 bits a channel.

    `content`: the file's bytes, if they were read already. Raises UserError, naming the file, for one that is missing,
    empty, no image, cut short, too large or too small.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    try:
        if (path.stat().st_size if content is None else len(content)) == 0:
            raise UserError(f"{path}: the file is empty")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit says it better than Pillow's warning
            Image.MAX_IMAGE_PIXELS = None
            with Image.open(path if content is None else io.BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise UserError(f"{path}: {width}x{height} pixels are too many (limit {MAX_PIXELS:,}): shrink it")
                if max(width, height) < MIN_SIDE:
                    raise UserError(f"{path}: {width}x{height} pixels are too few to show anything")
                image.load()
                ImageOps.exif_transpose(image, in_place=True)  # else also an upright image would be copied
                return _to_bgr(image)
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except UnidentifiedImageError:
        hint = "convert it to JPEG" if path.suffix.lower() in HEIF else "is it damaged?"
        raise UserError(f"{path}: no image that can be read: {hint}") from None
    except PermissionError:
        raise UserError(f"{path}: may not be read: check its permissions") from None
    except Exception as error:  # every decoder has errors of its own
        raise UserError(f"{path}: damaged or cut short ({error})") from None


def _to_bgr(image) -> np.ndarray:
    """Return a Pillow image of any mode as BGR uint8 (H, W, 3)."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more a pixel
        values = np.asarray(image).astype(np.float32)
        peak = float(values.max())
        full = 65535 if peak > 4095 else 4095  # scanners keep 12 bits in 16
        top = max(peak, 1e-6) if image.mode == "F" else full if peak > 255 else 255
        return cv2.cvtColor(np.clip(values * (255 / top), 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        from PIL import Image

        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)
