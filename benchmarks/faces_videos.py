"""Rows of benchmarks/faces.py: a film clip, and four faces that move before a webcam."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import measuring
import numpy as np

from recognition.faces import detection, drawing, live
from recognition.files import ROOT
from recognition.media import canvas
from recognition.people import recognizers

LFW, PEOPLE, FILM = (ROOT / "data" / name for name in ("lfw", "lfw_people.txt", "face_video"))
CLIP = FILM / "short_hamilton_clip.mp4"
MEN = {"Lin-Manuel Miranda": FILM / "lin-manuel-miranda.png", "Alex Lacamoire": FILM / "alex-lacamoire.png"}
PROFILE, SHOT, AUDIENCE = range(20, 82), range(82, 211), range(211, 275)  # frames of the clip, from 0


def film(folder: Path, runs: int) -> tuple[float, dict[str, list[int]]]:
    """Return frames a second of video.py from its start to the written video, and the frames that each man is in."""
    for name, photo in MEN.items():
        (folder / "men" / name).mkdir(parents=True)
        shutil.copy(photo, folder / "men" / name)
    command = [sys.executable, ROOT / "face_recognition" / "video.py", CLIP, "--faces", folder / "men", "--json"]
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
    detector = detection.load_detector("auto", "quick")
    watcher = live.Watcher(detector, recognizers.load("auto", database, detector))
    images = list(four_faces(count))
    watcher.watch(images[0], 0.0)
    named, start = 0, time.perf_counter()
    for k, image in enumerate(images[1:], 1):
        seen = watcher.watch(image, k / 30)
        drawing.draw_faces(image, seen)
        canvas.draw_fps(image, 30)
        named += sum(one.name is not None for one in seen)
    return (count - 1) / (time.perf_counter() - start), named / 4 / (count - 1)


def film_rows(runs: int, folder: Path, theirs: Callable[..., dict]) -> list[tuple]:
    """Return the rows of the film clip, and of the time from start to answer."""
    yardstick = theirs("clip", CLIP, *(f"{name}={path}" for name, path in MEN.items()))
    rate, named = film(folder, runs)
    lin, alex = MEN

    def within(frames: range, *names: str) -> int:
        return sum(any(index in named[name] for name in names) for index in frames)

    command = [
        sys.executable,
        ROOT / "face_recognition" / "predict_static.py",
        MEN[lin],
        "--faces",
        folder / "men",
        "--json",
    ]
    seconds, megabytes = measuring.start_to_answer(command, runs)
    return [
        (
            "film clip, 275 frames of 640x360, from start to written video",
            f"{yardstick['fps']:.1f} frames/s, reading only; {yardstick['faces']} faces, named in "
            f"{sum(index in SHOT for index in yardstick['named'][lin])} frames of 82 to 210",
            "≥ 150 frames/s; named in ≥ 125 of frames 82-210, never in 20-81; nobody in 211-274",
            f"{rate:.0f} frames/s; {within(SHOT, lin)}; {within(PROFILE, lin)}; {within(AUDIENCE, lin, alex)}",
        ),
        ("start to answer, one photo", "", "≤ 1.0 s, no TensorFlow", f"{seconds:.2f} s, {megabytes:.0f} MB"),
    ]
