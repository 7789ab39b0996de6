"""Train a network that recognises your people, for `--recognizer cnn` of the other scripts.

    python face_recognition/train.py                              # the people in data/faces, into models/faces.*
    python face_recognition/train.py --faces data/orl_faces       # any folder with a subfolder of photos a person
    python face_recognition/train.py --strangers data/strangers   # with photos of people whom it must refuse
    python face_recognition/train.py --epochs 3                   # a quick try
    python face_recognition/train.py --architecture embedding             # dlib's descriptor with a head for them
    python face_recognition/train.py --architecture embedding --unfreeze  # its last block learns to know them, too

Reads the photos FOLDER/NAME/*; writes models/NAME.weights.h5, .tflite, .json, _history.png and _confusion.png, which
stay on this machine (git ignores them) and can be read by your user alone. A run that was stopped goes on when it is
started again with the same settings and photos. Train again when people or photos were added.
Measured on ORL by benchmarks/faces.py, 40 people, five photos each, 87 seconds on two cores: of five others 99.0 % are
nearest to the right person, 93.0 % named. The embedding: 11 seconds (unfrozen 48), 100 % nearest, 100 (99.5) % named.
"""

import math
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import files, settings
from recognition.embeddings import dlib_embedder, dlib_weights
from recognition.faces import detection
from recognition.faces.crops import FORMS, with_channels
from recognition.models import cards
from recognition.training import augment_faces
from recognition.training.face_photos import hold_back, load_photos, load_strangers


@dataclass
class Config:
    faces: str = str(files.ROOT / "data" / "faces")  # folder with a subfolder of photos for every person
    strangers: str | None = None  # folder of photos of other people, in subfolders or not: fewer strangers get a name
    architecture: Literal["faces", "embedding"] = "faces"  # small and new; or dlib's descriptor, which knows faces
    unfreeze: bool = False  # embedding: train its last block, too
    name: str = "faces"  # the model's name in models/
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # auto is yunet, or hog where yunet cannot be had
    epochs: int = 24  # more helps little; embedding: 0, there is nothing to train, or 6 with --unfreeze
    views: int = 2000  # pictures an epoch, each a photo seen in another way; everybody is seen equally often
    batch_size: int = 32  # pictures a step; halve it, and the learning rate, if memory runs out
    learning_rate: float = 0.002  # the highest of the schedule; halve it if the loss jumps; embedding: 0.0001
    weight_decay: float = 0.02  # raise it if training accuracy runs away from validation
    label_smoothing: float = 0.05  # certainty taken from the right answer, 0 to 0.2
    scale: float = 16.0  # of the cosines before the softmax; lower it if the loss stays high
    margin: float = 0.2  # by how much the right person's cosine has to win; 0 is a plain softmax
    fill: int = 40  # fewer people are filled up to so many with invented ones: telling them apart teaches to refuse
    strength: float = 1.0  # how much views differ from their photo, 0 not at all
    validation: float = 0.2  # share of each person's photos kept to choose and measure; from three photos on
    threshold: float = 0.7  # least likeness of a named face, 0 to 1, unless --strangers set it; embedding: 0.65 or 0.5
    accept: float = 0.01  # share of the --strangers that may get a name; less, and more known faces stay unknown
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    replace: bool = False  # also a model that is better, or was measured on other data; else this one gets another name
    output: str = str(cards.MODELS)  # folder for the model's files


HEAD = Config(epochs=0, threshold=0.65, precision="float32")
LAST_BLOCK = replace(HEAD, epochs=6, learning_rate=0.0001, threshold=0.5)


def recipe(config: Config) -> Config:
    """Return the defaults of what is wanted."""
    embedding = LAST_BLOCK if config.unfreeze else HEAD
    return embedding if config.architecture == "embedding" else Config()


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    if config.unfreeze and config.architecture != "embedding":
        raise settings.UserError("--unfreeze has no effect: it goes with --architecture embedding", 2)
    if config.architecture == "embedding" and config.epochs and not config.unfreeze:
        raise settings.UserError(f"--epochs {config.epochs} has no effect: only --unfreeze trains for some time", 2)
    settings.check_range(config, 0, 1, "validation", "threshold", "accept", "label_smoothing", "margin")
    settings.check_range(config, 1, math.inf, *["epochs"] * needs_training(config), "views", "batch_size", "scale")
    settings.check_range(config, 0, math.inf, "learning_rate", "weight_decay", "fill", "strength", "seed")
    cards.check_name(config.name)


