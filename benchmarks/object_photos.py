"""What objects.py measures on photos: the ten classes, other things, own classes, and what looking costs.

Photos at hand are parted in two by the SHA-256 of class and file name: on the first half weights and thresholds were
chosen, the second half chose nothing.
"""

import hashlib
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import measuring
import numpy as np
import surfaces
from measuring import Row, percent

from recognition import files
from recognition.files import ROOT
from recognition.media import canvas, frames
from recognition.models import cards
from recognition.objects import backbones, classification, drawing, imagenet, lite0, live

SCRIPTS, DATA = ROOT / "cifar_recognition", files.DATA
SETS = ("object_photos", "object_photos_more")
OWN = ("class_folders/antsbees", "class_folders/tiles")
KINDS = {"small": ("cifar10",), "ours": (lite0.NAME,), "tuned": (lite0.NAME, "--unfreeze")}  # of models of own classes


@dataclass
class Photo:
    """A photo, its class and whether it is one of those that things were chosen on."""

    image: np.ndarray
    label: str
    chosen_on: bool


def read(folder: Path) -> list[Photo]:
    """Return the photos of FOLDER/CLASS/*."""
    found = []
    for path in sorted(path for path in folder.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")):
        name = f"{path.parent.name}/{path.name}"
        first = hashlib.sha256(name.encode()).digest()[0] % 2 == 0
        found.append(Photo(frames.read_image(path), path.parent.name, first))
    return found


def gray(image: np.ndarray) -> np.ndarray:
    """Return a BGR image without its colours."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def half(image: np.ndarray) -> np.ndarray:
    """Return a BGR image half as large, in the middle of a gray one of its size."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    found = np.full_like(image, 128)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    found[y : y + small.shape[0], x : x + small.shape[1]] = small
    return found


CHANGES = {
    "as they are": (lambda image: image, "≥ 92 %", "≥ 90 %"),
    "gray": (gray, "≥ 88 %", "≥ 88 %"),
    "half as large in a gray frame": (half, "≥ 80 %", "≥ 80 %"),
}  # with what is required of each of SETS


def halves(right: np.ndarray, chosen_on: np.ndarray) -> str:
    """Return a share as text, of all, of those that things were chosen on and of those kept aside."""
    return f"{percent(right.mean())} ({percent(right[chosen_on].mean())}; {percent(right[~chosen_on].mean())})"


def photo_rows() -> list[Row]:
    """Return the rows of the ten classes in photos, and of photos of other things; the yardstick is `cifar10`."""
    models = [classification.load(name) for name in ("cifar10", "photos")]
    photos = {name: read(DATA / name) for name in SETS}
    others = read(DATA / "object_others")
    rows, refused = [], []
    for change, (make, *required) in CHANGES.items():
        for (name, own), least in zip(photos.items(), required, strict=True):
            chosen_on, told = np.array([photo.chosen_on for photo in own]), []
            for model in models:
                seen = [classification.classify(make(photo.image), model, model.threshold(None)) for photo in own]
                right = np.array([one.top[0].label == photo.label for one, photo in zip(seen, own, strict=True)])
                told.append(halves(right, chosen_on))
                if change == "as they are":
                    refused.append((model, np.array([not one.known for one in seen]), chosen_on))
            rows.append((f"{len(own)} photos of {name}, {change}: named rightly", told[0], least, told[1]))
    chosen_on, told = np.array([photo.chosen_on for photo in others]), []
    for model in models:
        seen = [classification.classify(photo.image, model, model.threshold(None)) for photo in others]
        parts = [one[1:] for one in refused if one[0] is model]
        wrongly = halves(*(np.concatenate(part) for part in zip(*parts, strict=True)))
        rightly = halves(np.array([not one.known for one in seen]), chosen_on)
        told.append(f"{rightly}; of the ten classes' photos {wrongly}")
    return [*rows, (f"{len(others)} photos of other things refused", told[0], "≥ 85 %", told[1])]


def imagenet_row() -> list[Row]:
    """Return the row of the thousand kinds: photos of other things whose file name ends with one of their words."""
    classifier = classification.load("imagenet")
    names = {path: path.stem.replace("_", " ") for path in sorted((DATA / "object_others").glob("*/*"))}
    known = {path: [word for word in imagenet.WORDS if f" {name}".endswith(f" {word}")] for path, name in names.items()}
    paths = {path: max(words, key=len) for path, words in known.items() if words}
    seen = {path: classification.classify(frames.read_image(path), classifier, 0.0).top[0].label for path in paths}
    right = percent(sum(seen[path] == word for path, word in paths.items()) / len(paths))
    return [
        (f"{len(paths)} photos of other things whose file name is a word of `imagenet`: that word first", "", "", right)
    ]


def run(script: str, *arguments: object) -> str:
    """Run a script of the project and return what it printed."""
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def own_rows(folder: Path) -> list[Row]:
    """Return the rows of own classes: trained on `train/`, as KINDS says, measured on `test/` and other photos."""
    rows = []
    for place in OWN:
        name, told = Path(place).name, {}
        tests = read(DATA / place / "test")
        others = [photo for other in (*SETS, "object_others") for photo in read(DATA / other)]
        others += [photo for other in OWN if other != place for photo in read(DATA / other / "test")]
        labels = [photo.label for photo in tests]
        larger = max(labels.count(label) for label in labels) / len(labels)
        for kind, (backbone, *more) in KINDS.items():
            into = folder / kind
            run("extract_features.py", DATA / place / "train", "--name", name, "--backbone", backbone, "--output", into)
            run("train_transfer.py", name, "--features", into, "--output", into, *more)
            classifier = classification.load(str(into / name))
            least = classifier.threshold(None)
            seen = [classification.classify(photo.image, classifier, least) for photo in tests]
            right = np.mean([one.top[0].label == label for one, label in zip(seen, labels, strict=True)])
            refused = np.mean([not one.known for one in seen])
            foreign = np.mean([not classification.classify(one.image, classifier, least).known for one in others])
            card = cards.read_card(name, into)
            rightly = f"{percent(right)} ({percent(card['measured']['validation_accuracy'])})"
            told[kind] = rightly, f"{percent(foreign)}; {percent(refused)}", f"{card['seconds']:.0f} s"
        named = f"own classes {name}%s: {len(tests)} test images named rightly (in training, by cross-validation)"
        unlike = f"own classes {name}%s: {len(others)} photos of other sets refused; own test images refused"
        small, ours, tuned = told.values()
        rows += [
            (named % "", f"larger class {percent(larger)}; `cifar10` {small[0]}", "≥ 91 %", ours[0]),
            (unlike % "", f"`cifar10` {small[1]}", "≥ 85 %; ≤ 4 %", ours[1]),
            (named % ", `--unfreeze`", f"without {ours[0]}, {ours[2]}", "", f"{tuned[0]}, {tuned[2]}"),
            (unlike % ", `--unfreeze`", f"without {ours[1]}", "", tuned[1]),
        ]
    return rows


def speed_rows(folder: Path, count: int = 300) -> list[Row]:
    """Return the rows of features, of start to answer and of the webcam's loop with the drawing.

    Each with the processor time of all cores together, too, which other work on the machine changes less.
    """
    backbone = backbones.load(lite0.NAME)
    images = np.random.default_rng(0).integers(0, 256, (1000, backbone.size, backbone.size, 3), np.uint8)
    backbone.features(images[:64])
    start, busy = time.perf_counter(), time.process_time()
    backbone.features(images)
    rate, each = len(images) / (time.perf_counter() - start), (time.process_time() - busy) / len(images)
    scene = cv2.resize(surfaces.draw(np.random.default_rng(0)), (1600, 900), interpolation=cv2.INTER_CUBIC)
    photo = folder / "photo.png"
    cv2.imwrite(str(photo), scene)
    starts, loops = [], []
    for name in ("photos", "cifar10"):
        busy = _children()
        command = [sys.executable, SCRIPTS / "predict_static.py", photo, "--json", "--model", name]
        seconds, megabytes = measuring.start_to_answer(command, 9)
        starts.append(f"{seconds:.2f} s ({(_children() - busy) / 9:.2f} s), {megabytes:.0f} MB")
        per_second, busy = _loop(classification.load(name), scene, count)
        loops.append(f"{per_second:.0f} frames/s ({1000 * busy:.0f} ms a frame)")
    size, looked = backbone.size, f"{rate:.0f} images/s ({1000 * each:.1f} ms an image)"
    return [
        (f"features of 1,000 images of {size}x{size}", "", "≥ 100 images/s", looked),
        ("start to answer, one photo, no window", f"`cifar10` {starts[1]}", "≤ 0.6 s, ≤ 220 MB", starts[0]),
        ("webcam loop 1280x720, drawing included", f"`cifar10` {loops[1]}", "≥ 60 frames/s", loops[0]),
    ]  # fmt: skip


def _children() -> float:
    """Return the processor seconds of all programs that were started and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _loop(classifier: classification.Classifier, scene: np.ndarray, count: int) -> tuple[float, float]:
    """Return how many frames a second the webcam's loop does, and the processor seconds of one."""
    live_objects, times = live.LiveObjects(classifier, classifier.threshold(None)), []
    moving = [np.ascontiguousarray(scene[k % 90 : k % 90 + 720, k % 300 : k % 300 + 1280]) for k in range(100)]
    busy = time.process_time()
    for k in range(count):
        image = moving[k % len(moving)].copy()
        start = time.perf_counter()
        seen = live_objects.classify(frames.Frame("camera", k, image, k / 30))
        drawing.draw_objects(image, seen)
        canvas.draw_fps(image, 30)
        times.append(time.perf_counter() - start)
    return 1 / statistics.median(times), (time.process_time() - busy) / count
