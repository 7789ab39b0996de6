"""Measure what the pages in docs/ claim about the network of single digits, each row beside its yardstick, in one run.

    python benchmarks/digits.py            # prints a table of docs/measured.md; trains what is not trained yet: an hour
    python benchmarks/digits.py --seeds 1  # with one training of the default model instead of five

Reads data/ (MNIST; where present usps_train.npz and letters.npz) and models/digits.*. Whole pages: digit_pages.py.
Trains into output/benchmark/; what is finished there is not trained again, except the two runs that are timed.
"""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import measuring
import numpy as np

from recognition import files, settings
from recognition.models import cards, store
from recognition.models.weights import load_weights
from recognition.training import datasets, finish, labelled_digits

SCRIPTS = files.ROOT / "digit_recognition"
OUTPUT = files.ROOT / "output" / "benchmark"
QUICK = ["--epochs", "2", "--warp", "0.4", "--pens", "0", "--no-digits", "0", "--written", "0", "--validation", "1000"]


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
        measuring.check_alike(folder, trainings[-1], model.card)
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

    if (files.DATA / "usps_train.npz").exists():
        images, labels, *_ = labelled_digits.load_labelled(files.DATA / "usps_train.npz")
        ours, theirs = ((m.predict(images)[:, :10].argmax(1) == labels).mean() for m in (model, classic))
        rows.append(("USPS digits cut out, not trained on", f"classic network {theirs:.1%}", "≥ 97.5 %", f"{ours:.1%}"))
    if (files.DATA / "letters.npz").exists():
        with np.load(files.DATA / "letters.npz", allow_pickle=False) as archive:
            letters = archive["x"]
        x_test = datasets.load_mnist()[2]
        taken = (model.predict(letters)[:, :10].max(1) >= threshold).mean()
        refused = (model.predict(x_test)[:, :10].max(1) < threshold).mean()
        softmax = (classic.predict(letters).max(1) > 0.5).mean()
        rows.append((
            "letters cut out, taken for digits",
            f"classic softmax above 0.5: {softmax:.1%}",
            "≤ 15 %, ≤ 1 % of MNIST test refused",
            f"{taken:.1%}, {refused:.2%} refused",
        ))  # fmt: skip

    images = np.random.default_rng(0).integers(0, 256, (100, 28, 28), np.uint8)
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
