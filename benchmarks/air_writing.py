"""Measure how numbers written in the air are read, on clips that are generated from the strokes of real digits.

    python benchmarks/air_writing.py               # 40 clips with 320 digits, prints the numbers as JSON (four minutes)
    python benchmarks/air_writing.py --first 1000  # other clips: their numbers count on from here
    python benchmarks/air_writing.py --any-color   # markers of any colour, also one that the background has

Half of the digits are MNIST test images whose middle lines are followed with a pen (those that can be: the traced
strokes must cover the ink); half are our own strokes, which bring digits of two strokes. Each clip has its own
background (a photo of data/object_photos where there is one), frame size, speed, tremor and noise, and the marker is
red, green or blue, whichever the background has least of, as the README tells users to choose. The
pen is up while the marker is covered (24 clips), between two pauses (8), or outside the frame (8).

Reads data/mnist.npz and models/digits.*.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import permutations

import cv2
import numpy as np

from recognition import files, settings
from recognition.air_writing import marker, strokes
from recognition.air_writing.colours import COLOURS, likeness, likeness_table
from recognition.air_writing.pen import Pen
from recognition.digits import normalisation, scoring
from recognition.media import frames
from recognition.models import store
from recognition.synthetic import clips, handwriting
from recognition.training import datasets

COLORS = {"red": (40, 30, 205), "green": (70, 160, 40), "blue": (190, 80, 20)}  # BGR
SIZES = (640, 480), (960, 540), (1280, 720)
DIGITS = 8  # a clip


@dataclass
class Config:
    clips: int = 40
    first: int = 0  # number of the first clip; a clip's number decides what is in it
    any_color: bool = False  # take the marker's colour by turns, whatever the background has


def thinned(ink: np.ndarray) -> np.ndarray:
    """Return the middle lines of ink, bool (H, W): T. Y. Zhang and C. Y. Suen 1984, "A Fast Parallel Algorithm for
    Thinning Digital Patterns". Ink at the border of the image stays."""
    before, ink = ~ink, ink.copy()
    while (before != ink).any():
        before = ink.copy()
        for corner in (0, 1):  # south-east edges, then north-west ones
            north, east, south, west = ink[:-2, 1:-1], ink[1:-1, 2:], ink[2:, 1:-1], ink[1:-1, :-2]
            ring = np.stack([north, ink[:-2, 2:], east, ink[2:, 2:], south, ink[2:, :-2], west, ink[:-2, :-2], north])
            neighbours, starts = ring[:-1].sum(axis=0), (~ring[:-1] & ring[1:]).sum(axis=0)
            away = ~((east & south) & (north | west)) if corner == 0 else ~((north & west) & (east | south))
            ink[1:-1, 1:-1] &= ~((neighbours >= 2) & (neighbours <= 6) & (starts == 1) & away)
    return ink


def trace(image: np.ndarray) -> list[np.ndarray]:
    """Return the strokes of a scanned digit, uint8 (28, 28) white on black: its middle lines, about 1 high around 0, 0.

    Thinned, then followed as a pen would: from the topmost end, straight on where lines cross.
    """
    scale = 6
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    left = {(int(x), int(y)) for y, x in np.argwhere(thinned(large > 110))}
    neighbours = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]
    around = {p: [q for dx, dy in neighbours if (q := (p[0] + dx, p[1] + dy)) in left] for p in left}
    strokes = []
    while left:
        ends = [p for p in left if sum(q in left for q in around[p]) == 1]
        point = min(ends or left, key=lambda p: (p[1], p[0]))
        line, direction = [point], np.zeros(2)
        left.discard(point)
        while True:
            ahead = [q for q in around[line[-1]] if q in left]
            if not ahead:
                break
            point = max(ahead, key=lambda q: direction @ (np.array(q) - line[-1]) / np.hypot(*(np.array(q) - line[-1])))
            left.discard(point)
            for q in around[line[-1]]:  # staircase pixels beside the line belong to it
                if q in left and abs(q[0] - point[0]) + abs(q[1] - point[1]) == 1 and len(around[q]) <= 3:
                    left.discard(q)
            line.append(point)
            direction = np.array(point) - line[max(0, len(line) - 12)]
        closed = [q for q in around.get(line[-1], []) if q in line[: max(0, len(line) - 20)]]
        if closed:
            line.append(closed[0])  # a loop ends where it began or crossed
        if len(line) > 4 * scale:
            strokes.append(np.array(line, float))
    if not strokes:
        return []
    strokes = joined(strokes, 2.5 * scale)
    points = np.concatenate(strokes)
    middle, height = (points.min(0) + points.max(0)) / 2, np.ptp(points, axis=0).max()
    return [
        cv2.blur((stroke - middle)[:, None] / height, (1, 9), borderType=cv2.BORDER_REPLICATE)[:, 0]
        for stroke in strokes
    ]


