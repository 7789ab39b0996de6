"""Frames, and where they come from when it is images, folders and patterns; see also videos, cameras and sinks.

A frame is a BGR image, uint8 (H, W, 3), as OpenCV has it. Sources are iterated over; a sink is a context manager.
"""

import glob
import io
import itertools
import os
import warnings
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from recognition.files import check_file
from recognition.media import bounds
from recognition.media.decoding import documents, pixels
from recognition.media.decoding.documents import BadPage
from recognition.progress import in_threads
from recognition.settings import UserError, say

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # not EPS: Pillow would start Ghostscript for it
SUFFIXES = {".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm"}
SUFFIXES |= {".tif", ".tiff", ".webp"}
VIDEOS = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"}
MIN_SIDE = 6  # pixels of the longer side; smaller ones show nothing, but a strip of a page may be narrow


@dataclass
class Frame:
    """One frame, the file or camera it came from, its number there, counted from 0, and when it was taken.

    `seconds` count from the start of a video; for a camera they are those of time.monotonic(). `note`: why there is no
    picture, which then is dark, in a word for the user; see VideoSink.present. `scale`: how many pixels of the file,
    across, each one stands for, see `scale_of`.
    """

    source: str
    index: int
    image: np.ndarray
    seconds: float = 0.0
    note: str = ""
    scale: float = 1.0


@dataclass
class Missing:
    """What was named and is no file that can be read, and why."""

    source: str
    reason: str


class FrameSource:
    """Frames from images, folders and patterns, one after the other; `failed` lists what could not be used.

    A file that cannot be read is named on stderr and the rest goes on, so callers end with exit code 1 if `failed`.
    Some are read ahead, in threads.
    Hidden files and folders are left out, and links to folders: they lead out of a folder, or around in it.
    """

    def __init__(
        self,
        paths: Iterable[str],
        on_failure: Callable[[str, str], None] | None = None,
        all_pages: bool = False,
        subfolders: bool = False,
        leave_out: Iterable[str | None] = (),
        done: Container[str] = (),
    ):
        """`on_failure`: takes the source and the message of what could not be used, instead of stderr. `all_pages`: of
        PDFs, and of images that have several; the second page of a.tiff comes from "a.tiff#2". Else the first alone.
        `subfolders`: look into the folders in a folder, too, but for those of `leave_out`; else tell how many are left
        out. `done`: files that are left out."""
        self.failed: list[str] = []
        self._paths, self._all_pages, self._subfolders, self._done = paths, all_pages, subfolders, done
        self._known = {os.path.realpath(path) for path in leave_out if path}  # folders not to be entered
        self._left_out: list[Path] = []
        self._suffixes = SUFFIXES | {documents.SUFFIX} if all_pages else SUFFIXES
        self._tell = on_failure or (lambda _, message: say(f"error: {message}"))

    def __iter__(self) -> Iterator[Frame]:
        found = (one for one in self._found() if str(one) not in self._done)
        for one, reading in in_threads(found, self._begin, pixels_of, bounds.MAX_AT_ONCE):
            try:
                for frame in reading.result():
                    if isinstance(frame, Frame):
                        yield frame
                    else:
                        self.fail(str(one), str(frame))
            except UserError as error:
                self.fail(one.source if isinstance(one, Missing) else str(one), str(error))

    def _begin(self, found: Path | Missing) -> Iterator[Frame | BadPage]:
        """Return what yields the pages of a file, of which the first is read already."""
        if isinstance(found, Missing):
            raise UserError(found.reason)
        if not self._all_pages:
            image = read_image(found)
            return iter([Frame(str(found), 0, image, scale=scale_of(found, image))])
        pages = every_page(found)
        return itertools.chain(list(itertools.islice(pages, 1)), pages)

    def files(self) -> Iterator[Path]:
        """Yield the files, not read yet; see `fail` for those that cannot be."""
        for one in self._found():
            if isinstance(one, Missing):
                self.fail(one.source, one.reason)
            else:
                yield one

    def _found(self) -> Iterator[Path | Missing]:
        for text in self._paths:
            if not text:  # Path("") would be the current folder
                yield Missing("", "an empty path: name an image, a folder or a pattern")
                continue
            if "://" in text:
                yield Missing(text, f"{text}: an address: save the picture to a file first")
                continue
            path = Path(os.path.expanduser(text))  # unlike Path.expanduser it leaves "~photo.jpg" alone
            # Patterns that the shell left to us, as on Windows
            matches = [] if os.path.exists(path) else sorted(glob.glob(str(path), recursive=True))
            for found in map(Path, matches or [path]):
                if os.path.isdir(found):  # False, no error, where a folder above may not be entered
                    yield from self._folder(found)
                else:
                    yield found
        if self._left_out:
            which = f"{len(self._left_out)} folders" if len(self._left_out) > 1 else "a folder"
            say(f"{which} in folders left out, {self._left_out[0]}: to use the images, move them one folder up")

    def _folder(self, folder: Path) -> Iterator[Path | Missing]:
        """Yield the images of a folder, sorted, and then those of the folders in it."""
        empty, waiting, known = True, [folder], set(self._known)
        while waiting:
            here = waiting.pop()
            known.add(os.path.realpath(here))
            try:
                inside = [path for path in sorted(here.iterdir()) if not path.name.startswith(".")]
                inner = {path: None for path in inside if path.is_dir()}
            except OSError as error:
                yield Missing(str(here), f"{here}: cannot be listed ({error.strerror}): check its permissions")
                empty = False  # nobody knows
                continue
            files = [path for path in inside if path.suffix.lower() in self._suffixes and path not in inner]
            inner = [path for path in inner if not path.is_symlink() and os.path.realpath(path) not in known]
            if self._subfolders:
                waiting += reversed(inner)
            else:
                self._left_out += inner
            empty = empty and not files
            yield from files
        if empty:
            where = "this folder or in those in it" if self._subfolders else "this folder"
            known = " ".join(sorted(self._suffixes))
            yield Missing(str(folder), f"{folder}: no images in {where} (looked for {known})")

    def fail(self, source: str, message: str) -> None:
        """Take a source for one that could not be used, and tell why."""
        self.failed.append(source)
        self._tell(source, message)


