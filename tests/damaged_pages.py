"""Documents of several pages of which some are damaged."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image


def save(path: Path, count: int, bad: Iterable[int]) -> Path:
    """Save gray pages, 60x40, as a .pdf or .tiff, the first black, each lighter by 40; damage those of the indices."""
    pages = [Image.new("L", (60, 40), 40 * k) for k in range(count)]
    options = {} if path.suffix == ".pdf" else {"compression": "tiff_lzw"}
    pages[0].save(path, save_all=True, append_images=pages[1:], **options)
    content = bytearray(path.read_bytes())
    if path.suffix == ".pdf":
        for index in bad:
            page = f"\n{2 * index + 1} 0 obj".encode()
            content = content.replace(page, page[:-1] + b"x")
    else:
        with Image.open(path) as image:
            for index in bad:
                image.seek(index)
                (place,), (length,) = image.tag_v2[273], image.tag_v2[279]
                content[place : place + length] = b"\xff" * length
    path.write_bytes(content)
    return path
