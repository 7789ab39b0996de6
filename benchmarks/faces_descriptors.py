"""Rows of benchmarks/faces.py: the descriptor run by LiteRT beside dlib's own, its conversion, many photos at once."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring
import numpy as np

from recognition.embeddings import dlib_conversion, dlib_embedder
from recognition.faces import detection, evaluation, labelled_photos
from recognition.faces.crops import crops_of
from recognition.files import ROOT
from recognition.settings import UserError

Row = tuple[str, str, str, str]
SCRIPTS = ROOT / "face_recognition"


def cropped(paths: list[Path]) -> tuple[np.ndarray, dict[Path, int]]:
    """Return the aligned faces of photos, BGR uint8 (N, 150, 150, 3), and which of them is whose photo's."""
    photos = labelled_photos.MainFaces(paths, detection.load_detector("auto"), count=len(paths))
    crops, places = [], {}
    for photo, face in photos:
        places[Path(photo.source)] = len(crops)
        crops.append(crops_of(photo.image, [face], dlib_embedder.FastEmbedder.size, 0.25)[0])
    return np.stack(crops), places


def same_row(
    pairs: list[evaluation.Pair],
    crops: np.ndarray,
    places: dict[Path, int],
    ours: dlib_embedder.FastEmbedder,
    theirs: dlib_embedder.DlibEmbedder,
) -> Row:
    """Return the row of what both say of photos, and of every pair of them."""
    reference = np.concatenate([theirs.embed(crops[k : k + 16]) for k in range(0, len(crops), 16)])
    found = ours.embed(crops)
    one, other = np.array([(places[a], places[b]) for a, b, _ in pairs if a in places and b in places]).T
    limit = 0.6  # as its author has it
    decided = [np.linalg.norm(rows[one] - rows[other], axis=1) < limit for rows in (reference, found)]
    return (
        f"descriptors of {len(crops):,} LFW photos, {len(one):,} pairs of them",
        "reference",
        "largest difference ≤ 2e-3, every decision the same",
        f"{np.abs(reference - found).max():.0e}; {(decided[0] != decided[1]).sum()} decisions differ",
    )


def speed_row(crops: np.ndarray, ours: dlib_embedder.FastEmbedder, theirs: dlib_embedder.DlibEmbedder) -> Row:
    """Return the row of one face and of sixteen, in milliseconds a face."""
    times = []
    for embedder, runs in ((theirs, 9), (ours, 99)):
        one = measuring.median_seconds(lambda embedder=embedder: embedder.embed(crops[:1]), runs)
        many = measuring.median_seconds(lambda embedder=embedder: embedder.embed(crops[:16]), max(3, runs // 5)) / 16
        times.append(f"{1e3 * one:.1f} / {1e3 * many:.1f} ms")
    return ("descriptor: one face / a face of a batch of 16", times[0], "≤ 2.7 / ≤ 2.2 ms", times[1])


def conversion_row() -> Row:
    """Return the row of the conversion at first use, here after one that was killed."""
    source = dlib_embedder.descriptor_file()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        killed = subprocess.Popen([sys.executable, "-c", dlib_conversion.CODE, str(source), name])
        time.sleep(2)  # of about seven
        killed.kill()
        killed.wait()
        if dlib_conversion.read(folder):
            raise UserError("the conversion was done before it could be killed")
        start = time.perf_counter()
        dlib_conversion.fetch(source, folder)
        seconds = time.perf_counter() - start
        again = measuring.median_seconds(lambda: dlib_conversion.fetch(source, folder))
    return (
        "conversion at first use, after one that was killed",
        "",
        "≤ 30 s, done once",
        f"{seconds:.0f} s; from then on {1e3 * again:.0f} ms",
    )


def enrol_row(photos: list[Path], folder: Path, slow: float) -> Row:
    """Return the row of photos, FOLDER/NAME/*, that are enrolled, and that are put into the folder of people by hand.

    `slow`: seconds that the yardstick takes for a photo.
    """
    for path in photos:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    rates = []
    for command in (["enroll.py", "--each", folder, "--faces", folder / ".enrolled"], ["people.py", "--faces", folder]):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, SCRIPTS / command[0], *command[1:]], stdout=subprocess.DEVNULL)
        if done.returncode > 1:  # 1: some of the photos were refused
            raise UserError(f"{command[0]} failed")
        rates.append(len(photos) / (time.perf_counter() - start))
    return (
        f"enrol {len(photos):,} photos of 250x250, a file each",
        f"{1 / slow:.0f} photos/s, finding and describing only",
        "≥ 80 photos/s",
        f"{rates[0]:.0f} photos/s with `enroll.py`, {rates[1]:.0f} when put into the folder by hand",
    )


def rows(pairs: list[evaluation.Pair], photos: list[Path], folder: Path, slow: float) -> list[Row]:
    """Return the rows; `photos`: to be enrolled into a folder that is not there yet; `slow`: see enrol_row."""
    wanted = sorted({path for one, other, _ in pairs for path in (one, other)})
    crops, places = cropped(wanted)
    ours, theirs = dlib_embedder.load_embedder(mirrored=False), dlib_embedder.DlibEmbedder(mirrored=False)
    return [
        same_row(pairs, crops, places, ours, theirs),
        speed_row(crops, ours, theirs),
        enrol_row(photos, folder, slow),
        conversion_row(),
    ]
