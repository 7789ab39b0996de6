"""Measure how well a model tells objects apart, show where it errs and whether it knows when it does.

    python cifar_recognition/evaluate.py                          # the CIFAR-10 test set
    python cifar_recognition/evaluate.py data/object_photos       # photos of any size, FOLDER/CLASS/*
    python cifar_recognition/evaluate.py others --model dogs      # a model of your own, by train_transfer.py
    python cifar_recognition/evaluate.py --json                   # the numbers as one JSON object on stdout

Every image counts as predict_static.py sees it: what the model says is averaged over several crops of a photo, an image
of the test set being one, and their mirror images. A folder "none of these" holds photos that the model should refuse.
Reads models/NAME.*; writes confusion.png, reliability.png and wrong.png (the surest mistakes) to --output.
Exit code: 0 all images were used, 1 some could not be used (the others were), 2 wrong usage.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from recognition import files, progress, settings
from recognition.evaluation import calibration, plots
from recognition.evaluation.metrics import confusion_matrix, per_class, print_classes, trust, trust_text
from recognition.evaluation.sheets import save_sheet
from recognition.media import frames
from recognition.objects import class_folders, classification
from recognition.objects.classes import CIFAR10, NONE, known_classes
from recognition.training import datasets

WORST = 50  # mistakes shown


@dataclass
class Config:
    data: Annotated[str, tyro.conf.Positional] = "cifar10"  # "cifar10" (its test set), or a folder FOLDER/CLASS/*
    model: str = "auto"  # auto: photos for a folder, cifar10 for its test set; imagenet, or one of your own
    threshold: float | None = None  # least fit of an object, 0 to 1; the model's own by default
    output: Path = Path("output/evaluate")  # folder for the figures
    json: bool = False  # print JSON instead of a table
    show: bool = True  # open the figures in windows where there is a display


def find_photos(folder: Path, class_names: list[str]) -> dict[str, int]:
    """Return the photos of FOLDER/CLASS/*, each with its label; len(class_names) is that of "none of these".

    Raises UserError for a folder that is named as no class of the model.
    """
    classes = class_folders.scan(folder)
    labels = {name: k for k, name in enumerate([*class_names, NONE])}
    foreign = [name for name in classes.files if name not in labels]
    if foreign:
        found, known = (class_folders.shorten(names, 12) for names in (foreign, class_names))
        inner = [folder / name for name in foreign if any((folder / name / one).is_dir() for one in labels)]
        hint = f"did you mean {inner[0]}?" if inner else f"the model knows {known}"
        raise settings.UserError(f"{folder}: holds folders {found}, which are no classes: {hint}", 2)
    return {str(folder / file): labels[name] for name, files in classes.files.items() for file in files}


def leave_out_ambiguous(photos: dict[str, int], hashes: dict[str, str | None]) -> dict[str, int]:
    """Return photos without those whose very same image lies in another class, too, and say which."""
    where: dict[str, dict[int, str]] = {}
    for path, label in photos.items():
        where.setdefault(hashes[path] or path, {}).setdefault(label, path)
    several = {digest: same for digest, same in where.items() if len(same) > 1}
    for same in several.values():
        settings.say(f"error: {' and '.join(same.values())}: one image in {len(same)} classes: left out, keep one")
    return {path: label for path, label in photos.items() if hashes[path] not in several}


def leave_out_learned(photos: dict[str, int], hashes: dict, card: dict, model: str) -> dict[str, int]:
    """Return photos without those that a model was trained on: what is known by heart proves nothing."""
    learned = set(card.get("dataset", {}).get("hashes", []))
    kept = {path: label for path, label in photos.items() if hashes[path] not in learned}
    if not kept:
        raise settings.UserError(f"{model} was trained on all of these {len(photos):,} images: name others", 2)
    if len(kept) < len(photos):
        left = len(photos) - len(kept)
        settings.say(f"{model} was trained on {left:,} of these {len(photos):,} images: they are left out")
    return kept


def _hash(path: str) -> str | None:
    try:
        return files.sha256(files.read_bytes(Path(path)))[: class_folders.HASHED]
    except (settings.UserError, OSError):
        return None  # whoever reads it says why it cannot be read


def predict_photos(source: frames.FrameSource, classifier: classification.Classifier) -> tuple[np.ndarray, list[str]]:
    """Return the mean probabilities of every photo's crops, float32 (N, classes), and the photos' files."""
    seen = [
        (classification.mean(photo.image, classifier), photo.source)
        for photo in progress.watched(source, None, "photo")
    ]
    return np.array([probabilities for probabilities, _ in seen]), [path for _, path in seen]


def score(
    probabilities: np.ndarray, fits: np.ndarray, labels: np.ndarray, class_names: list[str], threshold: float
) -> dict:
    """Return the numbers of what was predicted, float32 (N, C) of the named classes, against what is true, int (N,).

    `fits`: how well each image fits the classes, float32 (N,). A label of C, "none of these", asks for refusal alone.
    """
    named, refused = labels < len(class_names), fits < threshold
    others = {"images": int((~named).sum()), "refused": float(refused[~named].mean())} if not named.all() else None
    probabilities, labels, refused = probabilities[named], labels[named], refused[named]
    confidence, order = probabilities.max(1), np.argsort(-probabilities, axis=1, kind="stable")
    right = order[:, 0] == labels
    matrix = confusion_matrix(labels, order[:, 0], len(class_names))
    return {
        "images": len(labels),
        "accuracy": float(right.mean()),
        **trust(matrix),
        "top_3": float((order[:, :3] == labels[:, None]).any(1).mean()),
        "refused": float(refused.mean()),
        "accuracy_if_refusing_is_wrong": float((right & ~refused).mean()),
        "none_of_these": others,
        "threshold": threshold,
        "loss": float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-7)).mean()),
        "confidence": float(confidence.mean()),
        "calibration_error": calibration.error(confidence, right),
        "classes": dict(zip(class_names, per_class(matrix), strict=True)),
        "matrix": matrix.tolist(),
    }


def print_table(result: dict) -> None:
    """Print the numbers for a person."""
    print_classes(result["classes"])
    alone = result["accuracy_without_mirror_images"]
    how = "crops and mirror images averaged" if alone is None else f"mirror images averaged; {alone:.2%} without"
    print(f"accuracy {result['accuracy']:.2%} ({how})   right among the first three {result['top_3']:.2%}")
    print(trust_text(result))
    print(
        f'refused as "none of these" {result["refused"]:.2%}   '
        f"accuracy where that counts as wrong {result['accuracy_if_refusing_is_wrong']:.2%}"
    )
    print(
        f"mean confidence {result['confidence']:.2%}   calibration error {result['calibration_error']:.2%}   "
        f"loss {result['loss']:.4f}   ({result['images']:,} images)"
    )
    if others := result["none_of_these"]:
        print(f"of {others['images']:,} images of nothing that the model knows {others['refused']:.2%} refused")


def main(config: Config) -> int:
    if config.model == "auto":
        config.model = classification.SMALL if config.data == "cifar10" else classification.PHOTOS
    classifier = classification.load(config.model)
    threshold = classifier.threshold(config.threshold)
    names = known_classes(classifier.class_names)
    files.make_folder(config.output)
    alone, failed = None, []
    if config.data == "cifar10":
        if tuple(names) != CIFAR10 or classifier.size != 32:
            known = class_folders.shorten(names, 12)
            raise settings.UserError(f"--model {config.model} knows {known}: name a folder FOLDER/CLASS/*", 2)
        images, labels = datasets.load_cifar10()[2:]
        both = classification.predict_both(classifier, images)
        alone, seen = float((both[0, :, : len(names)].argmax(1) == labels).mean()), both.mean(0)
        paths = [f"test[{i}]" for i in range(len(images))]
    else:
        found = find_photos(Path(config.data), names)
        hashes = {path: _hash(path) for path in found}
        photos = leave_out_ambiguous(found, hashes)
        failed = [path for path in found if path not in photos]
        photos = leave_out_learned(photos, hashes, classifier.card, config.model)
        source = frames.FrameSource(list(photos))
        seen, paths = predict_photos(source, classifier)
        labels, failed = np.array([photos[path] for path in paths], int), failed + source.failed
        if not (labels < len(names)).any():
            raise settings.UserError(f"{config.data}: no image of a class that can be used: put some into FOLDER/CLASS")
    probabilities, fits = seen[:, : len(names)], classification.fit(seen, classifier.class_names)
    result = score(probabilities, fits, labels, names, threshold)
    read, confidence, named = probabilities.argmax(1), probabilities.max(1), labels < len(names)
    wrong = np.flatnonzero(named & (read != labels))
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:WORST]
    result |= {"accuracy_without_mirror_images": alone, "most_confidently_wrong": [paths[i] for i in wrong]}

    figures = [config.output / "confusion.png", config.output / "reliability.png"]
    plots.plot_confusion(np.array(result["matrix"]), names, figures[0])
    calibration.plot(confidence[named], (read == labels)[named], figures[1])
    (config.output / "wrong.png").unlink(missing_ok=True)  # of before
    if len(wrong):
        figures.append(config.output / "wrong.png")
        shown = [frames.read_image(Path(paths[i])) if alone is None else images[i, :, :, ::-1] for i in wrong]
        titles = [f"{names[labels[i]]}\nread {names[read[i]]}\n{confidence[i]:.0%}" for i in wrong]
        save_sheet(shown, titles, figures[-1])
    if config.json:
        print(json.dumps(result | {"failed": failed}))
        return bool(failed)
    print_table(result)
    if config.show:
        plots.show(figures)
    return bool(failed)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
