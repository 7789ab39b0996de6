"""Take the picture of the three pages in the browser, from what we draw ourselves, into docs/.

    python benchmarks/web_picture.py                 # writes docs/web.jpg
    python benchmarks/web_picture.py --output /tmp/x # look before replacing the committed one

Needs Chromium and pip install playwright.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import browsing
import cv2
import numpy as np

from recognition import settings
from recognition.files import DATA, ROOT, make_folder
from recognition.synthetic import handwriting

SIZE = {"width": 900, "height": 640}  # pixels of a page
WIDTH = 640  # and of it in the picture
SAMPLES = DATA / "samples"


@dataclass
class Config:
    output: Path = ROOT / "docs"  # folder for the picture


def shot(browser, part: str, *arguments: object, scheme: str = "light") -> np.ndarray:
    """Return a page with an answer, BGR."""
    with browsing.served(part, *arguments) as server:
        page = browsing.open_page(browser, server.address, SIZE, color_scheme=scheme)
        if part == "digits":
            rng = np.random.default_rng(4)
            for left, digit in ((0.2, "4"), (0.55, "2")):
                strokes = handwriting.write(digit, rng)
                low, side = np.concatenate(strokes).min(0), np.ptp(np.concatenate(strokes), 0).max()
                for stroke in strokes:
                    browsing.draw(page, [(left + 0.36 * x, 0.2 + 0.58 * y) for x, y in (stroke - low) / side])
            browsing.text_becomes(page, "#text", "42")
        else:
            page.set_input_files("#files", SAMPLES / {"faces": "party.jpg", "objects": "objects/ship.jpg"}[part])
            page.wait_for_selector("#results figure")
        page.wait_for_timeout(1500)
        return cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)


def main(config: Config) -> None:
    path = make_folder(config.output) / "web.jpg"
    with tempfile.TemporaryDirectory() as folder, browsing.chromium() as browser:
        people = shutil.copytree(SAMPLES / "people", Path(folder) / "people")
        pages = [
            shot(browser, "digits"),
            shot(browser, "faces", "--faces", people, scheme="dark"),
            shot(browser, "objects", "--folder", Path(folder) / "own"),
        ]
    height = round(WIDTH * SIZE["height"] / SIZE["width"])
    pages = [cv2.resize(page, (WIDTH, height), interpolation=cv2.INTER_AREA) for page in pages]
    cv2.imwrite(str(path), np.hstack(pages), [cv2.IMWRITE_JPEG_QUALITY, 85])
    settings.say(f"saved {path}")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
