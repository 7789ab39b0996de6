"""Train the network that reads digits, on MNIST seen through other hands, pens and cameras.

    python digit_recognition/train.py                          # the shipped model, models/digits.*
    python digit_recognition/train.py --architecture classic   # the network of the textbooks, models/digits_classic.*
    python digit_recognition/train.py --epochs 2               # a quick try
    python digit_recognition/train.py --extra my_digits        # with your own: my_digits/0/*.jpg to my_digits/9/*.jpg

Reads data/mnist.npz (downloaded if absent). Writes models/NAME.weights.h5, .tflite, .json, _history.png and
_confusion.png. A run that was stopped goes on where it was when it is started again with the same settings.
Measured: 99.69 % of MNIST's test set, the mean of five seeds, in nine minutes each on two cores without a GPU.
"""

import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import settings
from recognition.digits import normalisation
from recognition.models import cards, litert, store
from recognition.training import augment_digits, datasets, labelled_digits


@dataclass
class Config:
    architecture: Literal["compact", "classic"] = "compact"  # compact reads photos, classic is the textbook's network
    name: str = "digits"  # the model's name in models/; classic: digits_classic
    epochs: int = 24  # times through the training set; more helps little; classic: 15
    batch_size: int = 256  # images a step; halve it, and the learning rate, if memory runs out; classic: 128
    learning_rate: float = 0.003  # the highest of the schedule; halve it if the loss jumps; classic: 0.001
    schedule: Literal["one_cycle", "constant"] = "one_cycle"  # of the learning rate; classic: constant
    weight_decay: float = 0.02  # raise it if training accuracy runs away from validation; classic: 0
    label_smoothing: float = 0.05  # certainty taken from the right answer, 0 to 0.2; classic: 0
    no_digits: int = 8000  # shapes that are no digit; 0 trains the ten digits alone; classic: 0
    written: int = 4000  # digits in our own hand, for forms that MNIST lacks; classic: 0
    warp: float = 1.0  # how much digits are turned, slanted and bent, 0 not at all; classic: 0
    pens: float = 0.5  # share of digits seen through other pens and cameras, 0 to 1; classic: 0
    plain: float = 0.2  # share of digits left as they are, 0 to 1
    fade: float = 0.6  # how much weaker all that is at the end of training, 0 to 1: the last epochs see truer digits
    dataset: str = "mnist"  # or an .npz of your own with x_train y_train x_test y_test, images uint8 (N, 28, 28)
    extra: str | None = None  # your own digits, added: a folder with subfolders 0 to 9, or strokes of hand_tracking.py
    validation: int = 2000  # images of the training set kept for choosing; the test set chooses nothing
    refuse: float = 0.004  # share of validation digits that the threshold of "no digit" may refuse
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    output: str = str(cards.MODELS)  # folder for the model's files


CLASSIC = Config(
    "classic", "digits_classic", 15, 128, 0.001, "constant", weight_decay=0, label_smoothing=0, no_digits=0, written=0,
    warp=0, pens=0,
)  # fmt: skip


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 0, 1, "pens", "plain", "fade", "refuse", "label_smoothing")
    settings.check_range(config, 1, math.inf, "epochs", "batch_size", "validation")
    names = ("learning_rate", "weight_decay", "no_digits", "written", "warp", "seed")
    settings.check_range(config, 0, math.inf, *names)


