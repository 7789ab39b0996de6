"""Train the network that reads digits, on MNIST seen through other hands, pens and cameras.

    python digit_recognition/train.py                          # the shipped model, models/digits.*
    python digit_recognition/train.py --architecture pages     # the reader of whole pages, models/pages.*
    python digit_recognition/train.py --architecture classic   # the network of the textbooks, models/digits_classic.*
    python digit_recognition/train.py --extra my_digits        # with your own: my_digits/0/*.jpg to my_digits/9/*.jpg
    python digit_recognition/train.py --start digits --epochs 4 --learning-rate 0.001   # goes on from these weights

Reads data/mnist.npz (downloaded if absent). Writes models/NAME.weights.h5, .tflite, .json and two pictures. A run that
was stopped goes on when it is started again. Measured: 99.69 % of MNIST's test set (five seeds), nine minutes each.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import files, settings
from recognition.digits.normalisation import PREPROCESSING
from recognition.evaluation.metrics import confusion_matrix
from recognition.models import cards
from recognition.models.litert import Model
from recognition.training import augment_digits, datasets, labelled_digits


@dataclass
class Config:
    architecture: Literal["compact", "classic", "pages"] = "compact"  # of one digit, of the textbook, of whole pages
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
    pages: int = 30_000  # made to learn from, for --architecture pages: 100 KB each in data/page_pool
    steps: int = 400  # batches an epoch, for --architecture pages
    dataset: str = "mnist"  # or an .npz of your own with x_train y_train x_test y_test, images uint8 (N, 28, 28)
    extra: str | None = None  # your own digits, added: a folder with subfolders 0 to 9, or strokes of hand_tracking.py
    start: str | None = None  # model to begin with, instead of random weights: its name in models/, or path
    validation: int = 2000  # images of the training set kept for choosing; the test set chooses nothing
    refuse: float = 0.004  # share of validation digits that the threshold of "no digit" may refuse
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    verbose: bool = False  # show the layers of the network
    replace: bool = False  # also a model that is better, or was measured on other data; else this one gets another name
    output: str = str(cards.MODELS)  # folder for the model's files


PAGES = Config("pages", "pages", 54, 16, 0.1, "one_cycle", weight_decay=0)
CLASSIC = Config(
    "classic", "digits_classic", 15, 128, 0.001, "constant", weight_decay=0, label_smoothing=0, no_digits=0, written=0,
    warp=0, pens=0,
)  # fmt: skip


def recipe(config: Config) -> Config:
    """Return the defaults of the architecture that is wanted."""
    return {"classic": CLASSIC, "pages": PAGES}.get(config.architecture, Config())


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 0, 1, "pens", "plain", "fade", "refuse", "label_smoothing")
    settings.check_range(config, 1, math.inf, "epochs", "batch_size", "validation", "pages", "steps")
    settings.check_range(config, 0, math.inf, "learning_rate", "weight_decay", "no_digits", "written", "warp")
    cards.check_name(config.name)


def make_batch(config: Config, images: np.ndarray, targets: np.ndarray, epoch: int, step: int) -> tuple:
    """Return one batch, uint8 (B, 28, 28, 1) and float32 (B, classes), the same for the same seed, epoch and step."""
    chosen, rng = datasets.draw(config.seed, epoch, step, len(images), config.batch_size)
    strength = 1 - config.fade * max(0, 2 * epoch / config.epochs - 1)  # full in the first half, then less
    batch = augment_digits.augment(images[chosen], rng, config.warp * strength, config.pens * strength, config.plain)
    return batch[..., None], targets[chosen]


def measure(config: Config, held_back: tuple, test: tuple, model: Model, card: dict) -> np.ndarray:
    """Set the threshold of "no digit" and the numbers of the card; return the confusion matrix of the test set.

    `held_back`, `test`: images and labels. The threshold refuses a share of the images held back; `test` has no say.
    """
    seen, unseen = (model.predict(images)[:, :10] for images, _ in (held_back, test))
    card["threshold"] = round(float(np.quantile(seen.max(1), config.refuse)), 3)
    measured = {
        "test_accuracy": (unseen.argmax(1) == test[1]).mean(),
        "test_refused": (unseen.max(1) < card["threshold"]).mean(),
        "validation_accuracy": (seen.argmax(1) == held_back[1]).mean(),
    }
    card["measured"] = {key: round(float(value), 5) for key, value in measured.items()}
    return confusion_matrix(test[1], unseen.argmax(1), 10)


def main(config: Config) -> None:
    check(config)
    arrays = datasets.load(config.dataset, (28, 28))
    x, y, *test = arrays
    extra = labelled_digits.load_labelled(Path(config.extra))[:2] if config.extra else None
    files.make_folder(config.output)
    if config.architecture == "pages":
        from recognition.training.pages import fit

        saved, card = fit.train(config, arrays, extra)
        print(f"{saved}: {card['measured']['test_accuracy']:.2%} of the digits of made pages, {card['seconds']} s")
        return
    kept, held_back = datasets.hold_back(len(x), config.validation)
    rng = np.random.default_rng(config.seed)
    images, labels = augment_digits.training_set(x[kept], y[kept], extra, config.written, config.no_digits, rng)
    steps = datasets.steps_of(len(images), config.batch_size)

    from recognition.networks.architectures import DIGITS  # only now: Keras takes seconds, mistakes should not
    from recognition.networks.backend import keras
    from recognition.training import finish, loop

    precision = loop.begin(config.precision, config.seed)
    class_names = [*"0123456789", "no digit", "several digits"] if config.no_digits else [*"0123456789"]
    targets = np.eye(len(class_names), dtype=np.float32)
    model = DIGITS[config.architecture](len(class_names))
    started = loop.start_from(model, config.start)
    rate = loop.learning_rate(config.schedule, config.learning_rate, steps * config.epochs)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    settings.say(f"{len(images):,} training images, {len(held_back):,} for validation, {precision}")
    checkpoint = loop.Checkpoint(config, datasets.sha256((images, labels)))
    validation = x[held_back, ..., None], targets[y[held_back]]
    make = partial(make_batch, config, images, targets[labels])
    loop.fit(model, optimizer, loss, checkpoint, make, steps, config.epochs, validation)
    card = {
        "class_names": class_names,
        "input": "uint8 (N, 28, 28), white on black, as recognition.digits.normalisation makes it",
        "preprocessing": PREPROCESSING,
        "script": "digit_recognition/train.py",
        "dataset": {"name": Path(config.dataset).name, "sha256": datasets.sha256(arrays)},
    } | started
    measured = partial(measure, config, (x[held_back], y[held_back]), test)
    saved, card = finish.save(config, model, checkpoint, card, measured)
    print(f"{saved}: {card['measured']['test_accuracy']:.2%} of the test set, {card['seconds']} s")


if __name__ == "__main__":
    settings.run(main, Config, __doc__, recipe)
