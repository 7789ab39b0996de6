"""The pages of PDF files, as frames."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recognition.files import check_file
from recognition.settings import UserError

SUFFIX = ".pdf"
DPI = 200  # pixels an inch, as scanners have them: a digit 3 mm high becomes 24 pixels
LARGEST = 12_000_000  # pixels of a page; larger pages, posters and plans, get fewer an inch


def read_pages(path: Path, content: bytes | None = None, first: int = 0) -> Iterator[np.ndarray]:
    """Yield the pages of a PDF on white, BGR uint8 (H, W, 3). Raises UserError, naming the file, where it cannot.

    `content`: the file's bytes, if they were read already. `first`: index of the first page that is wanted.
    """
    import pypdfium2
    from pypdfium2.raw import FPDFBitmap_BGR

    try:
        check_file(path) if content is None else None
        with path.open("rb") if content is None else io.BytesIO(content) as file:
            document = pypdfium2.PdfDocument(file)
            try:
                for number in range(first, len(document)):
                    page = document[number]
                    width, height = (max(length, 0.1) for length in page.get_size())  # in 1/72 inches
                    scale = min(DPI / 72, (LARGEST / (width * height)) ** 0.5)
                    yield page.render(scale=scale, force_bitmap_format=FPDFBitmap_BGR).to_numpy().copy()
                    page.close()
            finally:
                document.close()
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}): check its permissions") from None
    except pypdfium2.PdfiumError:
        raise UserError(f"{path}: no PDF that can be read: is it damaged, or locked with a password?") from None