def training_set(config: Config, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all images to train on, uint8 (N, 28, 28), and their classes, int (N,); 10 is "no digit", 11 "several"."""
    rng = np.random.default_rng(config.seed)
    parts = [(x, y)]
    if config.written:
        parts.append(augment_digits.written_digits(config.written, rng))
    if config.extra:
        parts.append(labelled_digits.load_labelled(Path(config.extra))[:2])
    if config.no_digits:
        several = config.no_digits // 3
        parts.append(
            (augment_digits.no_digits(config.no_digits, x, y, rng), np.full(config.no_digits, augment_digits.NO_DIGIT))
        )
        parts.append((augment_digits.several_digits(several, x, rng), np.full(several, augment_digits.SEVERAL)))
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels).astype(int)


def make_batch(
    config: Config, images: np.ndarray, targets: np.ndarray, epoch: int, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one batch, uint8 (B, 28, 28, 1) and float32 (B, classes), the same for the same seed, epoch and step."""
    order = np.random.default_rng([config.seed, epoch]).permutation(len(images))
    chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
    rng = np.random.default_rng([config.seed, epoch, step])
    batch = images[chosen]
    if config.warp or config.pens:
        strength = 1 - config.fade * max(0, 2 * epoch / config.epochs - 1)  # full in the first half, then less
        batch = augment_digits.warp(batch, rng, config.warp * strength, config.warp * strength)
        others = rng.random(len(batch)) < config.pens * strength
        batch[others] = augment_digits.pens(batch[others], rng)
        plain = rng.random(len(batch)) < config.plain
        batch[plain] = images[chosen[plain]]
    return batch[..., None], targets[chosen]


def measure(
    model: litert.Model, validation: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], refuse: float
) -> tuple[float, dict[str, float], np.ndarray]:
    """Return the threshold of "no digit", the numbers for the card, and what was read of the test set, int (N,).

    The threshold comes from the validation images alone: it refuses the share `refuse` of them.
    """
    (x_validation, y_validation), (x_test, y_test) = validation, test
    seen, unseen = model.predict(x_validation)[:, :10], model.predict(x_test)[:, :10]
    threshold = round(float(np.quantile(seen.max(1), refuse)), 3)
    measured = {
        "test_accuracy": (unseen.argmax(1) == y_test).mean(),
        "test_refused": (unseen.max(1) < threshold).mean(),
        "validation_accuracy": (seen.argmax(1) == y_validation).mean(),
    }
    return threshold, {key: round(float(value), 5) for key, value in measured.items()}, unseen.argmax(1)


def main(config: Config) -> None:
    if config.architecture == "classic":
        config = settings.apply_recipe(config, CLASSIC)
    check(config)
    cards.check_name(config.name)
    arrays = datasets.load_mnist() if config.dataset == "mnist" else datasets.load_split(Path(config.dataset))
    x, y, x_test, y_test = arrays
    kept, held_back = datasets.hold_back(len(x), config.validation)
    images, labels = training_set(config, x[kept], y[kept])
    steps = len(images) // config.batch_size
    if not steps:
        raise settings.UserError(f"--batch-size {config.batch_size}: there are only {len(images):,} images", 2)
    folder = Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)

    from recognition.evaluation import metrics, plots
    from recognition.networks import architectures
    from recognition.networks.backend import keras
    from recognition.training import loop  # only now: Keras takes seconds, mistakes should not

    precision = loop.choose_precision(config.precision)
    keras.utils.set_random_seed(config.seed)
    class_names = [*"0123456789", "no digit", "several digits"] if config.no_digits else [*"0123456789"]
    targets = np.eye(len(class_names), dtype=np.float32)
    model = architectures.ARCHITECTURES[config.architecture](len(class_names))
    model.summary(print_fn=settings.say)
    settings.say(f"{len(images):,} training images, {len(held_back):,} for validation, {precision}")
    one_cycle = config.schedule == "one_cycle"
    rate = loop.one_cycle(config.learning_rate, steps * config.epochs) if one_cycle else config.learning_rate
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
        keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # XLA is six times slower on processors
    )
    checkpoint = loop.Checkpoint(folder, config.name, asdict(config))
    validation = x[held_back, ..., None], targets[y[held_back]]
    make = partial(make_batch, config, images, targets[labels])
    loop.fit(model, checkpoint, make, steps, config.epochs, validation)

    card = {
        "architecture": config.architecture,
        "class_names": class_names,
        "input": "uint8 (N, 28, 28), white on black, as recognition.digits.normalise makes it",
        "preprocessing": normalisation.PREPROCESSING,
        "threshold": 0.0,
        "script": "digit_recognition/train.py",
        "dataset": {"name": Path(config.dataset).name, "sha256": datasets.sha256(arrays)},
        **loop.provenance(config, checkpoint, precision),
    }
    store.save(model, card, config.name, folder)
    saved = store.load(config.name, folder)  # what is measured is the file that everyone uses
    card["threshold"], card["measured"], read = measure(
        saved, (x[held_back], y[held_back]), (x_test, y_test), config.refuse
    )
    cards.write_card(card, config.name, folder)
    plots.plot_history(checkpoint.history, folder / f"{config.name}_history.png")
    matrix = metrics.confusion_matrix(y_test, read, 10)
    plots.plot_confusion(matrix, class_names[:10], folder / f"{config.name}_confusion.png")
    checkpoint.remove()
    print(f"{folder / config.name}: {card['measured']['test_accuracy']:.2%} of the test set, {card['seconds']} s")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
