"""Train the network `cnn` that recognises your people: their faces cropped, gray, 200x200, and seen in other lights.

    python face_recognition/train.py                              # the people in data/faces, into models/faces.*
    python face_recognition/train.py --faces data/orl_faces       # any folder with a subfolder of photos a person
    python face_recognition/train.py --strangers data/strangers   # with photos of people whom it must refuse
    python face_recognition/train.py --epochs 3                   # a quick try

Reads the photos FOLDER/NAME/*; writes models/NAME.weights.h5, .tflite, .json, _history.png and _confusion.png, which
stay on this machine (git ignores them). A run that was stopped goes on where it was when it is started again with the
same settings and photos. Train again when people or photos were added.
Measured on ORL by benchmarks/faces.py, photos 1 to 5 of each person given, in 92 seconds on two cores: of photos 6 to
10 of 40 people 99.5 % are nearest to the right one and 92.0 % are named.
"""

import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import class_folders, face_variants, faces, gray_faces, models, settings


@dataclass
class Config:
    faces: str = str(settings.ROOT / "data" / "faces")  # folder with a subfolder of photos for every person
    strangers: str | None = None  # folder of photos of other people, in subfolders or not: fewer strangers get a name
    name: str = "faces"  # the model's name in models/
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # auto is yunet, or hog where yunet cannot be had
    epochs: int = 24  # more helps little
    views: int = 2000  # pictures an epoch, each a photo seen in another way; everybody is seen equally often
    batch_size: int = 32  # pictures a step; halve it, and the learning rate, if memory runs out
    learning_rate: float = 0.002  # the highest of the schedule; halve it if the loss jumps
    weight_decay: float = 0.02  # raise it if training accuracy runs away from validation
    label_smoothing: float = 0.05  # certainty taken from the right answer, 0 to 0.2
    scale: float = 16.0  # of the cosines before the softmax; lower it if the loss stays high
    margin: float = 0.2  # by how much the right person's cosine has to win; 0 is a plain softmax
    fill: int = 40  # fewer people are filled up to so many with invented ones: telling them apart teaches to refuse
    strength: float = 1.0  # how much views differ from their photo, 0 not at all
    validation: float = 0.2  # share of each person's photos kept to choose and measure; from three photos on
    threshold: float = 0.7  # least cosine of a named face, 0 to 1, unless --strangers set it
    accept: float = 0.01  # share of the --strangers that may get a name; less, and more known faces stay unknown
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    output: str = str(models.MODELS)  # folder for the model's files


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 0, 1, "validation", "threshold", "accept", "label_smoothing", "margin")
    settings.check_range(config, 1, math.inf, "epochs", "views", "batch_size", "scale")
    settings.check_range(config, 0, math.inf, "learning_rate", "weight_decay", "fill", "strength", "seed")


