"""Run scripts on hostile files and count what goes wrong: for benchmarks/hostile.py and hostile_kills.py."""

import collections
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from recognition import settings
from recognition.files import ROOT

PEOPLE, FRUIT = (ROOT / "data" / "samples" / name for name in ("people", "fruit"))
PHOTOS = {  # scripts that take pictures
    "digits": ["digit_recognition/predict_static.py"],
    "faces": ["face_recognition/predict_static.py", "--faces", "PEOPLE"],
    "objects": ["cifar_recognition/predict_static.py", "--model", "cifar10"],
}
FILMS = (  # scripts that take films
    "digit_recognition/video.py",
    "digit_recognition/webcam.py --source",
    "digit_recognition/hand_tracking.py --text None --source",
    "face_recognition/video.py --faces PEOPLE",
    "face_recognition/webcam.py --faces PEOPLE --source",
    "cifar_recognition/video.py",
    "cifar_recognition/webcam.py --source",
)


@dataclass
class Found:
    """What went wrong, counted; `files`: how many hostile files were given to a script."""

    files: int = 0
    crashes: int = 0
    tracebacks: int = 0
    hangs: int = 0
    lost: int = 0
    memory: float = 0.0  # megabytes, of the largest program
    seconds: float = 0.0  # the longest time without a line of output while files were read
    kinds: collections.Counter = field(default_factory=collections.Counter)


@dataclass
class Place:
    """Where the benchmark works: a temporary folder, and the people in it."""

    folder: Path
    people: Path

    def command(self, words: list[str]) -> list[str]:
        words = [str(self.people if word == "PEOPLE" else word) for word in words]
        return [sys.executable, str(ROOT / words[0]), *words[1:]]


def watch(
    command: list[str], folder: Path, limit: float, starts: float = 5.0
) -> tuple[int | None, str, str, float, float]:
    """Run a program; return its exit code, None after `limit` seconds, what it printed to stdout and stderr, its
    megabytes, and the longest time between two pieces of output, without the first `starts` seconds."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True, **pipes) as process:
        chosen = selectors.DefaultSelector()
        texts: dict[object, bytes] = {process.stdout: b"", process.stderr: b""}
        for pipe in texts:
            chosen.register(pipe, selectors.EVENT_READ)
        begun = last = time.monotonic()
        longest, killed = 0.0, False
        while chosen.get_map():
            for key, _ in chosen.select(1.0):
                content = os.read(key.fd, 65536)
                now = time.monotonic()
                if now - begun > starts:
                    longest = max(longest, now - max(last, begun + starts))
                last = now
                texts[key.fileobj] += content
                if not content:
                    chosen.unregister(key.fileobj)
            if time.monotonic() - begun > limit and not killed:
                killed = True
                os.killpg(process.pid, 9)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    out, err = (texts[pipe].decode(errors="surrogateescape") for pipe in (process.stdout, process.stderr))
    return None if killed else process.returncode, out, err, usage.ru_maxrss / 1024, longest


def judge(found: Found, name: str, done: tuple, good: list[str], refusal: str | None = None) -> None:
    """Count what went wrong in one run; `good`: names of inputs of which stdout has to tell; `refusal`: words with
    which the program may refuse its arguments, that it was called wrongly by us otherwise."""
    code, out, err, memory, seconds = done
    found.memory, found.seconds = max(found.memory, memory), max(found.seconds, seconds)
    if code == 2 and (refusal is None or refusal not in err):
        raise settings.UserError(f"{name}: was not run: {err[-300:]}")
    found.hangs += code is None
    found.crashes += code is not None and code < 0
    found.tracebacks += err.count("Traceback (most recent call last)")
    lost = [one for one in good if one not in out]
    found.lost += len(lost)
    if code is None or code < 0 or "Traceback" in err or lost or memory > 1024 or seconds > 20:
        last = err.strip().splitlines()[-1:] or [""]
        kind = f"{name}: exit {code}, {memory:.0f} MB, {seconds:.0f} s, {len(lost)} lost {lost[:2]}: {last[0][:200]}"
        found.kinds[kind] += 1
        settings.say(kind)


def tiny_training(folder: Path) -> list[str]:
    """Return words that train the reader of digits on next to nothing, in seconds; --output has to be added."""
    rng, path = np.random.default_rng(0), folder / "tiny.npz"
    images, labels = rng.integers(0, 255, (400, 28, 28), np.uint8), np.arange(400) % 10
    np.savez(path, x_train=images, y_train=labels, x_test=images[:100], y_test=labels[:100])
    words = ["digit_recognition/train.py", "--dataset", str(path), "--epochs", "1", "--validation", "50", "--replace"]
    return [*words, "--batch-size", "50", "--written", "20", "--no-digits", "20"]
