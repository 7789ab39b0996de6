"""Measure bulk.py against predict_static.py on very many photos, and what deaths of nodes and programs do to it.

    python benchmarks/scale.py                        # 20,000 photos of each part: hours
    python benchmarks/scale.py --count 1000           # fewer
    python benchmarks/scale.py --only objects --no-kills
    python benchmarks/scale.py --before ""            # without the predict_static.py that did not read ahead yet

Needs requirements-bulk.txt. The photos are made by varying those of data/digit_photos and digit_pages, lfw and
object_photos, or of data/samples where these are not there; one in a hundred is damaged. Unix only.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import house
import measuring
import numpy as np
import scale_cluster

from recognition import settings
from recognition.files import DATA, ROOT
from recognition.media.frames import SUFFIXES, read_image

PARTS = {"digits": "digit_recognition", "faces": "face_recognition", "objects": "cifar_recognition"}
FOLDERS = {
    "digits": ("digit_photos", "digit_pages", "samples/digits"),
    "faces": ("lfw", "samples/people"),
    "objects": ("object_photos", "samples/objects"),
}
LARGEST = 1024  # pixels of the longer side of a photo that is made
DAMAGED = 100  # one in so many


@dataclass
class Config:
    count: int = 20_000  # photos of each part
    only: Literal["all", "digits", "faces", "objects"] = "all"
    kills: bool = True  # also end a node and the driver, half-way
    before: str = "6bf155a"  # state of git whose predict_static.py is compared with, the last that read one by one
    seed: int = 0  # of the photos


def save_photos(part: str, folder: Path, count: int, seed: int) -> list[str]:
    """Write photos that differ, in folders of a thousand, and return the names of those that are damaged."""
    rng, damaged = np.random.default_rng(seed), []
    *wanted, sample = FOLDERS[part]
    folders = [DATA / name for name in wanted if (DATA / name).is_dir()] or [DATA / sample]
    found = sorted(path for one in folders for path in one.rglob("*") if path.suffix.lower() in SUFFIXES)
    images = [shrunk(read_image(found[k])) for k in np.unique(np.linspace(0, len(found) - 1, 300).astype(int))]
    for k in range(count):
        image = images[k % len(images)]
        height, width = image.shape[:2]
        y, x = (int(rng.integers(0, 1 + side // 20)) for side in (height, width))
        image = cv2.convertScaleAbs(image[y : height - y, x : width - x], alpha=rng.uniform(0.8, 1.2))
        content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 96))])[1].tobytes()
        path = folder / f"{k // 1000:03}" / f"{k:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if k % DAMAGED == DAMAGED // 2:
            content = content[: len(content) // 3]
            damaged.append(str(path))
        path.write_bytes(content)
    return damaged


def shrunk(image: np.ndarray) -> np.ndarray:
    scale = min(1.0, LARGEST / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def words_of(part: str, script: str, folder: Path, root: Path = ROOT) -> list[str]:
    people = ["--faces", str(folder / "people")] if part == "faces" else []
    return [sys.executable, str(root / PARTS[part] / script), str(folder / "photos"), *people]


def before_seconds(part: str, folder: Path, state: str) -> float:
    """Return how long predict_static.py of an earlier state takes for all photos."""
    root = folder / "before"
    house.take_from_git(state, root)
    command, environment = words_of(part, "predict_static.py", folder, root), os.environ | {"PYTHONPATH": str(root)}
    if part == "faces":  # its database of people is its own
        command[-1] = shutil.copytree(folder / "people", root / "people")
    run = partial(subprocess.run, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run([*command[:2], str(DATA / "samples" / "apple.jpg"), *command[3:], "--json"])  # which may convert a network
    begun = time.monotonic()
    run([*command, "--json"])
    return time.monotonic() - begun


def told(folder: Path) -> list[dict]:
    """Return all that bulk.py has written."""
    return [json.loads(line) for part in sorted(folder.glob("part-*.jsonl")) for line in part.read_text().splitlines()]


def watched(command: list[str]) -> tuple[float, list[float]]:
    """Run a command; return its seconds, and the megabytes of it and of all that it started, once a second."""
    megabytes, begun = [], time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(1.0):
                megabytes.append(sum(map(held, [process.pid, *scale_cluster.descendants(process.pid)])))

        watching = threading.Thread(target=watch)
        watching.start()
        process.wait()
        ended.set()
        watching.join()
    if process.returncode not in (0, 1):
        raise settings.UserError(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - begun, megabytes


def held(process: int) -> float:
    """Return the megabytes of a process; what it shares with others is divided among them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0.0


