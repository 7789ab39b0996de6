"""Clips of digits written in the air that we make ourselves: for tests, benchmarks and pictures, never for training.

First the hand's movement (`move`), then what a camera sees of it (`film`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass
class Scene:
    """How a clip looks and how its writer moves: pixels, seconds, colours BGR 0-255."""

    width: int = 1280
    height: int = 720
    fps: float = 30.0
    digit: float = 260.0  # height of the digits
    speed: float = 2.6  # digit heights a second while writing
    jitter: float = 2.0  # standard deviation of the hand's tremor
    pen_up: str = "hidden"  # hidden: the marker is covered; pause: the hand rests; leave: it leaves the frame
    color: tuple[int, int, int] = (40, 30, 205)  # of the marker
    marker: float = 26.0  # its length
    noise: float = 5.0  # standard deviation of the camera's noise, each colour its own
    light: float = 0.15  # how much the light changes, 0-1


@dataclass
class Moment:
    """Where the marker is in one frame, whether it can be seen, and whether its writer means to write."""

    x: float
    y: float
    visible: bool
    writing: bool


def move(written: list[list[np.ndarray]], scene: Scene, rng: np.random.Generator) -> list[Moment]:
    """Return the hand's movement, a moment a frame, that writes digits side by side, then in the next row.

    `written`: the strokes (N, 2) of each digit, as `handwriting.write` makes them, about 1 high around 0, 0.
    """
    columns = max(1, int((0.84 * scene.width) / (0.9 * scene.digit)))
    rows = max(1, int(0.84 * scene.height / (1.15 * scene.digit)))
    step = np.array([0.84 * scene.width / columns, 0.84 * scene.height / rows])
    path = [Moment(*_outside((scene.width / 2, scene.height), scene), False, False)] * round(0.4 * scene.fps)
    for k, strokes in enumerate(written):
        cell = np.array([k % columns, k // columns % rows])
        centre = (cell + 0.5) * step + 0.08 * np.array([scene.width, scene.height])
        centre += rng.normal(0, 0.03 * scene.digit, 2)
        for number, stroke in enumerate(stroke for stroke in strokes if np.ptp(stroke, axis=0).max() > 0.1):
            line = stroke * scene.digit + centre
            path += _lifted(path[-1], line[0], scene, rng, between_strokes=number > 0)
            path += [Moment(x, y, True, True) for x, y in _timed(line, scene.speed * scene.digit, scene.fps, rng)]
    path += _lifted(path[-1], np.array(_outside((path[-1].x, path[-1].y), scene)), scene, rng, False)
    path += [Moment(path[-1].x, path[-1].y, False, False)] * round(3.2 * scene.fps)
    tremor = rng.normal(0, 1, (len(path), 2))
    tremor = cv2.GaussianBlur(tremor, (1, 0), sigmaX=0.1, sigmaY=1.0) * scene.jitter / 0.53
    return [Moment(m.x + dx, m.y + dy, m.visible, m.writing) for m, (dx, dy) in zip(path, tremor.tolist(), strict=True)]


def _outside(place: tuple[float, float], scene: Scene) -> tuple[float, float]:
    """Return the nearest place below, or beside, the frame where nothing of the marker shows."""
    x, y = place
    ways = {(x, scene.height + 60): scene.height - y, (-60, y): x, (scene.width + 60, y): scene.width - x}
    return min(ways, key=ways.get)


def _timed(line: np.ndarray, speed: float, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Return where a hand is in each frame while it follows a line (N, 2): slow in bends and at the ends, uneven."""
    run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    even = np.linspace(0, run[-1], 400)
    points = np.stack([np.interp(even, run, line[:, k]) for k in range(2)], 1)
    direction = np.unwrap(np.arctan2(*np.gradient(points, axis=0).T[::-1]))
    bend = np.abs(np.gradient(direction)) * len(even) / max(run[-1], 1) * 60
    bend = cv2.GaussianBlur(bend[None], (0, 0), 8)[0]
    mood = cv2.GaussianBlur(rng.normal(0, 1, (1, 400)), (0, 0), 40)[0] * 5
    slowness = (1 + bend) ** (1 / 3) * np.exp(0.35 * mood)  # the two-thirds power law of hand movements
    ends = np.minimum(np.linspace(0, 1, 400), np.linspace(1, 0, 400))
    slowness *= 1 + 1.5 * np.exp(-ends / 0.04)
    when = np.cumsum(slowness)
    when *= run[-1] / speed / when[-1]
    frames = np.arange(0, when[-1] + 1 / fps, 1 / fps)
    return np.stack([np.interp(frames, when, points[:, k]) for k in range(2)], 1)


