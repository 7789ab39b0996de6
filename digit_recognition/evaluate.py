"""Measure how well a model reads digits, and show where it errs.

    python digit_recognition/evaluate.py                        # the MNIST test set
    python digit_recognition/evaluate.py data/usps_train.npz    # any .npz with x (N, H, W) uint8 and y (N,)
    python digit_recognition/evaluate.py my_digits              # a folder with subfolders 0 to 9, one digit an image
    python digit_recognition/evaluate.py data/digit_photos      # photos of many digits, listed in labels.json
    python digit_recognition/evaluate.py mine.jsonl             # strokes that hand_tracking.py saved
    python digit_recognition/evaluate.py --json                 # the numbers as one JSON object on stdout

labels.json is {"photo.jpg": {"digits": "the digits in reading order"}, ...}; "digits": "" is a page without any. What
else it may say of a photo: "kind": "form", which kinds are told apart by (else by names up to the first "_");
"numbers": ["12", "3.50"], in any order; "handwritten": true, print is no digit here; "note": "SCATTERED", in no order.
Reads models/NAME.*; writes confusion.png, wrong.png (the surest mistakes) and samples.png to --output.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from recognition import files, settings
from recognition.digits import crops, numbers, reader, scoring
from recognition.evaluation import plots
from recognition.evaluation.metrics import confusion_matrix, per_class, print_classes
from recognition.evaluation.sheets import save_sheet
from recognition.models import litert
from recognition.training import datasets, labelled_digits


@dataclass
class Config:
    data: Annotated[str, tyro.conf.Positional] = "mnist"  # "mnist" (its test set), an .npz, a .jsonl, or a folder
    model: str | None = None  # name of a model in models/; by default pages for photos of many digits, else digits
    threshold: float | None = None  # least confidence of a digit, 0 to 1; the model's own by default
    handwritten: bool = False  # leave printed digits out of photos of many digits
    output: Path = Path("output/evaluate")  # folder for the figures
    json: bool = False  # print JSON instead of a table
    show: bool = True  # open the figures in windows where there is a display
    seed: int = 0  # which random samples to show


def evaluate_images(images: np.ndarray, labels: np.ndarray, model: litert.Model, threshold: float) -> dict:
    """Return loss, accuracy and refused share of uint8 (N, 28, 28), with what was read of each and how surely."""
    probabilities = model.predict(images)[:, :10]
    read, confidence = probabilities.argmax(1), probabilities.max(1)
    right = probabilities[np.arange(len(labels)), labels]
    matrix = confusion_matrix(labels, read, 10)
    return {
        "images": len(images),
        "loss": float(-np.log(np.maximum(right, 1e-7)).mean()),
        "accuracy": float((read == labels).mean()),
        "refused": float((confidence < threshold).mean()),
        "classes": {str(digit): row for digit, row in enumerate(per_class(matrix))},
        "matrix": matrix,
        "read": read,
        "confidence": confidence,
    }


def evaluate_photos(config: Config, labels: dict[str, dict]) -> int:
    """Print how well photos of many digits are read, each of them, each kind, and all together."""
    model = reader.load(config.model or "pages")
    threshold = model.threshold(config.threshold)

    def read(frame: np.ndarray, handwritten: bool) -> str:
        return numbers.text_of(reader.read_page(frame, model, threshold, handwritten)[0])

    result = scoring.score_photos(read, Path(config.data), labels, config.handwritten)
    if config.json:
        print(json.dumps(result))
        return bool(result["failed"])
    for photo in result["photos"]:
        mark = "ok   " if photo["edit_distance"] == 0 else "wrong"
        print(f"{mark} {photo['photo']}: {photo['digits'] or 'no digit'}, read {photo['read'] or 'nothing'}")
    if len(result["kinds"]) > 1:
        for kind, row in result["kinds"].items():
            print(f"{kind}: {scoring.describe(row)}")
    print(scoring.describe(result))
    return bool(result["failed"])


def main(config: Config) -> int:
    files.make_folder(config.output)
    labels_of_photos = None if config.data == "mnist" else labelled_digits.load_photo_labels(Path(config.data))
    if labels_of_photos is not None:
        return evaluate_photos(config, labels_of_photos)
    model = crops.load(config.model or "digits")
    threshold = model.threshold(config.threshold)
    if config.data == "mnist":
        images, labels = datasets.load_mnist()[2:]
        names, failed = [f"test[{i}]" for i in range(len(images))], []
    else:
        images, labels, names, failed = labelled_digits.load_labelled(Path(config.data))
    result = evaluate_images(images, labels, model, threshold)
    matrix, read, confidence = (result.pop(key) for key in ("matrix", "read", "confidence"))
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-confidence[wrong])]

    figures = [config.output / "confusion.png", config.output / "samples.png"]
    plots.plot_confusion(matrix, [*"0123456789"], figures[0])
    some = np.random.default_rng(config.seed).permutation(len(images))[:50]
    titles = [f"{read[i]} ({confidence[i]:.0%})" for i in some]
    save_sheet(images[some], titles, figures[1], wrong=read[some] != labels[some])
    (config.output / "wrong.png").unlink(missing_ok=True)  # of before
    if len(wrong):
        figures.append(config.output / "wrong.png")
        titles = [f"{labels[i]} read {read[i]}\n{confidence[i]:.0%}" for i in wrong[:50]]
        save_sheet(images[wrong[:50]], titles, figures[2])
    if config.json:
        print(json.dumps(result | {"most_confidently_wrong": [names[i] for i in wrong[:50]]}))
        return bool(failed)
    print_classes(result["classes"])
    print(
        f"accuracy {result['accuracy']:.2%}   loss {result['loss']:.4f}   "
        f"refused as no digit {result['refused']:.2%}   ({len(images):,} images)"
    )
    if config.show:
        plots.show(figures)
    return bool(failed)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
