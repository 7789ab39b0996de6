"""Measure what the README says of faces, beside the PyPI package face_recognition, and print its table.

    python benchmarks/faces.py                     # everything whose data is there: a quarter of an hour on two cores
    python benchmarks/faces.py --no-train          # without training the cnn

Uses data/lfw with its lists, data/orl_faces and data/face_video. The yardstick is installed once into a virtual
environment of its own, output/face_recognition (300 MB). Where data is missing, its rows are left out.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import draw, faces, recognizers, settings, watching
from recognition.settings import ROOT

LFW, ORL, FILM = (ROOT / "data" / name for name in ("lfw", "orl_faces", "face_video"))
PAIRS, PEOPLE = ROOT / "data" / "lfw_pairs.txt", ROOT / "data" / "lfw_people.txt"
CLIP = FILM / "short_hamilton_clip.mp4"
MEN = {"Lin-Manuel Miranda": FILM / "lin-manuel-miranda.png", "Alex Lacamoire": FILM / "alex-lacamoire.png"}
PROFILE, SHOT, AUDIENCE = range(20, 82), range(82, 211), range(211, 275)  # frames of the clip, from 0
YARDSTICK = Path(__file__).with_name("faces_yardstick.py")


@dataclass
class Config:
    train: bool = True  # train the cnn, about five minutes
    environment: Path = Path("output/face_recognition")  # virtual environment of the yardstick, made if absent
    frames: int = 150  # frames of the webcam loop
    people: int = 100_000  # synthetic people of the large database
    runs: int = 5  # of which the median is taken


def yardstick(environment: Path) -> Path:
    """Return the Python of an environment that has face_recognition, made if it is not there."""
    python = environment.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        settings.say(f"installing face_recognition into {environment}")
        venv.create(environment, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        # It asks for dlib, which compiles for ten minutes, and imports pkg_resources, which newer setuptools lack
        needs = [
            "dlib-bin",
            "face_recognition_models",
            "numpy",
            "pillow",
            "click",
            "setuptools<80",
            "opencv-python-headless",
        ]
        subprocess.run([*pip, *needs], check=True)
        subprocess.run([*pip, "--no-deps", "face_recognition"], check=True)
    return python


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
    """Return folders with the first five photos of the listed people, and with the next five and all strangers."""
    listed = PEOPLE.read_text().split()
    photos = {name: [LFW / name / f"{name}_{k:04d}.jpg" for k in range(1, 11)] for name in listed}
    strangers = [path for path in sorted(LFW.glob("*/*.jpg")) if path.parent.name not in listed]
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


def film(folder: Path, runs: int) -> tuple[float, dict[str, list[int]]]:
    """Return frames a second of video.py from its start to the written video, and the frames that each man is in."""
    database = copy_photos(iter(MEN.items()), folder / "men")
    command = [sys.executable, ROOT / "face_recognition" / "video.py", CLIP, "--faces", database, "--json"]
    command += ["--output", folder / "film.mp4"]
    rates, named = [], {}
    for _ in range(runs + 1):  # the first one enrols
        start = time.perf_counter()
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        rates.append(len(lines) / (time.perf_counter() - start))
        named = {
            name: [line["frame"] for line in lines if name in {face["name"] for face in line["faces"]}] for name in MEN
        }
    return float(np.median(rates[1:])), named


def four_faces(count: int) -> Iterator[np.ndarray]:
    """Yield frames of 640x480 with four people of LFW, each moving in a quarter of it."""
    photos = [cv2.imread(str(LFW / name / f"{name}_0006.jpg")) for name in PEOPLE.read_text().split()[1:5]]
    for k in range(count):
        frame = np.full((480, 640, 3), 90, np.uint8)
        for n, photo in enumerate(photos):
            x, y = 320 * (n % 2) + 35 + round(25 * np.sin(k / 9 + n)), 240 * (n // 2) - 5 + round(5 * np.cos(k / 7 + n))
            part = frame[max(0, y) : y + 250, x : x + 250]
            part[:] = photo[max(0, -y) :][: part.shape[0]]
        yield frame


def webcam_rate(database: Path, count: int) -> tuple[float, float]:
    """Return frames a second of the webcam's loop with four known faces, and the share of faces that were named."""
    detector = faces.load_detector("auto", live=True)
    watcher = watching.Watcher(detector, recognizers.load("embedding", database, detector))
    images = list(four_faces(count))
    watcher.watch(images[0], 0.0)
    named, start = 0, time.perf_counter()
    for k, image in enumerate(images[1:], 1):
        seen = watcher.watch(image, k / 30)
        draw.draw_faces(image, seen)
        draw.draw_fps(image, 30)
        named += sum(one.name is not None for one in seen)
    return (count - 1) / (time.perf_counter() - start), named / 4 / (count - 1)