def make_batch(config: Config, crops: np.ndarray, labels: np.ndarray, targets: np.ndarray, epoch, step) -> tuple:
    """Return one batch, uint8 (B, H, W, C) and float32 (B, people), the same for the same seed, epoch and step."""
    rng = np.random.default_rng([config.seed, epoch, step])
    people = np.arange(step * config.batch_size, (step + 1) * config.batch_size) % len(targets)
    people = np.random.default_rng([config.seed, epoch]).permutation(len(targets))[people]
    chosen = [rng.choice(np.flatnonzero(labels == person)) for person in people]
    return with_channels(augment_faces.augment(crops[chosen], rng, config.strength)), targets[people]


def needs_training(config: Config) -> bool:
    """Tell whether there is more to learn than the directions of people, which face_head.finish computes."""
    return config.architecture == "faces" or config.unfreeze


def main(config: Config) -> int:
    check(config)
    files.make_folder(config.output, private=True)
    form = FORMS[config.architecture]
    if config.architecture == "embedding":
        dlib_weights.check(dlib_embedder.descriptor_file())
    detector = detection.load_detector(config.detector)
    photos = load_photos(Path(config.faces), detector, form, augment_faces.MARGIN)
    people = len(photos.names)
    if people < 2:
        raise settings.UserError(f"{config.faces}: only {photos.names[0]}: the cnn needs at least two people", 2)
    strangers = load_strangers(Path(config.strangers), detector, form) if config.strangers else None
    kept, validation, where = hold_back(photos, config.validation)
    crops, labels = photos.crops[kept], photos.labels[kept]

    from recognition.networks.backend import keras  # only now: Keras takes seconds, mistakes should not
    from recognition.training import face_head, finish, loop

    precision = loop.begin(config.precision, config.seed, private=True)
    counts = f"{len(kept)} photos to train on, {len(photos.labels) - len(kept)} for validation"
    settings.say(f"{people} people, {counts}, {precision}")
    checkpoint = loop.Checkpoint(config, photos.sha256)
    targets = np.eye(max(people, config.fill if needs_training(config) else 0), dtype=np.float32)
    model = face_head.start(config.architecture, len(targets))
    if needs_training(config):
        crops, labels = augment_faces.fill_up(crops, labels, len(targets), np.random.default_rng(config.seed))
        steps = math.ceil(max(config.views, 20 * len(targets)) / config.batch_size)  # many people need more
        rate = loop.learning_rate("one_cycle", config.learning_rate, steps * config.epochs)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
        loss = loop.MarginLoss(config.scale, config.margin, config.label_smoothing)
        make = partial(make_batch, config, crops, labels, targets)
        views = with_channels(validation[0]), targets[validation[1]]
        loop.fit(model, optimizer, loss, checkpoint, make, steps, config.epochs, views)
    begun = time.monotonic()
    classifier = face_head.finish(model, photos.crops[kept], photos.labels[kept])
    checkpoint.seconds += time.monotonic() - begun
    card = {
        "class_names": photos.names,
        "input": "faces as recognition.faces.crops makes them",
        "output": "the likeness of the face and each person, to 1",
        "preprocessing": str(form),
        "script": "face_recognition/train.py",
        "dataset": {"name": Path(config.faces).name, "photos": len(photos.labels), "sha256": photos.sha256},
        "detector": detector.name,
    }
    measure = partial(face_head.measure, *validation, strangers, config.threshold, config.accept)
    saved, card = finish.save(config, classifier, checkpoint, card, measure)
    print(f"{saved}: {card['measured']['validation_accuracy']:.2%} of the {where}, {card['seconds']} s")
    return bool(photos.skipped)


if __name__ == "__main__":
    settings.run(main, Config, __doc__, recipe)
