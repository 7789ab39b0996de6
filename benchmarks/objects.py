"""Measure what docs/measured.md says of objects, each row beside its yardstick, in one run, and print its table.

    python benchmarks/objects.py                            # trains what is not yet trained: six hours on two cores
    python benchmarks/objects.py --seeds 1                  # with the shipped model alone instead of three
    python benchmarks/objects.py --only photos own speed    # some rows: see ROWS below

Reads data/ (CIFAR-10, object_photos/, object_photos_more/, object_others/, class_folders/, dogs/; where present lfw/,
orl_faces/ and digit_photos/), models/cifar10.* and models/photos.*.
Trains into output/benchmark/objects/; what is finished there is not trained again.
"""

import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import measuring
import numpy as np
import object_photos
import surfaces
from measuring import percent
from object_photos import run

from recognition import files, settings
from recognition.files import ROOT
from recognition.media import frames
from recognition.models import cards, store
from recognition.networks.backend import keras
from recognition.objects import backbones, classification
from recognition.objects.classes import CIFAR10, known_classes
from recognition.training import datasets, finish

SCRIPTS, DATA, OUTPUT = ROOT / "cifar_recognition", files.DATA, ROOT / "output" / "benchmark" / "objects"


@dataclass
class Config:
    seeds: int = 3  # trainings of the default model, the shipped one among them
    images: int = 1000  # through VGG16
    frames: int = 300  # of the webcam's loop
    only: tuple[str, ...] = ()  # rows to print, by their names in ROWS; all by default


def trained(folder: str, name: str, *arguments: object) -> dict:
    """Return the card of a training into a folder, done now unless it was finished before."""
    path = OUTPUT / folder
    if not (path / f"{name}.json").exists() or (path / f"{name}.checkpoint.json").exists():
        settings.say(f"training {folder}")
        run("train.py", "--output", path, *arguments)
    return cards.read_card(name, path)


def trained_classic() -> dict:
    """Return the card of the classic network, trained as it was published."""
    return trained("classic", "cifar10_cnn", "--architecture", "cnn", "--precision", "float32")


def training_rows(config: Config) -> list[tuple[str, str, str, str]]:
    """Return the rows of accuracy and training time."""
    classic = trained_classic()
    little = ("--epochs", 1, "--shift", 2, "--zoom", 1, "--cutout", 0)  # in so little time nothing is learned by heart
    quick = trained("quick", "cifar10", *little)
    seeds = [cards.read_card("cifar10")]
    seeds += [trained(f"seed-{seed}", "cifar10", "--seed", seed) for seed in range(1, config.seeds)]
    for seed in range(1, config.seeds):
        measuring.check_alike(OUTPUT / f"seed-{seed}", seeds[seed], seeds[0])
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
            "≥ 95.0 %, ≤ 9 MB",
            f"{statistics.mean(accuracy):.2f}{spread} % ({', '.join(f'{one:.2f}' for one in accuracy)}); "
            f"{plain:.2f} % without; {weights:.1f} MB, with the .tflite {size:.1f} MB",
        ),
        (
            "training time of that model",
            f"classic: {classic['seconds']:.0f} s in float32",
            "≤ 2 h",
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


def photo_row() -> tuple[str, str, str, str]:
    """Return the row of ordinary photos; the yardstick squeezes each into 32x32 pixels, as tutorials do."""
    model = ("--model", "cifar10")
    result = json.loads(run("evaluate.py", DATA / "object_photos", *model, "--json", "--output", OUTPUT / "photos"))
    trained_classic()
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
    run("extract_features.py", DATA / "dogs", "--name", "dogs", "--backbone", "cifar10", "--output", folder)
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


ROWS = {
    "training": lambda config, _: training_rows(config),
    "classic": lambda *_: [photo_row()],
    "none": lambda *_: [none_row(classification.load("cifar10"))],
    "dogs": lambda _, folder: [dog_row(folder)],
    "vgg16": lambda config, folder: [vgg_row(config, folder)],
    "photos": lambda *_: object_photos.photo_rows(),
    "imagenet": lambda *_: object_photos.imagenet_row(),
    "own": lambda _, folder: object_photos.own_rows(folder),
    "speed": lambda config, folder: object_photos.speed_rows(folder, config.frames),
}


def main(config: Config) -> None:
    if unknown := set(config.only) - ROWS.keys():
        raise settings.UserError(f"--only {' '.join(sorted(unknown))}: no such row: there are {' '.join(ROWS)}", 2)
    rows = []
    for name in config.only or ROWS:
        settings.say(f"row {name}")
        with tempfile.TemporaryDirectory() as folder:
            rows += ROWS[name](config, Path(folder))
    measuring.print_table(rows, finish.versions())
    if not config.only:
        OUTPUT.mkdir(parents=True, exist_ok=True)
        (OUTPUT / "objects.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