def joined(lines: list[np.ndarray], reach: float) -> list[np.ndarray]:
    """Return lines (N, 2) with those made one whose ends lie within `reach`: thinning breaks some at corners."""
    for a, b in permutations(range(len(lines)), 2):
        for second in (lines[b], lines[b][::-1]):
            if np.hypot(*(lines[a][-1] - second[0])) < reach:
                rest = [line for k, line in enumerate(lines) if k not in (a, b)]
                return joined([np.concatenate([lines[a], second]), *rest], reach)
    return lines


def drawn_as_ink(parts: list[np.ndarray]) -> np.ndarray:
    """Return the strokes of a digit, (N, 2) about 1 high, as the network knows digits, uint8 (28, 28)."""
    parts = [part for part in parts if np.ptp(part, axis=0).max() > 0.1]
    return strokes.normalise_strokes([np.column_stack([300 * part, np.arange(len(part)) / 60]) for part in parts])


def is_traced(image: np.ndarray, parts: list[np.ndarray]) -> bool:
    """Tell whether one or two strokes cover the ink of a scan."""
    if not 1 <= len(parts) <= 2:
        return False
    drawn = cv2.dilate(drawn_as_ink(parts), np.ones((3, 3), np.uint8))
    return (drawn[normalisation.normalise(image) > 128] > 100).mean() > 0.95


def some_digits(rng: np.random.Generator, images: np.ndarray, labels: np.ndarray) -> tuple[str, list[list[np.ndarray]]]:
    """Return a number and the strokes of each of its digits, by turns traced from a scan and in our own hand."""
    number, written = "", []
    while len(number) < DIGITS:
        if len(number) % 2:
            digit = str(rng.integers(10))
            written.append(handwriting.write(digit, rng, 0.6))
        else:
            k = rng.integers(len(images))
            digit, traced = str(labels[k]), trace(images[k])
            if not is_traced(images[k], traced):
                continue
            written.append(traced)
        number += digit
    return number, written


def backdrop(rng: np.random.Generator, scene: clips.Scene) -> np.ndarray:
    """Return a photo that fills the frame, BGR uint8 (H, W, 3), or a drawn room where there are no photos."""
    photos = sorted((files.DATA / "object_photos").glob("*/*"))
    if not photos:
        return clips.room(scene, rng)
    photo = frames.read_image(photos[rng.integers(len(photos))])
    scale = max(scene.width / photo.shape[1], scene.height / photo.shape[0])
    photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(photo[: scene.height, : scene.width])


def least_like(background: np.ndarray) -> str:
    """Return the marker colour that fewest pixels of a background have."""
    hsv = cv2.cvtColor(background, cv2.COLOR_BGR2HSV)
    return min(COLORS, key=lambda name: int((likeness(hsv, likeness_table(COLOURS[name])) > 50).sum()))