def read_image(path: Path | str, content: bytes | None = None) -> np.ndarray:
    """Return an image file, or its first page, as a BGR frame, upright, transparency on white, 8 bits a channel.

    `content`: the file's bytes, if they were read already. Raises UserError, naming the file, for one that is missing,
    empty, no image, cut short, too large or too small.
    """
    return next(read_pages(path, content))


def scale_of(path: Path, image: np.ndarray | None = None, content: bytes | None = None) -> float:
    """Return how many pixels of an image file, across, each one that is read stands for: more than 1 in large JPEGs.

    `image`: what was read of it, if it was; `content`: the file's bytes, if they were read already.
    """
    halved = image is None or image.shape[0] * image.shape[1] >= bounds.MAX_PIXELS // 5
    if not halved or path.suffix.lower() == documents.SUFFIX:
        return 1.0
    with open_image(path if content is None else io.BytesIO(content), path) as opened:
        return bounds.reduce(opened)


def read_pages(path: Path | str, content: bytes | None = None, first: int = 0) -> Iterator[np.ndarray]:
    """Yield the pages of an image or a PDF from an index on, each as `read_image` returns the first one of an image."""
    path = Path(path)
    if path.suffix.lower() == documents.SUFFIX:
        return documents.read_pages(path, content, first)
    return _pages(path, content, first)


def every_page(path: Path | str, content: bytes | None = None) -> Iterator[Frame | BadPage]:
    """Yield the pages of an image or a PDF, and of each that cannot be read why, see documents.past_bad."""
    for index, image in documents.past_bad(partial(read_pages, path, content)):
        source = f"{path}#{index + 1}" if index else str(path)
        bad = isinstance(image, BadPage)
        yield image if bad else Frame(source, index, image, scale=scale_of(Path(path), image, content))


def _pages(path: Path, content: bytes | None, first: int) -> Iterator[np.ndarray]:
    from PIL import UnidentifiedImageError

    total = 0
    try:
        if (check_file(path) if content is None else len(content)) == 0:
            raise UserError(f"{path}: the file is empty")
        with open_image(path if content is None else io.BytesIO(content), path) as image:
            several = getattr(image, "is_animated", False) and image.format != "MPO"  # a photo and its previews
            for index in itertools.count(first) if several else range(first, 1):
                try:
                    _without_warnings(image.seek, index)
                except EOFError:
                    return
                total += min(image.width * image.height, bounds.MAX_PIXELS)  # larger ones are refused
                if total > bounds.MAX_OF_ALL_PAGES:
                    raise UserError(f"{path}: too many pixels on its pages: those up to page {index} were read")
                try:
                    frame = _page(path, image, content)
                except Exception as error:
                    if not several:
                        raise
                    reason = str(error) if isinstance(error, UserError) else f"{path}: damaged or cut short ({error})"
                    raise BadPage(reason.replace(f"{path}: ", f"{path}: page {index + 1}: ", 1), index) from None
                if several:
                    yield frame
        del image  # the pixels as Pillow has them are not needed any more
        if not first and not several:
            yield frame
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except UnidentifiedImageError:
        hint = "video.py reads films" if path.suffix.lower() in VIDEOS else f"{', '.join(FORMATS)}, HEIF and PDF can"
        hint = "is it damaged?" if path.suffix.lower() in {"", *SUFFIXES} else hint
        raise UserError(f"{path}: no image that can be read: {hint}") from None
    except PermissionError:
        raise UserError(f"{path}: may not be read: check its permissions") from None
    except Exception as error:  # every decoder has errors of its own
        raise UserError(f"{path}: damaged or cut short ({error})") from None


def _page(path: Path, image, content: bytes | None) -> np.ndarray:
    """Return the page of a Pillow image that was sought last."""
    from PIL import ImageOps

    bounds.check(path, image, content)
    if max(image.size) < MIN_SIDE:
        raise UserError(f"{path}: {image.width}x{image.height} pixels are too few to show anything")
    _without_warnings(image.load)
    _without_warnings(ImageOps.exif_transpose, image, in_place=True)  # else upright ones would be copied
    return pixels.to_bgr(image)


def pixels_of(path: Path | Missing, content: bytes | None = None) -> int:
    """Return about how many pixels an image has when it is read; 0 where its file does not say so, or is missing."""
    try:
        check_file(path) if content is None else None
        with open_image(path if content is None else io.BytesIO(content)) as image:
            return min(image.width * image.height, bounds.MAX_PIXELS)
    except Exception:  # reading it will tell why
        return 0


def open_image(file: Path | io.BytesIO, path: Path | str = "photo"):
    """Return an image file as a Pillow image, not decoded yet; Pillow raises UnidentifiedImageError if it is none.

    `path`: what a refusal calls it.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # our own limit says it better
    bounds.check_webp(path, file)
    try:
        return _without_warnings(Image.open, file, formats=FORMATS)
    except UnidentifiedImageError:
        import pi_heif  # photos of iPhones, whatever they are called

        pi_heif.register_heif_opener()
        return Image.open(file, formats=("HEIF",))


def _without_warnings(function: Callable, *arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **named)
