"""Measure what docs/measured.md says of faces, beside the PyPI package face_recognition, and print its table.

    python benchmarks/faces.py                     # everything whose data is there: a quarter of an hour on two cores
    python benchmarks/faces.py --no-train          # without training the cnn

Uses data/lfw with its lists, data/orl_faces and data/face_video. The yardstick is installed once into a virtual
environment of its own, output/face_recognition (300 MB). Where data is missing, its rows are left out.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import cv2
import faces_descriptors
import faces_videos
import measuring
from measuring import percent

from recognition import settings
from recognition.faces import evaluation
from recognition.files import ROOT
from recognition.models import cards

LFW, ORL, FILM = (ROOT / "data" / name for name in ("lfw", "orl_faces", "face_video"))
PAIRS, PEOPLE = ROOT / "data" / "lfw_pairs.txt", ROOT / "data" / "lfw_people.txt"
TRAININGS = (), ("--architecture", "embedding"), ("--architecture", "embedding", "--unfreeze")
CNN = "faces_benchmark"  # in models/, as long as it is measured
YARDSTICK = Path(__file__).with_name("faces_yardstick.py")


@dataclass
class Config:
    train: bool = True  # train the cnn in three ways, about five minutes
    environment: Path = Path("output/face_recognition")  # virtual environment of the yardstick, made if absent
    frames: int = 150  # frames of the webcam loop
    photos: int = 1000  # photos that are enrolled
    people: int = 100_000  # synthetic people of the large database
    runs: int = 5  # of which the median is taken


def yardstick(environment: Path) -> Path:
    """Return the Python of an environment that has face_recognition, made if it is not there."""
    # It asks for dlib, which compiles for ten minutes, and imports pkg_resources, which newer setuptools lack
    needs = "dlib-bin", "face_recognition_models", "numpy", "pillow", "click", "setuptools<80", "opencv-python-headless"
    return measuring.environment(environment, needs, ("--no-deps", "face_recognition"))


def run_yardstick(python: Path, *arguments: object) -> dict:
    """Return what faces_yardstick.py printed."""
    command = [str(python), str(YARDSTICK), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def script(name: str, *arguments: object) -> dict:
    """Return what a script of the project printed with --json, its last line."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "face_recognition" / name), *map(str, arguments), "--json"],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"DISPLAY": ""},
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise settings.UserError(f"face_recognition/{name} failed")
    return json.loads(done.stdout.splitlines()[-1])


def copy_photos(photos: Iterator[tuple[str, Path]], folder: Path) -> Path:
    """Copy photos, each with its person, into FOLDER/NAME/ and return the folder."""
    for person, path in photos:
        (folder / person).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / person)
    return folder


def lfw_people(folder: Path) -> tuple[Path, Path]:
    """Return folders with the first five photos of the listed people, and with the next five and the strangers.

    Strangers are every second one of the others: photos of the rest gave recognition/embeddings/statistics.py.
    """
    listed = PEOPLE.read_text().split()
    photos = {name: [LFW / name / f"{name}_{k:04d}.jpg" for k in range(1, 11)] for name in listed}
    others = sorted(path.name for path in LFW.iterdir() if path.name not in listed)
    strangers = [path for name in others[1::2] for path in sorted((LFW / name).glob("*.jpg"))]
    enrolled = ((name, path) for name, paths in photos.items() for path in paths[:5])
    probes = [(name, path) for name, paths in photos.items() for path in paths[5:]]
    probes += [(path.parent.name, path) for path in strangers]
    return copy_photos(enrolled, folder / "people"), copy_photos(iter(probes), folder / "probes")


def orl_people(folder: Path) -> tuple[Path, Path]:
    """Return folders with photos 1 to 5 and 6 to 10 of everybody."""
    photos = [(path.parent.name, path) for path in sorted(ORL.glob("s*/*.pgm"))]
    first = ((name, path) for name, path in photos if int(path.stem) <= 5)
    last = ((name, path) for name, path in photos if int(path.stem) > 5)
    return copy_photos(first, folder / "orl_people"), copy_photos(last, folder / "orl_probes")


