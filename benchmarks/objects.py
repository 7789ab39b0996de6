"""Measure what docs/measured.md says of objects, each row beside its yardstick, in one run, and print its table.

    python benchmarks/objects.py              # trains what is not yet trained: two hours on two cores
    python benchmarks/objects.py --seeds 1    # with the shipped model alone instead of three

Reads data/ (CIFAR-10; where present object_photos/, dogs/, lfw/, orl_faces/ and digit_photos/) and models/cifar10.*.
Trains into output/benchmark/objects/; what is finished there is not trained again.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import measuring
import numpy as np
import surfaces
from measuring import percent

from recognition import files, settings
from recognition.files import ROOT
from recognition.media import canvas, frames
from recognition.models import cards, store
from recognition.networks.backend import keras
from recognition.objects import backbones, classification, drawing, live
from recognition.objects.classes import CIFAR10, known_classes
from recognition.training import datasets, finish

SCRIPTS, DATA, OUTPUT = ROOT / "cifar_recognition", files.DATA, ROOT / "output" / "benchmark" / "objects"
KERAS_SCRIPT = """
import sys, cv2
from recognition.objects.classes import CIFAR10
from recognition.objects.crops import crop_views
from recognition.models.cards import MODELS
from recognition.models.weights import load_weights
model = load_weights(MODELS / "cifar10.weights.h5", "fast", 10)
crops = crop_views(cv2.imread(sys.argv[1]), 32)
print(CIFAR10[model.predict(crops, verbose=0).mean(0).argmax()])
"""  # the same work with Keras instead of LiteRT


@dataclass
class Config:
    seeds: int = 3  # trainings of the default model, the shipped one among them
    images: int = 1000  # through VGG16
    frames: int = 300  # of the webcam's loop


def run(script: str, *arguments: object) -> str:
    """Run a script of the project and return what it printed."""
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def trained(folder: str, name: str, *arguments: object) -> dict:
    """Return the card of a training into a folder, done now unless it was finished before."""
    path = OUTPUT / folder
    if not (path / f"{name}.json").exists() or (path / f"{name}.checkpoint.json").exists():
        settings.say(f"training {folder}")
        run("train.py", "--output", path, *arguments)
    return cards.read_card(name, path)


def training_rows(config: Config) -> list[tuple[str, str, str, str]]:
    """Return the rows of accuracy and training time."""
    classic = trained("classic", "cifar10_cnn", "--architecture", "cnn", "--precision", "float32")
    little = ("--epochs", 1, "--shift", 2, "--zoom", 1, "--cutout", 0)  # in so little time nothing is learned by heart
    quick = trained("quick", "cifar10", *little)
    seeds = [cards.read_card("cifar10")]
    seeds += [trained(f"seed-{seed}", "cifar10", "--seed", seed) for seed in range(1, config.seeds)]
    accuracy = [100 * card["measured"]["test_accuracy"] for card in seeds]
    plain = statistics.mean(100 * card["measured"]["test_accuracy_plain"] for card in seeds)
    seconds = [card["seconds"] for card in seeds]
    spread = f" ± {statistics.stdev(accuracy):.2f}" if len(accuracy) > 1 else ""
    size = sum((cards.MODELS / f"cifar10.{end}").stat().st_size for end in ("weights.h5", "tflite")) / 1e6
    weights = (cards.MODELS / "cifar10.weights.h5").stat().st_size / 1e6
    reached = classic["measured"]["test_accuracy_plain"]
    return [
        (
            f"CIFAR-10 test, default model, mean of {len(seeds)} seeds, with mirror images",
            f"classic `cnn`, 20 epochs: {percent(reached)}",
            "≥ 94.0 %, ≤ 9 MB",
            f"{statistics.mean(accuracy):.2f}{spread} % ({', '.join(f'{one:.2f}' for one in accuracy)}); "
            f"{plain:.2f} % without; {weights:.1f} MB, with the .tflite {size:.1f} MB",
        ),
        (
            "training time of that model",
            f"classic: {classic['seconds']:.0f} s in float32",
            "≤ 35 min",
            f"{statistics.median(seconds) / 60:.0f} min, {seeds[0]['settings']['epochs']} epochs "
            f"({', '.join(f'{one / 60:.0f}' for one in seconds)})",
        ),
        (
            "training time to pass the classic network",
            f"classic: {classic['seconds']:.0f} s, {percent(reached)}",
            "≤ 1/5",
            f"{quick['seconds']:.0f} s (1/{classic['seconds'] / quick['seconds']:.1f}), "
            f"{percent(quick['measured']['test_accuracy_plain'])} without mirror images",
        ),
    ]


def photo_row(classifier: classification.Classifier) -> tuple[str, str, str, str]:
    """Return the row of ordinary photos; the yardstick squeezes each into 32x32 pixels, as tutorials do."""
    result = json.loads(run("evaluate.py", DATA / "object_photos", "--json", "--output", OUTPUT / "photos"))
    classic = store.load("cifar10_cnn", OUTPUT / "classic")
    source = frames.FrameSource([str(path) for path in sorted((DATA / "object_photos").iterdir())])
    squeezed, true = [], []
    for photo in source:
        squeezed.append(cv2.cvtColor(cv2.resize(photo.image, (32, 32)), cv2.COLOR_BGR2RGB))
        true.append(CIFAR10.index(Path(photo.source).parent.name))
    theirs = (classic.predict(np.stack(squeezed)).argmax(1) == true).mean()
    return (
        f"{result['images']} ordinary photos of the ten classes",
        f"classic `cnn`, photos squeezed: {percent(theirs)}",
        "≥ 94 % right, all among the first three",
        f"{percent(result['accuracy'])} right, {percent(result['top_3'])} among the first three",
    )


def none_row(classifier: classification.Classifier) -> tuple[str, str, str, str]:
    """Return the row of "none of these"; the yardstick refuses where the best probability is low, as often."""
    rng = np.random.default_rng(0)
    x_test = datasets.load_cifar10()[2]
    kinds = {"drawn surfaces": [surfaces.draw(rng) for _ in range(100)]}
    lists = {"LFW": "lfw/*/*.jpg", "ORL": "orl_faces/*/*.pgm", "digit photos": "digit_photos/*.[jp][pn]g"}
    for name, pattern in lists.items():
        paths = sorted(DATA.glob(pattern))
        few = [paths[k] for k in rng.permutation(len(paths))[:200]]
        if few:
            kinds[name] = [frames.read_image(path) for path in few]
    known = classification.predict_both(classifier, x_test).mean(0)
    names = len(known_classes(classifier.class_names))
    seen = {
        kind: np.array([classification.mean(image, classifier) for image in images]) for kind, images in kinds.items()
    }
    least = classifier.threshold(None)
    refused = (classification.fit(known, classifier.class_names) < least).mean()
    limit = np.quantile(known[:, :names].max(1), refused)
    ours = {kind: (classification.fit(rows, classifier.class_names) < least).mean() for kind, rows in seen.items()}
    theirs = {kind: (rows[:, :names].max(1) < limit).mean() for kind, rows in seen.items()}
    return (
        '"none of these"',
        "best probability: " + ", ".join(f"{kind} {share:.0%}" for kind, share in theirs.items()),
        "≥ 80 % refused, ≤ 10 % of CIFAR-10 test",
        ", ".join(f"{kind} {share:.0%}" for kind, share in ours.items()) + f"; {refused:.1%} of CIFAR-10 test",
    )


def dog_row(folder: Path) -> tuple[str, str, str, str]:
    """Return the row of dogs; the yardstick is the share of the larger class."""
    run("extract_features.py", DATA / "dogs", "--name", "dogs", "--output", folder)
    run("train_transfer.py", "dogs", "--features", folder, "--output", folder)
    measured = cards.read_card("dogs", folder)["measured"]
    rows = measured["per_class"]
    largest = max(row["count"] for row in rows) / sum(row["count"] for row in rows)
    return (
        f"dog / not dog, {sum(row['count'] for row in rows)} images, backbone `cifar10`, {measured['by']}",
        f"always the larger class: {percent(largest)}",
        "≥ 88 %",
        f"{percent(measured['validation_accuracy'])} ± {100 * measured['spread']:.1f} between folds",
    )


def vgg_row(config: Config, folder: Path) -> tuple[str, str, str, str]:
    """Return the row of VGG16's speed, with random weights in a file of the published layout."""
    keras.utils.set_random_seed(0)
    theirs = keras.applications.VGG16(include_top=False, weights=None, input_shape=(64, 64, 3), pooling="avg")
    weights = folder / "vgg16.weights.h5"
    theirs.save_weights(weights)
    ours = backbones.load("vgg16", weights, 64, published=folder)
    images = np.random.default_rng(0).integers(0, 256, (config.images, 64, 64, 3), np.uint8)
    few = keras.applications.vgg16.preprocess_input(images[:50].astype(np.float32))
    theirs.predict(few[:1], verbose=0)
    start = time.perf_counter()
    single = np.concatenate([theirs.predict(image[None], verbose=0) for image in few])
    slow = len(few) / (time.perf_counter() - start)
    ours.features(images[:64])
    start = time.perf_counter()
    found = ours.features(images)
    fast = len(images) / (time.perf_counter() - start)
    difference = np.abs(found[: len(few)] - single).max() / np.abs(single).max()
    return (
        f"features of {len(images):,} images 64x64 through VGG16 (random weights)",
        f"Keras `predict`, one by one: {slow:.1f} images/s",
        "≥ 5x, same to 1e-3",
        f"{fast:.0f} images/s ({fast / slow:.1f}x), largest relative difference {difference:.0e}",
    )


