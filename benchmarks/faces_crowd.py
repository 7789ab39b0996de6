"""Measure a database of very many people: synthetic ones, a folder, a file and 128 numbers each.

    python benchmarks/faces_crowd.py make FOLDER 100000     # about half a minute
    python benchmarks/faces_crowd.py measure FOLDER         # prints one JSON object

Run by benchmarks/faces.py; two commands, so that the memory measured is that of using the database.
"""

import hashlib
import json
import re
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from recognition.embeddings.statistics import DLIB
from recognition.people.database import CROP_VERSION, INDEX, People
from recognition.people.photo_index import Photo, PhotoIndex

PART = 5000  # people a transaction


class Nobody:
    """A detector that finds no face, and an embedder: neither is used, for all photos are known."""

    name, size, padding, statistics = "synthetic", 150, 0.25, DLIB

    def detect(self, frame: np.ndarray) -> list:
        return []


def make(folder: Path, count: int) -> None:
    """Write the people and what is known of their photos."""
    folder.mkdir(parents=True, exist_ok=True)
    index = PhotoIndex(folder / INDEX, (Nobody.name, Nobody.name, CROP_VERSION))
    rng = np.random.default_rng(0)
    common = rng.normal(size=128)  # real embeddings have much in common, too
    for start in range(0, count, PART):
        photos = []
        for k in range(start, min(count, start + PART)):
            path = folder / f"person {k}" / "photo.jpg"
            path.parent.mkdir(parents=True)
            path.write_bytes(content := k.to_bytes(8))
            state, sha256 = path.stat(), hashlib.sha256(content).digest()
            embedding = (common + 0.4 * rng.normal(size=128)).astype(np.float32)
            photos.append(Photo(path.parent.name, path.name, 8, state.st_mtime_ns, sha256, embedding))
        index.record(photos)
    People(folder, Nobody(), Nobody()).gallery()  # lists all folders, once


def measure(folder: Path) -> dict:
    """Return seconds to open, median milliseconds of a look-up and of asking what changed, and peak megabytes."""
    start = time.perf_counter()
    people = People(folder, Nobody(), Nobody())
    gallery = people.gallery()
    opened = time.perf_counter() - start
    lookups, refreshes = [], []
    for k in range(20):
        probe = np.random.default_rng(k).normal(size=(1, 128)).astype(np.float32)
        start = time.perf_counter()
        gallery.match(probe)
        lookups.append(1000 * (time.perf_counter() - start))
        start = time.perf_counter()
        people.refresh()
        refreshes.append(1000 * (time.perf_counter() - start))
    # On Linux only; getrusage would tell the peak of the program that started this one
    peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return {
        "people": len(gallery.names),
        "open": opened,
        "lookup": statistics.median(lookups),
        "refresh": statistics.median(refreshes),
        "mb": int(peak[1]) / 1024,
    }


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        print(json.dumps(measure(Path(sys.argv[2]))))