def lfw_rows(config: Config, folder: Path, theirs: Callable[..., dict]) -> list[tuple]:
    """Return the rows of pairs, of fifteen people among strangers, and of the webcam's loop with four of them."""
    yardstick = theirs("pairs", LFW, PAIRS)
    ours = script("evaluate.py", LFW, "--pairs", PAIRS)
    database, probes = lfw_people(folder)
    open_set = script("evaluate.py", probes, "--faces", database)
    rate, named = faces_videos.webcam_rate(database, config.frames)
    for k, image in enumerate(faces_videos.four_faces(8)):
        cv2.imwrite(str(folder / f"{k}.png"), image)
    slow = theirs("webcam", folder)
    return [
        (
            f"LFW, {ours['pairs']:,} development pairs",
            f"{percent(yardstick['accuracy'])} at its 0.6, {yardstick['without_a_face']} images without a face, "
            f"{yardstick['ms']:.0f} ms an image",
            "≥ 99.1 %, no image lost",
            f"{percent(ours['accuracy'])} at {ours['threshold']}, {ours['without_a_face']} without a face",
        ),
        (
            f"15 people, 5 photos each; {open_set['photos']} other photos of them, "
            f"{open_set['stranger_photos']:,} of strangers",
            "",
            "≥ 99 % found, ≤ 1 % of strangers named",
            f"{percent(open_set['found'])} found, {percent(open_set['nearest'])} nearest to the right person, "
            f"{percent(open_set['mistaken'])} taken for somebody else; "
            f"{percent(open_set['strangers_named'])} of strangers named",
        ),
        (
            "640x480 webcam loop, 4 known faces in view, drawing included",
            f"{slow['fps']:.1f} frames/s, finds {slow['faces']:.1f} faces",
            "≥ 30 frames/s",
            f"{rate:.0f} frames/s, {percent(named)} of faces named",
        ),
        *faces_descriptors.rows(
            evaluation.load_pairs(PAIRS, LFW),
            sorted(LFW.glob("*/*.jpg"))[: config.photos],
            folder / "many",
            yardstick["ms"] / 1000,
        ),
    ]


def orl_rows(config: Config, folder: Path) -> list[tuple]:
    """Return the row of ORL, with cnns trained on five photos of everybody."""
    database, probes = orl_people(folder)
    texts = []
    for name in ("sface", "dlib"):
        found = script("evaluate.py", probes, "--faces", database, "--recognizer", name)
        texts.append(f"{name} {percent(found['nearest'])} ({percent(found['found'])} named)")
    for flags in TRAININGS if config.train else ():
        start = time.perf_counter()
        train = [sys.executable, ROOT / "face_recognition" / "train.py", "--faces", database, "--name", CNN, *flags]
        subprocess.run(list(map(str, train)), check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        cnn = script("evaluate.py", probes, "--faces", database, "--recognizer", "cnn", "--model", CNN)
        for path in cards.MODELS.glob(f"{CNN}*"):
            path.unlink()
        texts.append(
            f"{' '.join(('cnn', *flags))} {percent(cnn['nearest'])} ({percent(cnn['found'])} named), "
            f"trained in {seconds:.0f} s"
        )
    required = "cnn ≥ 96 %, sface and dlib ≥ 99 %"
    return [("ORL, 40 people, 5 photos to train on, 5 to test", "", required, "; ".join(texts))]


def crowd_row(config: Config, folder: Path) -> tuple:
    """Return the row of a database of very many people."""
    crowd = [sys.executable, str(Path(__file__).with_name("faces_crowd.py"))]
    subprocess.run([*crowd, "make", str(folder / "crowd"), str(config.people)], check=True)
    runs = [
        json.loads(subprocess.run([*crowd, "measure", str(folder / "crowd")], check=True, capture_output=True).stdout)
        for _ in range(config.runs)
    ]
    opened, lookup, megabytes = (statistics.median(run[key] for run in runs) for key in ("open", "lookup", "mb"))
    return (
        f"database of {config.people:,} synthetic people",
        "",
        "open ≤ 2 s, look-up ≤ 20 ms, ≤ 300 MB",
        f"{opened:.1f} s, {lookup:.1f} ms, {megabytes:.0f} MB",
    )


def versions() -> dict[str, str]:
    """Return what the numbers depend on."""
    packages = {name: metadata.version(name) for name in ("dlib-bin", "ai-edge-litert", "numpy")}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return {"Python": platform.python_version(), "OpenCV": cv2.__version__, **packages, "machine": machine}


def main(config: Config) -> None:
    theirs = partial(run_yardstick, yardstick(config.environment))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if LFW.exists():
            rows += lfw_rows(config, folder, theirs)
        if ORL.exists():
            rows += orl_rows(config, folder)
        if FILM.exists():
            rows += faces_videos.film_rows(config.runs, folder, theirs)
        rows.append(crowd_row(config, folder))
    measuring.print_table(rows, versions())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