def speed_rows(config: Config, classifier: classification.Classifier, folder: Path) -> list[tuple[str, str, str, str]]:
    """Return the rows of start to answer and of the webcam's loop, with the drawing."""
    rng = np.random.default_rng(0)
    scene = cv2.resize(surfaces.draw(rng), (1600, 900), interpolation=cv2.INTER_CUBIC)
    photo = folder / "photo.png"
    cv2.imwrite(str(photo), scene)
    ours = measuring.start_to_answer([sys.executable, SCRIPTS / "predict_static.py", photo, "--json"], 9)
    theirs = measuring.start_to_answer([sys.executable, "-c", KERAS_SCRIPT, photo], 3)
    live_objects = live.LiveObjects(classifier, classifier.threshold(None))
    moving = [np.ascontiguousarray(scene[k % 90 : k % 90 + 720, k % 300 : k % 300 + 1280]) for k in range(100)]
    times = []
    for k in range(config.frames):
        image = moving[k % len(moving)].copy()
        start = time.perf_counter()
        seen = live_objects.classify(frames.Frame("camera", k, image, k / 30))
        drawing.draw_objects(image, seen)
        canvas.draw_fps(image, 30)
        times.append(time.perf_counter() - start)
    return [
        (
            "start to answer, one photo, no window",
            f"with Keras: {theirs[0]:.1f} s, {theirs[1]:.0f} MB",
            "≤ 0.6 s, ≤ 200 MB",
            f"{ours[0]:.2f} s, {ours[1]:.0f} MB",
        ),
        ("webcam loop 1280x720, drawing included", "", "≥ 40 frames/s", f"{1 / statistics.mean(times):.0f} frames/s"),
    ]


def main(config: Config) -> None:
    rows = training_rows(config)
    classifier = classification.load("cifar10")
    if (DATA / "object_photos").exists():
        rows.append(photo_row(classifier))
    rows.append(none_row(classifier))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if (DATA / "dogs").exists():
            rows.append(dog_row(folder))
        rows.append(vgg_row(config, folder))
        rows += speed_rows(config, classifier, folder)
    measuring.print_table(rows, finish.versions())
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "objects.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