def measure(number: int, any_color: bool) -> dict:
    """Return what was written in a clip and what was read, and how much ink there was with the pen down and up."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([7, number])
    *_, images, labels = datasets.load_mnist()
    width, height = SIZES[number % 3]
    plain = clips.Scene(width, height)
    background = backdrop(rng, plain)
    color = list(COLORS)[number // 3 % 3] if any_color else least_like(background)
    scene = clips.Scene(
        width, height,
        digit=0.36 * height,
        speed=rng.uniform(1.8, 3.2),
        jitter=rng.uniform(0.8, 2.5) * height / 720,
        pen_up=("hidden", "hidden", "pause", "hidden", "leave")[number % 5],
        color=tuple(np.clip(np.array(COLORS[color]) * rng.uniform(0.85, 1.1) + rng.normal(0, 6, 3), 0, 255).tolist()),
        marker=rng.uniform(0.035, 0.05) * height,
        noise=rng.uniform(3, 8),
    )  # fmt: skip
    text, written = some_digits(rng, images, labels)
    moments = clips.move(written, scene, rng)
    model = store.load("digits")
    writer = strokes.Writer(model.predict, model.threshold(None), 3.0)
    tracker, pen = marker.MarkerTracker(color), Pen(width, height, 0.5)
    read, drawn = "", []
    for k, frame in enumerate(clips.film(moments, scene, rng, background)):
        seconds = k / scene.fps
        drawn.append(pen.update(tracker.track(frame, seconds), seconds))
        writer.add(drawn[-1])
        read += "".join(str(air.digit) for air in writer.pause(seconds, pen.writing) or [])
    down, up, false = ink([stroke for stroke in drawn if stroke is not None], moments, scene)
    direct = model.predict(np.stack([drawn_as_ink(parts) for parts in written]))[:, :10].argmax(1)
    ideal = sum(str(digit) == wanted for digit, wanted in zip(direct, text, strict=True))
    record = {"ideal": ideal, "pen_up": scene.pen_up, "color": color, "written": text, "read": read}
    return record | {"wrong": scoring.edit_distance(text, read), "down": down, "up": up, "false": false}


def ink(drawn: list[np.ndarray], moments: list[clips.Moment], scene: clips.Scene) -> tuple[float, float, int]:
    """Return the pixels drawn while the writer meant to write and while not, and the strokes wholly of the latter.

    A tenth of a second before and after counts as writing, and so does what is within a marker's length of it.
    """
    down = up = false = 0
    places = np.array([(m.x, m.y) for m in moments if m.writing])
    for stroke in drawn:
        lengths = np.hypot(*np.diff(stroke[:, :2], axis=0).T)
        frame = np.round(stroke[1:, 2] * scene.fps).astype(int)
        meant = np.array([any(m.writing for m in moments[max(0, k - 3) : k + 4]) for k in frame])
        far = np.hypot(*(stroke[1:, None, :2] - places).transpose(2, 0, 1)).min(1) > scene.marker
        meant |= ~far
        down, up, false = down + lengths[meant].sum(), up + lengths[~meant].sum(), false + int(not meant.any())
    return float(down), float(up), false


def main(config: Config) -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        records = list(
            pool.map(partial(measure, any_color=config.any_color), range(config.first, config.first + config.clips))
        )
    for record in records:
        settings.say(json.dumps(record))
    count = DIGITS * len(records)
    result = {"digits": count, "right": 1 - sum(record["wrong"] for record in records) / count}
    result["ideal"] = sum(record["ideal"] for record in records) / count
    for way in ("hidden", "pause", "leave"):
        some = [record for record in records if record["pen_up"] == way]
        result[way] = 1 - sum(record["wrong"] for record in some) / max(1, DIGITS * len(some))
    result["ink_pen_up"] = sum(r["up"] for r in records) / max(1, sum(r["up"] + r["down"] for r in records))
    result["false_strokes"] = sum(record["false"] for record in records)
    print(json.dumps(result))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
