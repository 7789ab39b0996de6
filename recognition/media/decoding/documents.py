"""The pages of PDF files, as frames, and how the pages of any document are gone on with after one that is bad.

A PDF is a program, and a small one can draw for ever: it is drawn in a process of its own, with bounds.
"""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from recognition.files import check_file
from recognition.settings import UserError

SUFFIX = ".pdf"
DPI = 200  # pixels an inch, as scanners have them: a digit 3 mm high becomes 24 pixels
LARGEST = 12_000_000  # pixels of a page; larger pages, posters and plans, get fewer an inch
PATIENCE = 15.0  # seconds that a page may take
MEMORY = 700_000_000  # bytes that drawing may take, where the system can bound it (Linux)
NO_PDF, NO_PAGE = 3, 4  # exit codes
MOST_BAD = 3  # pages that cannot be read, each after so long, before the others are left out
DRAW = """
import contextlib, sys
import pypdfium2
from pypdfium2.raw import FPDFBitmap_BGR

first, dpi, largest, memory, no_pdf, no_page = map(int, sys.argv[1:])
with contextlib.suppress(ImportError, OSError, ValueError):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
try:
    document = pypdfium2.PdfDocument(open(0, "rb"))
    count = len(document)
except pypdfium2.PdfiumError:
    sys.exit(no_pdf)
sys.stdout.buffer.write(b"%d\\n" % count)
sys.stdout.buffer.flush()
try:
    for number in range(first, count):
        page = document[number]
        width, height = (max(length, 0.1) for length in page.get_size())  # in 1/72 inches
        scale = min(dpi / 72, (largest / (width * height)) ** 0.5)
        bitmap = page.render(scale=scale, force_bitmap_format=FPDFBitmap_BGR)
        sys.stdout.buffer.write(b"%d %d %d\\n" % (bitmap.height, bitmap.width, bitmap.stride))
        sys.stdout.buffer.write(bitmap.buffer)
        sys.stdout.buffer.flush()
        page.close()
except pypdfium2.PdfiumError:
    sys.exit(no_page)
"""  # reads a PDF from stdin; writes how many pages it has; of each, height, width and bytes a row, then the rows, BGR


class BadPage(UserError):
    """A page that cannot be read, of a document that has others."""

    def __init__(self, message: str, index: int):
        super().__init__(message)
        self.index = index


def past_bad(read: Callable[[int], Iterator[np.ndarray]]) -> Iterator[tuple[int, np.ndarray | BadPage]]:
    """Yield index and image of each page of a document, or why it cannot be read; UserError ends it.

    `read`: yields the pages from an index on and raises BadPage. Some bad pages are passed; the last of MOST_BAD is
    raised.
    """
    index, bad = 0, 0
    while True:
        try:
            for image in read(index):
                yield index, image
                index += 1
            return
        except BadPage as error:
            bad += 1
            if bad == MOST_BAD:
                raise UserError(f"{error}; what follows is left out") from None
            yield error.index, error
            index = error.index + 1


def read_pages(path: Path, content: bytes | None = None, first: int = 0) -> Iterator[np.ndarray]:
    """Yield the pages of a PDF on white, BGR uint8 (H, W, 3). Raises UserError, naming the file, where it cannot, and
    BadPage where only one page cannot be read.

    `content`: the file's bytes, if they were read already. `first`: index of the first page that is wanted.
    """
    try:
        check_file(path) if content is None else None
        with _drawing(path, content, first) as process:
            count, number = _count(process), first + 1
            while (page := _next_page(process)) is not None:
                yield page
                number += 1
            code = process.wait()
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}): check its permissions") from None
    if code == NO_PDF:
        raise UserError(f"{path}: no PDF that can be read: is it damaged, or locked with a password?")
    if code:
        bounds = f"{PATIENCE:.0f} seconds or {MEMORY / 1e6:.0f} MB"
        reason = "read: is it damaged?" if code == NO_PAGE else f"drawn in {bounds}: save it as a picture first"
        message = f"{path}: page {number} cannot be {reason}"
        raise BadPage(message, number - 1) if number <= count > 1 else UserError(message)


@contextlib.contextmanager
def _drawing(path: Path, content: bytes | None, first: int) -> Iterator[subprocess.Popen]:
    """Have a process draw the pages of a PDF; it ends with the block."""
    command = [sys.executable, "-P", "-c", DRAW, *map(str, (first, DPI, LARGEST, MEMORY, NO_PDF, NO_PAGE))]
    with path.open("rb") if content is None else tempfile.TemporaryFile() as file:
        if content is not None:
            file.write(content)
            file.seek(0)
        with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()


@contextlib.contextmanager
def _patience(process: subprocess.Popen) -> Iterator[None]:
    """End a process that takes longer than the block may."""
    clock = threading.Timer(PATIENCE, process.kill)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _count(process: subprocess.Popen) -> int:
    """Return how many pages a process has to draw; 0 where it cannot say."""
    with _patience(process):
        return int(process.stdout.readline() or 0)


def _next_page(process: subprocess.Popen) -> np.ndarray | None:
    """Return the page that a process draws next; None after the last one, or when it takes too long."""
    with _patience(process):
        head = process.stdout.readline().split()
        if not head:
            return None
        height, width, stride = map(int, head)
        rows = np.frombuffer(process.stdout.read(height * stride), np.uint8)
    if rows.size < height * stride:
        return None
    return rows.reshape(height, stride)[:, : 3 * width].reshape(height, width, 3).copy()
