"""Make the sample pictures for the first commands: handwritten pages, people, objects, and classes of one's own.

    python benchmarks/samples.py    # writes data/samples/, and docs/digits.jpg with what models/pages reads

All are drawn here, so nobody is published: pages in our own hand, as cameras and scanners see them; a photo each
of three people, and a party of four; a ship, an airplane, a truck; apples and bananas to learn, and one more of each.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scenes

from recognition import files, settings
from recognition.digits import drawing, reader
from recognition.synthetic import pages
from recognition.synthetic.pages import Page

PAGES = {
    "ruled": (Page(ruling="ruled", line=(150, 110, 90), slant=1.5, shadow=0.3), ["3141592", "6535897", "9323846"]),
    "graph": (Page(ruling="graph", ink=(150, 60, 30), digit=80, pen=5), ["271828", "182845", "904523"]),
    "pencil": (Page(ink=(150, 150, 150), pen=3.5, shadow=0.55, noise=4, slant=-3), ["16180", "33988", "74989"]),
    "chalkboard": (Page(paper=(62, 80, 58), ink=(225, 232, 230), pen=7, noise=5), ["14142", "13562"]),
    "sums": (Page(ink=(40, 40, 160), height=500), ["12+30=42", "56-14=42"]),
}


@dataclass
class Config:
    samples: Path = files.ROOT / "data" / "samples"  # folder for the pictures
    picture: Path = files.ROOT / "docs" / "digits.jpg"  # the first four, read


def save_jpeg(image: np.ndarray, path: Path) -> None:
    """Write a BGR image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


def main(config: Config) -> None:
    model = reader.load()
    tiles = []
    for seed, (name, (page, rows)) in enumerate(PAGES.items()):
        page.wobble = 0.5
        photo, _ = pages.write_page([list(row) for row in rows], page, np.random.default_rng(seed))
        save_jpeg(photo, config.samples / "digits" / f"{name}.jpg")
        drawing.draw_digits(photo, reader.read_page(photo, model, model.card["threshold"])[0])
        tiles.append(cv2.resize(photo[:700], (600, 420), interpolation=cv2.INTER_AREA))
    top, bottom = np.hstack(tiles[:2]), np.hstack(tiles[2:4])
    save_jpeg(np.vstack([top, bottom]), config.picture)
    for name in ("Ada", "Ben", "Cleo"):
        save_jpeg(scenes.portrait(name, 6), config.samples / "people" / name / "1.jpg")
    save_jpeg(np.hstack([scenes.portrait(name, 1) for name in scenes.PEOPLE]), config.samples / "party.jpg")
    for scene in (scenes.ship, scenes.airplane, scenes.truck):
        save_jpeg(scene(), config.samples / "objects" / f"{scene.__name__}.jpg")
    for kind in ("apple", "banana"):
        for number in range(12):
            save_jpeg(scenes.fruit(kind, number), config.samples / "fruit" / kind / f"{number}.jpg")
        save_jpeg(scenes.fruit(kind, 12), config.samples / f"{kind}.jpg")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