def _lifted(
    last: Moment, target: np.ndarray, scene: Scene, rng: np.random.Generator, between_strokes: bool
) -> list[Moment]:
    """Return the moments with the pen up: from the last one to where the next stroke begins."""
    here = np.array([last.x, last.y])

    def way(start: np.ndarray, end: np.ndarray, visible: bool) -> list[Moment]:
        distance = np.hypot(*(end - start))
        if distance < 1:
            return []
        bow = np.array([[0, 1], [-1, 0]]) @ (end - start) * rng.normal(0, 0.12)
        t = np.linspace(0, 1, 30)[:, None]
        line = start + (end - start) * t + bow * 4 * t * (1 - t)
        pace = rng.uniform(1.3, 2.2) * scene.speed * scene.digit
        return [Moment(x, y, visible, False) for x, y in _timed(line, pace, scene.fps, rng)]

    def rest(seconds: float, place: np.ndarray, visible: bool) -> list[Moment]:
        return [Moment(*place, visible, False)] * round(seconds * scene.fps)

    if scene.pen_up == "pause" and last.visible:
        if np.hypot(*(target - here)) < 0.12 * scene.digit:  # nobody lifts the pen for that
            return [Moment(*target, True, True)]
        hold = rng.uniform(0.62, 0.9, 2)
        return rest(hold[0], here, True) + way(here, target, True) + rest(hold[1], target, True)
    if scene.pen_up == "leave" and not between_strokes:
        out = np.array(_outside((last.x, last.y), scene)) if last.visible else here
        back = np.array(_outside(tuple(target), scene))
        away = rest(rng.uniform(0.3, 0.7), back, False)
        return way(here, out, True) + away + way(back, target, True) + rest(rng.uniform(0.05, 0.3), target, True)
    moments = way(here, target, False)
    shortest = rng.uniform(0.25, 0.5) if between_strokes else rng.uniform(0.35, 0.9)
    return moments + rest(max(0.0, shortest - len(moments) / scene.fps), target, False)


def film(moments: list[Moment], scene: Scene, rng: np.random.Generator, background: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the frames, BGR uint8 (H, W, 3), that a camera sees: the marker on a hand before a background (H, W, 3).

    Fast movements are blurred, the light changes slowly, every colour has noise of its own.
    """
    skin = np.array([110, 140, 195]) * rng.uniform(0.55, 1.05)
    noise = np.clip(rng.normal(0, scene.noise, (8, scene.height, scene.width, 3)), -99, 99).astype(np.int8)
    phase, hand = rng.uniform(0, 6, 2), rng.uniform(-0.35, 0.35)
    before = moments[0]
    for k, moment in enumerate(moments):
        frame = background.copy()
        light = 1 + scene.light * np.sin(k / scene.fps * 0.7 + phase[0])
        _draw_hand(frame, before, moment, scene, hand, skin)
        frame = cv2.convertScaleAbs(cv2.GaussianBlur(frame, (3, 3), 0.8), alpha=light)
        shake = noise[rng.integers(8)]
        shake = np.roll(shake, tuple(rng.integers(0, 64, 2)), (0, 1))
        yield cv2.add(frame, shake, dtype=cv2.CV_8U)
        before = moment


def _draw_hand(frame: np.ndarray, before: Moment, moment: Moment, scene: Scene, lean: float, skin: np.ndarray) -> None:
    """Draw hand, finger and, where it shows, the marker on a frame, in place, blurred along the way of half a frame."""
    end = np.array([moment.x, moment.y])
    start = end + 0.5 * (np.array([before.x, before.y]) - end)
    size, down = scene.marker, np.array([np.sin(lean), np.cos(lean)])
    low = np.minimum(start, end) - 2 * size
    x1, y1 = np.clip(low, 0, None).astype(int)
    x2, y2 = np.clip(np.maximum(start, end) + np.array([4, 9]) * size, 0, [frame.shape[1], frame.shape[0]]).astype(int)
    x1 = max(0, x1 - round(4 * size))
    window = frame[y1:y2, x1:x2]
    if not window.size:
        return
    steps = int(np.clip(np.hypot(*(end - start)) / 3, 1, 8))
    total = np.zeros(window.shape, np.float32)
    for t in np.linspace(0, 1, steps):
        layer, place = window.copy(), start + t * (end - start) - [x1, y1]
        finger, fist = place + 3.2 * size * down, place + 5 * size * down
        _limb(layer, place + (0 if moment.visible else 2.6) * size * down, finger, 0.8 * size, skin)
        _limb(layer, finger, fist, 3.2 * size, skin * 0.93)
        if moment.visible:
            _limb(layer, place - 0.5 * size * down, place + 0.5 * size * down, size, np.array(scene.color))
            _limb(layer, place - [0.2 * size, 0.5 * size], place - [0.2 * size, -0.4 * size], 0.2 * size,
                  np.minimum(255, np.array(scene.color) * 1.25 + 15))  # fmt: skip
        total += layer
    window[:] = total / steps


def _limb(image: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, color: np.ndarray) -> None:
    ends = (tuple(np.round(place * 16).astype(int).tolist()) for place in (start, end))
    cv2.line(image, *ends, color.tolist(), max(1, round(width)), cv2.LINE_AA, shift=4)


def room(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Return a background, BGR uint8 (H, W, 3): soft colours and edges, some of them close to the marker's colour."""
    coarse = rng.uniform(60, 200, (6, 9, 3))
    coarse = 0.75 * coarse.mean(2, keepdims=True) + 0.25 * coarse  # rooms are less colourful than markers
    image = cv2.resize(coarse, (scene.width, scene.height), interpolation=cv2.INTER_CUBIC)
    for _ in range(14):
        x, y = rng.integers(0, [scene.width, scene.height]).tolist()
        w, h = rng.integers(30, 260, 2).tolist()
        gray = rng.uniform(40, 210)
        color = (gray + rng.normal(0, 18, 3)).tolist()
        cv2.rectangle(image, (x, y), (x + w, y + h), color, cv2.FILLED, cv2.LINE_AA)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 1.5), 0, 255).astype(np.uint8)
