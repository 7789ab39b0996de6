"""Measure everything that the pages in docs/ claim about digits, each row beside its yardstick, in one run.

    python benchmarks/digits.py            # prints a table of docs/measured.md; trains what is not trained yet: an hour
    python benchmarks/digits.py --seeds 1  # with one training of the default model instead of five

Reads data/ (MNIST; where present usps_train.npz, letters.npz and digit_photos/) and models/digits.*.
Trains into output/benchmark/; what is finished there is not trained again, except the two runs that are timed.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import measuring
import numpy as np

from recognition import files, settings
from recognition.digits import numbers, reader, scoring
from recognition.media import frames
from recognition.models import cards, litert, store
from recognition.models.weights import load_weights
from recognition.synthetic import pages
from recognition.training import datasets, finish, labelled_digits

SCRIPTS = files.ROOT / "digit_recognition"
OUTPUT = files.ROOT / "output" / "benchmark"
QUICK = ["--epochs", "2", "--warp", "0.4", "--pens", "0", "--no-digits", "0", "--written", "0", "--validation", "1000"]

KERAS_SCRIPT = """
import sys, cv2, numpy as np
from recognition.digits import numbers, reader
from recognition.models.cards import MODELS
from recognition.models.weights import load_weights
model = load_weights(MODELS / "digits.weights.h5", "compact", 12, "")
frame = cv2.imread(sys.argv[1])
print(numbers.text_of(reader.read_digits(frame, lambda images: model.predict(images[..., None], verbose=0), 0.5)))
"""  # the same work with Keras instead of LiteRT


@dataclass
class Config:
    seeds: int = 5  # trainings of the default model
    timing: bool = True  # time the classic and the quick training anew (nine minutes); else take the last times


def train(folder: Path, *arguments: str) -> dict:
    """Run train.py into a folder and return the model's card."""
    name = "digits_classic" if "classic" in arguments else "digits"
    command = [sys.executable, SCRIPTS / "train.py", "--name", name, "--output", folder, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return cards.read_card(name, folder)


def trained(folder: Path, name: str) -> bool:
    """Tell whether a training into the folder is finished."""
    return (folder / f"{name}.json").exists() and not (folder / f"{name}.checkpoint.json").exists()


def classic_read(frame: np.ndarray, model: litert.Model) -> str:
    """Return the digits as tutorials read them: blur, Otsu's threshold, outer contours, each stretched to 28x28."""
    gray = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    _, mask = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = [box for box in map(cv2.boundingRect, contours) if box[2] >= 5 and box[3] >= 15]
    if not boxes:
        return ""
    crops = np.stack([cv2.resize(mask[y : y + h, x : x + w], (28, 28)) for x, y, w, h in boxes])
    read = model.predict(crops).argmax(1)
    found = [numbers.Digit(int(d), 1.0, (x, y, x + w, y + h)) for d, (x, y, w, h) in zip(read, boxes, strict=True)]
    return numbers.text_of(numbers.lines_of(found), digits_only=True).replace("\n", "")


def main(config: Config) -> None:
    rows = []
    model = store.load("digits")
    threshold = model.card["threshold"]
    classic_folder = OUTPUT / "classic"
    if config.timing or not trained(OUTPUT / "quick", "digits"):
        for name in ("classic", "quick"):
            for file in (OUTPUT / name).glob("*"):
                file.unlink()
        settings.say("training the classic network, as published (float32)")
        train(classic_folder, "--architecture", "classic", "--precision", "float32")
        settings.say("training the default network, quickly")
        train(OUTPUT / "quick", *QUICK)
    quick = cards.read_card("digits", OUTPUT / "quick")
    classic = store.load("digits_classic", classic_folder)

    trainings = [model.card]
    for seed in range(1, config.seeds):
        folder = OUTPUT / f"seed-{seed}"
        done = trained(folder, "digits")
        trainings.append(cards.read_card("digits", folder) if done else train(folder, "--seed", str(seed)))
    accuracy = [100 * card["measured"]["test_accuracy"] for card in trainings]
    spread = f" ± {statistics.stdev(accuracy):.2f}" if len(accuracy) > 1 else ""
    size = (cards.MODELS / "digits.weights.h5").stat().st_size / 1e6
    rows.append((
        f"MNIST test, default model, mean of {len(accuracy)} seeds",
        f"classic {100 * classic.card['measured']['test_accuracy']:.2f} %",
        "≥ 99.70 %, ≤ 2 MB",
        f"{statistics.mean(accuracy):.2f}{spread} % ({', '.join(f'{a:.2f}' for a in accuracy)}), {size:.1f} MB",
    ))  # fmt: skip
    seconds, reference = quick["seconds"], classic.card["seconds"]
    rows.append((
        "training time to pass 99.32 % test",
        f"classic: {reference:.0f} s, {100 * classic.card['measured']['test_accuracy']:.2f} %",
        "≤ 1/10",
        f"{seconds:.0f} s (1/{reference / seconds:.1f}), {100 * quick['measured']['test_accuracy']:.2f} %",
    ))  # fmt: skip

    photos = files.DATA / "digit_photos"
    if photos.exists():
        listed = labelled_digits.load_photo_labels(photos)
        ours = scoring.score_photos(
            lambda frame: numbers.text_of(reader.read_digits(frame, model.predict, threshold)), photos, listed
        )
        theirs = scoring.score_photos(lambda frame: classic_read(frame, classic), photos, listed)
        rows.append((
            f"{ours['digits']} digits in {len(listed)} photos (1 - edit distance / digits)",
            f"classic pipeline {theirs['score']:.1%}, {theirs['exact']} photos exact",
            "≥ 98 %, ≥ 12 exact",
            f"{ours['score']:.1%}, {ours['exact']} photos exact",
        ))  # fmt: skip
    if (files.DATA / "usps_train.npz").exists():
        images, labels, *_ = labelled_digits.load_labelled(files.DATA / "usps_train.npz")
        ours, theirs = ((m.predict(images)[:, :10].argmax(1) == labels).mean() for m in (model, classic))
        rows.append(("USPS digits, never trained on", f"classic network {theirs:.1%}", "≥ 97.5 %", f"{ours:.1%}"))
    if (files.DATA / "letters.npz").exists():
        with np.load(files.DATA / "letters.npz", allow_pickle=False) as archive:
            letters = archive["x"]
        x_test = datasets.load_mnist()[2]
        taken = (model.predict(letters)[:, :10].max(1) >= threshold).mean()
        refused = (model.predict(x_test)[:, :10].max(1) < threshold).mean()
        softmax = (classic.predict(letters).max(1) > 0.5).mean()
        rows.append((
            "letters taken for digits",
            f"classic softmax above 0.5: {softmax:.1%}",
            "≤ 15 %, ≤ 1 % of MNIST test refused",
            f"{taken:.1%}, {refused:.2%} refused",
        ))  # fmt: skip

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        page = pages.Page(height=3000, width=4000, digit=180, pen=12, ruling="ruled", shadow=0.3)
        lines = [[str(digit) for digit in rng.integers(0, 10, 15)] for _ in range(8)]
        large, small = Path(folder) / "12mp.jpg", Path(folder) / "photo.png"
        cv2.imwrite(str(large), pages.write_page(lines, page, rng)[0])
        cv2.imwrite(str(small), pages.write_page([list("31415"), list("92653")], pages.Page(), rng)[0])
        ours = measuring.start_to_answer([sys.executable, SCRIPTS / "predict_static.py", small, "--json"], 9)
        theirs = measuring.start_to_answer([sys.executable, "-c", KERAS_SCRIPT, small], 3)
        rows.append((
            "start to answer, one photo, no window",
            f"with Keras: {theirs[0]:.1f} s, {theirs[1]:.0f} MB",
            "≤ 0.6 s, ≤ 160 MB",
            f"{ours[0]:.2f} s, {ours[1]:.0f} MB",
        ))  # fmt: skip
        seconds = measuring.median_seconds(
            lambda: reader.read_digits(frames.read_image(large), model.predict, threshold)
        )
        found = reader.read_digits(frames.read_image(large), model.predict, threshold)
        text = numbers.text_of(found, digits_only=True)
        right = 120 - scoring.edit_distance("\n".join(map("".join, lines)), text)
        rows.append(("12-megapixel photo with 120 digits", "", "≤ 0.7 s", f"{seconds:.2f} s ({right} of 120 right)"))

    images = rng.integers(0, 256, (100, 28, 28), np.uint8)
    keras_model = load_weights(cards.MODELS / "digits.weights.h5", "compact", len(model.class_names), "")
    single = measuring.median_seconds(lambda: keras_model.predict(images[:1, ..., None], verbose=0))
    rows.append((
        "model time for 100 digits of one frame",
        f"model.predict: {1000 * single:.0f} ms a digit",
        "≤ 5 ms",
        f"{1000 * measuring.median_seconds(lambda: model.predict(images), 51):.1f} ms",
    ))  # fmt: skip

    measuring.print_table(rows, finish.versions())
    (OUTPUT / "digits.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