def make_batch(
    config: Config, crops: np.ndarray, labels: np.ndarray, targets: np.ndarray, epoch: int, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one batch, uint8 (B, 200, 200, 1) and float32 (B, people), the same for the same seed, epoch and step."""
    rng = np.random.default_rng([config.seed, epoch, step])
    people = np.arange(step * config.batch_size, (step + 1) * config.batch_size) % len(targets)
    people = np.random.default_rng([config.seed, epoch]).permutation(len(targets))[people]
    chosen = [rng.choice(np.flatnonzero(labels == person)) for person in people]
    return face_variants.vary(crops[chosen], rng, config.strength)[..., None], targets[people]


def finish(model, crops: np.ndarray, labels: np.ndarray):
    """Return the trained network for the real people alone, each one's direction the mean of the photos' features.

    The directions it was trained with fit its varied views; the photos are nearer to what a camera will see.
    """
    from recognition import networks

    body = networks.keras.Model(model.input, model.get_layer("features").output)
    images = face_variants.centre(crops)
    ways = np.concatenate([images, images[..., ::-1]])[..., None]
    features = body.predict(ways, batch_size=64, verbose=0).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    means = [features[np.tile(labels, 2) == person].mean(0) for person in np.unique(labels)]
    classifier = networks.ARCHITECTURES["faces"](len(means))
    classifier.set_weights([*body.get_weights(), np.stack(means, 1)])
    return classifier


def measure(
    config: Config, model: models.Model, images: np.ndarray, labels: np.ndarray, strangers: np.ndarray | None
) -> tuple[float, dict[str, float], np.ndarray]:
    """Return the threshold of "unknown", the numbers for the card, and who was read on each image, int (N,)."""
    scores = gray_faces.similarities(model, images)
    read, best = scores.argmax(1), scores.max(1)
    threshold, measured = config.threshold, {"validation_accuracy": (read == labels).mean()}
    if strangers is not None:
        foreign = gray_faces.similarities(model, strangers).max(1)
        threshold = float(np.clip(np.quantile(foreign, 1 - config.accept), 0, 1))
        measured["strangers_accepted"] = (foreign > threshold).mean()
    measured["validation_found"] = ((read == labels) & (best >= threshold)).mean()
    return round(threshold, 3), {key: round(float(value), 5) for key, value in measured.items()}, read


def main(config: Config) -> int:
    check(config)
    models.check_name(config.name)
    folder = Path(config.output)
    settings.make_folder(folder)
    detector = faces.load_detector(config.detector)
    margin = face_variants.MARGIN
    photos = gray_faces.load_photos(Path(config.faces), detector, margin)
    people = len(photos.names)
    if people < 2:
        raise settings.UserError(f"{config.faces}: only {photos.names[0]}: the cnn needs at least two people", 2)
    strangers = gray_faces.load_strangers(Path(config.strangers), detector) if config.strangers else None
    kept, held_back = class_folders.split(photos.labels, config.validation)
    crops, labels = photos.crops[kept], photos.labels[kept]
    x_validation, y_validation = face_variants.centre(photos.crops[held_back]), photos.labels[held_back]
    if not len(held_back):
        settings.say("too few photos to keep some for validation: validating on other views of those trained on")
        x_validation, y_validation = face_variants.vary(crops, np.random.default_rng(0), 0.5), labels
    if people < config.fill:
        rng = np.random.default_rng(config.seed)
        invented, owners = face_variants.invent(crops, labels, config.fill - people, rng)
        crops, labels = np.concatenate([crops, invented]), np.concatenate([labels, people + owners])

    from recognition import networks, reports, training  # only now: Keras takes seconds, mistakes should not

    precision = training.choose_precision(config.precision)
    networks.keras.utils.set_random_seed(config.seed)
    targets = np.eye(max(people, config.fill), dtype=np.float32)
    model = networks.ARCHITECTURES["faces"](len(targets))
    model.summary(print_fn=settings.say)
    settings.say(f"{people} people, {len(kept)} photos to train on, {len(held_back)} for validation, {precision}")
    steps = math.ceil(max(config.views, 20 * len(targets)) / config.batch_size)  # many people need more
    model.compile(
        networks.keras.optimizers.AdamW(
            training.one_cycle(config.learning_rate, steps * config.epochs), weight_decay=config.weight_decay
        ),
        training.MarginLoss(config.scale, config.margin, config.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # XLA is six times slower on processors
    )
    checkpoint = training.Checkpoint(folder, config.name, asdict(config) | {"photos": photos.sha256})
    validation = x_validation[..., None], targets[y_validation]
    make = partial(make_batch, config, crops, labels, targets)
    training.fit(model, checkpoint, make, steps, config.epochs, validation)

    classifier = finish(model, photos.crops[kept], photos.labels[kept])
    card = {
        "architecture": "faces",
        "class_names": photos.names,
        "input": "gray uint8 (N, 200, 200), as recognition.gray_faces.gray_crops makes them",
        "output": "the cosine between the face and each person, -1 to 1",
        "preprocessing": gray_faces.PREPROCESSING,
        "threshold": config.threshold,
        "script": "face_recognition/train.py",
        "dataset": {"name": Path(config.faces).name, "photos": len(photos.labels), "sha256": photos.sha256},
        "detector": detector.name,
        **training.provenance(config, checkpoint, precision),
    }
    models.save(classifier, card, config.name, folder)
    saved = models.load(config.name, folder)  # what is measured is the file that everyone uses
    card["threshold"], card["measured"], read = measure(config, saved, x_validation, y_validation, strangers)
    models.write_card(card, config.name, folder)
    reports.plot_history(checkpoint.history, folder / f"{config.name}_history.png")
    matrix = reports.confusion_matrix(y_validation, read, people)
    reports.plot_confusion(matrix, photos.names, folder / f"{config.name}_confusion.png")
    checkpoint.remove()
    where = "validation photos" if len(held_back) else "other views of the photos trained on"
    print(f"{folder / config.name}: {card['measured']['validation_accuracy']:.2%} of the {where}, {card['seconds']} s")
    return bool(photos.skipped)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
