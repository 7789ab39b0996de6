"""Make the sample photos in data/samples: pages in our own hand, as cameras and scanners see them.

    python benchmarks/samples.py    # writes data/samples/*.jpg; the same pictures every time
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import pages, settings
from recognition.pages import Page

SAMPLES = {
    "ruled": (Page(ruling="ruled", line=(150, 110, 90), slant=1.5, shadow=0.3), ["3141592", "6535897", "9323846"]),
    "graph": (Page(ruling="graph", ink=(150, 60, 30), digit=80, pen=5), ["271828", "182845", "904523"]),
    "pencil": (Page(ink=(150, 150, 150), pen=3.5, shadow=0.55, noise=4, slant=-3), ["16180", "33988", "74989"]),
    "chalkboard": (Page(paper=(62, 80, 58), ink=(225, 232, 230), pen=7, noise=5), ["14142", "13562"]),
    "sums": (Page(ink=(40, 40, 160), height=500), ["12+30=42", "56-14=42"]),
}


@dataclass
class Config:
    output: str = str(settings.ROOT / "data" / "samples")  # folder for the pictures


def main(config: Config) -> None:
    folder = Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, (page, rows)) in enumerate(SAMPLES.items()):
        page.wobble = 0.5
        photo, _ = pages.write_page([list(row) for row in rows], page, np.random.default_rng(seed))
        _, content = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 88])
        (folder / f"{name}.jpg").write_bytes(content.tobytes())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