def compare(part: str, folder: Path, damaged: list[str], config: Config) -> list[measuring.Row]:
    """Run both scripts on all photos; return rows of what they print, how fast, and with what memory."""
    count, before = config.count, before_seconds(part, folder, config.before) if config.before else 0
    begun = time.monotonic()
    done = subprocess.run([*words_of(part, "predict_static.py", folder), "--json"], capture_output=True, text=True)
    alone = time.monotonic() - begun
    seconds, megabytes = watched([*words_of(part, "bulk.py", folder), "--output", str(folder / "results")])
    lines = told(folder / "results")
    ours = sorted(json.dumps(line) for line in lines if "error" not in line)
    theirs = sorted(done.stdout.splitlines())
    differ = len(set(ours) ^ set(theirs)) + abs(len(ours) - len(theirs))
    named = sorted(line["source"] for line in lines if "error" in line) == sorted(damaged)
    settled = megabytes[len(megabytes) // 4 :]
    half = len(settled) // 2
    drift = np.mean(settled[half:]) / np.mean(settled[:half]) - 1
    yardstick = f"predict_static.py {count / alone:.1f}"
    yardstick += f", before it read ahead {count / before:.1f}" if before else ""
    return [
        (f"{part}, {count:,} photos: lines of bulk.py and of predict_static.py", f"{len(theirs):,} lines",
         "equal, but for order", f"{len(ours):,} lines, {differ} differ"),
        (f"{part}: photos a second", yardstick, "≥ 1.7 times",
         f"{count / seconds:.1f} ({(before or alone) / seconds:.2f} times)"),
        (f"{part}: memory of all processes, at most; second half against first", "", "≤ 1,500 MB; flat",
         f"{max(megabytes):.0f} MB; {drift:+.1%}"),
        (f"{part}: {len(damaged)} damaged files", "", "each named, the rest done",
         "so" if named and not differ else "not so"),
    ]  # fmt: skip


def killed(part: str, folder: Path, damaged: list[str], count: int) -> list[measuring.Row]:
    """End one of two nodes at 30 % of the photos, the driver at 60 %, and go on; return what was lost or twice."""
    results, environment = folder / "killed", dict(os.environ)
    with scale_cluster.cluster(environment) as (address, other):
        command = [*words_of(part, "bulk.py", folder), "--address", address, "--output", str(results)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
            for share, end in ((0.3, lambda: scale_cluster.kill(other)), (0.6, driver.kill)):
                while driver.poll() is None and len(told(results)) < share * count:
                    time.sleep(1)
                if driver.poll() is not None:
                    raise settings.UserError(f"{part}: was done before it could be ended: try a larger --count")
                end()
        before = len({line["source"] for line in told(results)})
        subprocess.run([*command, "--resume"], env=environment, capture_output=True)
    sources = [line["source"] for line in told(results)]
    every = {str(path) for path in (folder / "photos").rglob("*.jpg")}
    lost, twice = len(every - set(sources)), len(sources) - len(set(sources))
    claim = f"{part}: one of two nodes killed, then the driver after {before:,} of {count:,} photos, and resumed"
    return [(f"{claim}: lost / twice", "", "0 / 0", f"{lost} / {twice}")]


def main(config: Config) -> None:
    rows: list[measuring.Row] = []
    for part in PARTS if config.only == "all" else [config.only]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            damaged = save_photos(part, folder / "photos", config.count, config.seed)
            shutil.copytree(DATA / "samples" / "people", folder / "people")
            rows += compare(part, folder, damaged, config)
            rows += killed(part, folder, damaged, config.count) if config.kills else []
        print(json.dumps(rows[-5:]), file=sys.stderr)

    from recognition.training import finish

    measuring.print_table(rows, finish.versions())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
