"""Kill recordings at random moments, and measure what can still be read of them.

    python benchmarks/recordings.py                # 40 kills of each kind of video, some minutes
    python benchmarks/recordings.py --kills 5

Each is a program that records a noisy picture, 640x480, 30 frames a second, and is killed without a warning
(SIGKILL). Then the next recording to that folder begins, which mends it. Nothing is read or written but in a temporary
folder.
"""

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import settings
from recognition.media.frames import Frame
from recognition.media.recording import VideoWriter

SUFFIXES = ".mp4", ".mov", ".avi", ".mkv", ".webm"
FPS, SIZE = 30.0, (640, 480)


@dataclass
class Config:
    kills: int = 40  # of each kind
    seconds: tuple[float, float] = (1.0, 6.0)  # after which a recording is killed, at least and at most
    noise: float = 2.0  # standard deviation, of 255: of a webcam in a room 2 to 5
    seed: int = 0
    record: str = ""  # for the program that is killed: the file to record to


class Source:
    """What a writer has to know of a camera."""

    source, live, fps = "0", True, FPS


def record(config: Config) -> None:
    """Record for ever, and print after each frame how many there were."""
    rng = np.random.default_rng(config.seed)
    scene = cv2.GaussianBlur(rng.integers(0, 255, (*SIZE[::-1], 3), np.uint8), (0, 0), 9)
    noisy = [np.clip(scene + rng.normal(0, config.noise, scene.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    writer, number = VideoWriter(config.record, Source), 0
    began = time.monotonic()
    while True:
        time.sleep(max(0.0, began + number / FPS - time.monotonic()))
        writer.write(Frame("0", number, noisy[number % len(noisy)], began + number / FPS))
        number += 1
        print(number, flush=True)


def kill_one(config: Config, folder: Path, suffix: str, seconds: float) -> tuple[int, int]:
    """Return how many frames a recording had when it was killed, and how many can be read once it was mended."""
    command = [sys.executable, __file__, "--record", str(folder / f"a{suffix}"), "--noise", str(config.noise)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    written = int(process.communicate()[0].split()[-1])
    VideoWriter(str(folder / "next.mp4"), Source)
    mended, readable = folder / f"a_mended{suffix}", 0
    capture = cv2.VideoCapture(str(mended))
    while capture.read()[0]:
        readable += 1
    mended.unlink(missing_ok=True)
    return written, readable


def main(config: Config) -> None:
    if config.record:
        record(config)
    rng = random.Random(config.seed)
    print("| kind | kills | cannot be played | seconds lost, median | most |\n|-|-|-|-|-|")
    for suffix in SUFFIXES:
        with tempfile.TemporaryDirectory() as folder:
            found = [kill_one(config, Path(folder), suffix, rng.uniform(*config.seconds)) for _ in range(config.kills)]
        lost = [(written - readable) / FPS for written, readable in found]
        broken = sum(not readable for _, readable in found)
        print(f"| `{suffix}` | {len(found)} | {broken} | {np.median(lost):.2f} | {max(lost):.2f} |", flush=True)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
