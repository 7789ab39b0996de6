"""Measure what the README claims about live digits, each row beside its yardstick, in one run.

    python benchmarks/digits_live.py                # prints the table of the README (two minutes)
    python benchmarks/digits_live.py --frames 30    # quicker and less exact

Reads models/digits.*. Frames are in memory, drawing is included, there is no window.
"""

import os
import statistics
import time
from dataclasses import dataclass

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from recognition import digits, draw, live, measuring, models, pages, settings


@dataclass
class Config:
    frames: int = 150  # of each size


def film(size: tuple[int, int], count: int) -> tuple[list[np.ndarray], str]:
    """Return frames of a hand-held page with ten digits, BGR uint8 of (width, height), and its text."""
    width, height = size
    rng = np.random.default_rng(0)
    page = pages.Page(height=height + 40, width=width + 40, digit=height // 7, pen=height // 110)
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
        draw.draw_digits(frame, rows)
        draw.draw_fps(frame, 30.0)
        seconds.append(time.perf_counter() - start)
        right += digits.text_of(rows) == text
    return 1 / statistics.median(seconds), right / len(frames)


def main(config: Config) -> None:
    model = models.load("digits")
    threshold = model.card["threshold"]
    keras_model = models.load_weights(models.MODELS / "digits.weights.h5", "compact", len(model.class_names), "")

    def one_by_one(images: np.ndarray) -> np.ndarray:
        return np.concatenate([keras_model.predict(image[None, ..., None], verbose=0) for image in images])

    rows = []
    for size, required in (((1280, 720), 30), ((640, 480), 60)):
        frames, text = film(size, config.frames)
        theirs, _ = rate(lambda frame: digits.read_digits(frame, one_by_one, threshold), frames[:6], text)
        ours, right = rate(live.LiveReader(model.predict, threshold).read, frames[6:], text)
        rows.append((
            f"{size[0]}x{size[1]}, 10 digits in view, drawing included",
            f"model.predict a digit: {theirs:.1f} frames/s",
            f"≥ {required} frames/s",
            f"{ours:.0f} frames/s, {right:.0%} of frames exact",
        ))  # fmt: skip
    measuring.print_table(rows, model.card["versions"])


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
