"""Measure what the pages in docs/ claim about live digits, each row beside its yardstick, in one run.

    python benchmarks/digits_live.py               # prints the table of docs/measured.md (40 minutes)
    python benchmarks/digits_live.py --minutes 0   # without the half hour of watching memory

Reads models/pages.*, models/digits.* and, where they are there, data/mnist.npz, data/air_writing/ and data/models/.
Frames are in memory, drawing is included, no window. Runs air_writing.py, air_writing_clip.py, endurance.py beside it.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import measuring

from recognition import files, settings
from recognition.air_writing import fingertip, marker, strokes
from recognition.air_writing.drawing import draw_writing
from recognition.air_writing.pen import Pen
from recognition.digits import live, numbers, reader
from recognition.digits.drawing import draw_digits
from recognition.media import canvas
from recognition.models import cards, litert, store
from recognition.models.weights import load_weights
from recognition.synthetic import clips, handwriting, pages
from recognition.training import finish

WAYS = {"hidden": "marker covered", "pause": "pauses", "leave": "out of view"}


@dataclass
class Config:
    frames: int = 150  # that each speed is measured on
    minutes: float = 30.0  # that memory is watched; 0 leaves that row out
    clips: int = 40  # of generated air-writing, eight digits each


def film(size: tuple[int, int], count: int, ruling: str) -> tuple[list[np.ndarray], str]:
    """Return frames of a hand-held page with ten digits, BGR uint8 of (width, height), and its text."""
    width, height = size
    rng = np.random.default_rng(0)
    page = pages.Page(height=height + 40, width=width + 40, digit=height // 7, pen=height // 110, ruling=ruling)
    rows = [list("31415"), list("92653")]
    photo, _ = pages.write_page(rows, page, rng)
    frames = []
    for _ in range(count):
        x, y = rng.integers(0, 40, 2)
        noise = rng.integers(-4, 5, (height, width, 3))
        frames.append(np.clip(photo[y : y + height, x : x + width] + noise, 0, 255).astype(np.uint8))
    return frames, "\n".join(map("".join, rows))


def rate(read, frames: list[np.ndarray], text: str) -> tuple[float, float]:
    """Return the frames a second, of the median frame, that are read and drawn, and the share that was read right."""
    seconds, right = [], 0
    for frame in frames:
        start = time.perf_counter()
        rows = read(frame)
        draw_digits(frame, rows)
        canvas.draw_fps(frame, 30.0)
        seconds.append(time.perf_counter() - start)
        right += numbers.text_of(rows, digits_only=True) == text
    return 1 / statistics.median(seconds), right / len(frames)


def written_frames(count: int) -> list[np.ndarray]:
    """Return frames of a red marker that writes in the air, BGR uint8 (720, 1280, 3)."""
    rng, scene = np.random.default_rng(0), clips.Scene()
    moments = clips.move([handwriting.write(digit, rng, 0.4) for digit in "314159"], scene, rng)
    return list(clips.film(moments[15 : 15 + count], scene, rng, clips.room(scene, rng)))


def hand_frames(count: int) -> list[np.ndarray]:
    """Return frames of the real clip in which hands are in view, BGR uint8 (720, 1280, 3)."""
    video = cv2.VideoCapture(str(next((files.DATA / "air_writing").glob("*.mp4"))))
    for _ in range(60):
        video.grab()
    return [cv2.resize(video.read()[1], (1280, 720), interpolation=cv2.INTER_AREA) for _ in range(count)]


def tracking_rate(tracker, frames: list[np.ndarray], model: litert.Model) -> float:
    """Return the frames a second, of the median frame, in which a tip is followed, its strokes read and drawn."""
    writer, pen, seconds = strokes.Writer(model.predict, model.threshold(None), 3.0), Pen(1280, 720, 0.5), []
    for k, frame in enumerate(frames):
        start = time.perf_counter()
        tip = tracker.track(frame, k / 30)
        writer.add(pen.update(tip, k / 30))
        draw_writing(frame, pen, writer, tip)
        canvas.draw_fps(frame, 30.0)
        seconds.append(time.perf_counter() - start)
    return 1 / statistics.median(seconds)


def run_beside(script: str, *arguments: object) -> dict:
    """Run another benchmark and return the numbers that it prints."""
    settings.say(f"running {script}")
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(config: Config) -> None:
    model, pages_model = store.load("digits"), reader.load()
    threshold = pages_model.card["threshold"]
    keras_model = load_weights(cards.MODELS / "pages.weights.h5", "pages", len(pages_model.class_names), "")

    def run_keras(image: np.ndarray) -> np.ndarray:
        return keras_model.predict(image[None, ..., None], verbose=0)[0]

    with_keras = SimpleNamespace(run=run_keras, card=pages_model.card)

    rows = []
    for size, ruling, required in (((1280, 720), "plain", 40), ((1280, 720), "graph", 40), ((640, 480), "plain", 60)):
        frames, text = film(size, config.frames, ruling)
        theirs, _ = rate(live.LiveReader(with_keras, threshold).read, frames[:6], text)
        ours, right = rate(live.LiveReader(pages_model, threshold).read, frames[6:], text)
        rows.append((
            f"{size[0]}x{size[1]}, 10 digits on {ruling} paper, drawing included",
            f"with Keras: {theirs:.1f} frames/s",
            f"≥ {required} frames/s",
            f"{ours:.0f} frames/s, {right:.0%} of frames exact",
        ))  # fmt: skip
    ours = tracking_rate(marker.MarkerTracker("red"), written_frames(config.frames), model)
    rows.append(("marker tracker, 1280x720, strokes read and drawn", "", "≥ 90 frames/s", f"{ours:.0f} frames/s"))
    if (files.DATA / "air_writing").exists():
        with fingertip.FingertipTracker(fingertip.fetch_model()) as tracker:
            ours = tracking_rate(tracker, hand_frames(config.frames), model)
        rows.append(
            ("fingertip tracker, 1280x720, strokes read and drawn", "", "≥ 40 frames/s", f"{ours:.0f} frames/s")
        )
    if (files.DATA / "mnist.npz").exists():
        air = run_beside("air_writing.py", "--clips", config.clips)
        any_color = run_beside("air_writing.py", "--clips", config.clips, "--any-color")
        ways = ", ".join(f"{air[way]:.1%} {name}" for way, name in WAYS.items())
        rows.append((
            f"{air['digits']} digits written in the air, generated clips",
            f"their strokes read directly: {air['ideal']:.1%}",
            "≥ 96 %, nothing written with the pen up",
            f"{air['right']:.1%} ({ways}); {air['ink_pen_up']:.1%} of the ink with the pen up, "
            f"{air['false_strokes']} false strokes; {any_color['right']:.1%} with colours the background has",
        ))  # fmt: skip
    if (files.DATA / "air_writing").exists():
        clip = run_beside("air_writing_clip.py")
        cap, finger = clip["marker"], clip["fingertip"]
        rows.append((
            "real clip: red cap followed, fingertip found",
            "",
            "≥ 95 %, ≥ 90 %, no cap invented",
            f"{cap['followed']:.1%}, {finger['found']:.1%}, {cap['invented']} invented",
        ))  # fmt: skip
    endurance = run_beside("endurance.py", "--minutes", config.minutes)
    rows.append((
        "age of frames that slow work (200 ms) gets from a 30 frames/s camera",
        "",
        "never older than 67 ms",
        f"median {1000 * endurance['median_age']:.0f} ms, oldest {1000 * endurance['oldest']:.0f} ms",
    ))  # fmt: skip
    if config.minutes:
        rows.append((
            f"memory over {endurance['minutes']:.0f} minutes of webcam.py, {endurance['frames']:,} frames",
            "",
            "flat within 5 %",
            f"{endurance['start']:.0f} MB to {endurance['end']:.0f} MB, at most {endurance['stray']:.1%} off",
        ))  # fmt: skip
    measuring.print_table(rows, finish.versions())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
