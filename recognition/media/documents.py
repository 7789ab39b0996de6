"""The pages of PDF files, as frames.

A PDF is a program, and a small one can draw for ever: it is drawn in a process of its own, with bounds.
"""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recognition.files import check_file
from recognition.settings import UserError

SUFFIX = ".pdf"
DPI = 200  # pixels an inch, as scanners have them: a digit 3 mm high becomes 24 pixels
LARGEST = 12_000_000  # pixels of a page; larger pages, posters and plans, get fewer an inch
PATIENCE = 15.0  # seconds that a page may take
MEMORY = 700_000_000  # bytes that drawing may take, where the system can bound it (Linux)
NO_PDF = 3  # exit code
DRAW = """
import contextlib, sys
import pypdfium2
from pypdfium2.raw import FPDFBitmap_BGR

first, dpi, largest, memory, no_pdf = map(int, sys.argv[1:])
with contextlib.suppress(ImportError, OSError, ValueError):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
try:
    document = pypdfium2.PdfDocument(open(0, "rb"))
    for number in range(first, len(document)):
        page = document[number]
        width, height = (max(length, 0.1) for length in page.get_size())  # in 1/72 inches
        scale = min(dpi / 72, (largest / (width * height)) ** 0.5)
        bitmap = page.render(scale=scale, force_bitmap_format=FPDFBitmap_BGR)
        sys.stdout.buffer.write(b"%d %d %d\\n" % (bitmap.height, bitmap.width, bitmap.stride))
        sys.stdout.buffer.write(bitmap.buffer)
        sys.stdout.buffer.flush()
        page.close()
except pypdfium2.PdfiumError:
    sys.exit(no_pdf)
"""  # reads a PDF from stdin; of each page: height, width and bytes a row, and then the rows, BGR


def read_pages(path: Path, content: bytes | None = None, first: int = 0) -> Iterator[np.ndarray]:
    """Yield the pages of a PDF on white, BGR uint8 (H, W, 3). Raises UserError, naming the file, where it cannot.

    `content`: the file's bytes, if they were read already. `first`: index of the first page that is wanted.
    """
    try:
        check_file(path) if content is None else None
        with _drawing(path, content, first) as process:
            number = first + 1
            while (page := _next_page(process)) is not None:
                yield page
                number += 1
            code = process.wait()
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}): check its permissions") from None
    if code == NO_PDF:
        what = "no PDF that can be read" if number == 1 else f"page {number} cannot be read"
        raise UserError(f"{path}: {what}: is it damaged, or locked with a password?")
    if code:
        bounds = f"{PATIENCE:.0f} seconds or {MEMORY / 1e6:.0f} MB"
        raise UserError(f"{path}: page {number} cannot be drawn in {bounds}: save it as a picture first")


@contextlib.contextmanager
def _drawing(path: Path, content: bytes | None, first: int) -> Iterator[subprocess.Popen]:
    """Have a process draw the pages of a PDF; it ends with the block."""
    command = [sys.executable, "-P", "-c", DRAW, *map(str, (first, DPI, LARGEST, MEMORY, NO_PDF))]
    with path.open("rb") if content is None else tempfile.TemporaryFile() as file:
        if content is not None:
            file.write(content)
            file.seek(0)
        with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()


def _next_page(process: subprocess.Popen) -> np.ndarray | None:
    """Return the page that a process draws next; None after the last one, or when it takes too long."""
    clock = threading.Timer(PATIENCE, process.kill)
    clock.daemon = True
    clock.start()
    try:
        head = process.stdout.readline().split()
        if not head:
            return None
        height, width, stride = map(int, head)
        rows = np.frombuffer(process.stdout.read(height * stride), np.uint8)
    finally:
        clock.cancel()
    if rows.size < height * stride:
        return None
    return rows.reshape(height, stride)[:, : 3 * width].reshape(height, width, 3).copy()
