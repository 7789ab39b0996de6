"""Measure what only time shows: how old frames are when slow work gets them, and whether memory stays flat.

    python benchmarks/endurance.py                # half an hour, prints the numbers as JSON
    python benchmarks/endurance.py --minutes 2    # quicker and less telling

The camera is another process that serves 30 frames a second over HTTP (tests/camera_server.py). For the age each frame
carries the time at which it was sent; for memory webcam.py reads a page that moves, over and over (Linux only).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import files, settings
from recognition.media import cameras
from recognition.synthetic import pages

SLOW = 0.2  # seconds that the work on a frame takes


@dataclass
class Config:
    minutes: float = 30.0  # that webcam.py runs
    frames: int = 100  # whose age is measured


@contextmanager
def camera(*arguments: str) -> Iterator[str]:
    """Start a camera and yield its address, to which a mode and a count of frames are appended."""
    command = [sys.executable, str(files.ROOT / "tests" / "camera_server.py"), "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def sent(image: np.ndarray) -> float:
    """Return when the camera sent a frame, seconds of time.monotonic(), from the 4x8 black and white squares in it."""
    bits = image[30::60, 30::60, 0].reshape(-1) > 127
    return int(np.packbits(bits, bitorder="little").view("<u4")[0]) / 1000


def ages(count: int) -> list[float]:
    """Return the ages in seconds of frames at the moment they are handed to work that takes SLOW seconds each."""
    found = []
    with camera() as address:
        for frame in cameras.CameraSource(f"{address}/closes/100000"):
            found.append(time.monotonic() - sent(frame.image))
            if len(found) == count:
                break
            time.sleep(SLOW)
    return found


def save_film(path: Path) -> None:
    """Write two seconds of a page with ten digits that moves to and fro, 1280x720."""
    page = pages.Page(height=760, width=1320, digit=100, pen=7)
    photo, _ = pages.write_page([list("31415"), list("92653")], page, np.random.default_rng(0))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (1280, 720))
    for k in range(60):
        shift = round(20 + 20 * np.sin(2 * np.pi * k / 60))
        writer.write(np.ascontiguousarray(photo[shift : shift + 720, shift : shift + 1280]))
    writer.release()


def memory(minutes: float) -> dict[str, float]:
    """Return the megabytes that webcam.py holds after a tenth of the time and at the end, and how far it strayed."""
    megabytes, lines = [], 0
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.avi"
        save_film(film)
        with camera(str(film)) as address, open(Path(folder) / "read.jsonl", "w+b") as read:
            script = files.ROOT / "digit_recognition" / "webcam.py"
            command = [sys.executable, str(script), "--source", f"{address}/closes/10000000", "--json"]
            with subprocess.Popen(command, stdout=read) as process:
                end = time.monotonic() + 60 * minutes
                while time.monotonic() < end and process.poll() is None:
                    time.sleep(1)
                    held = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
                    megabytes.append(held * os.sysconf("SC_PAGE_SIZE") / 1e6)
                if process.poll() is not None:
                    raise settings.UserError(f"webcam.py ended by itself with exit code {process.returncode}")
                process.terminate()
            read.seek(0)
            lines = sum(1 for _ in read)
    settled = np.array(megabytes[len(megabytes) // 10 :])
    start, end = settled[: len(settled) // 10 + 1].mean(), settled[-len(settled) // 10 :].mean()
    stray = np.abs(settled / start - 1).max()
    return {"minutes": len(megabytes) / 60, "frames": lines, "start": start, "end": end, "stray": float(stray)}


def main(config: Config) -> None:
    found = ages(config.frames)
    result = {"median_age": float(np.median(found)), "oldest": max(found)}
    print(json.dumps(result | (memory(config.minutes) if config.minutes else {})))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
