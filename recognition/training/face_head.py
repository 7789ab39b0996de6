"""The networks of face_recognition/train.py: how they begin, and how they end as the model of the people.

Only training imports this module: it costs seconds.
"""

import math
from functools import partial

import numpy as np

from recognition.embeddings import dlib_conversion, dlib_embedder, dlib_weights
from recognition.evaluation.metrics import confusion_matrix
from recognition.evaluation.open_set import Tried, limit
from recognition.faces.crops import BATCH, similarities, with_channels
from recognition.models.litert import Model
from recognition.networks import architectures, faces
from recognition.networks.backend import keras, layers
from recognition.training import augment_faces, loop
from recognition.training.face_photos import Photos

UNTRIED = 0.7  # likeness of a named face where nobody could be left out to choose it


def start(architecture: str, people: int) -> keras.Model:
    """Return the network to train: a new one, or dlib's with its numbers, of which all but the last block stay."""
    model = architectures.ARCHITECTURES[architecture](people)
    if architecture == "embedding":
        descriptor = dlib_conversion.trained(dlib_weights.read(dlib_embedder.descriptor_file()))
        model.set_weights([*descriptor.get_weights(), *model.get_layer("cosines").get_weights()])
        for layer in model.layers:  # the last block is the one that is dense
            layer.trainable = isinstance(layer, layers.Dense | faces.Cosines)
    return model


def learn(config, checkpoint: loop.Checkpoint, crops: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return the network, trained on crops of people, uint8 with a margin, and on invented ones; labels int (N,)."""
    keras.utils.set_random_seed(config.seed)
    if not needs_training(config):
        return start(config.architecture, labels.max() + 1)
    targets = np.eye(max(labels.max() + 1, config.fill), dtype=np.float32)
    model = start(config.architecture, len(targets))
    crops, labels = augment_faces.fill_up(crops, labels, len(targets), np.random.default_rng(config.seed))
    steps = math.ceil(max(config.views, 20 * len(targets)) / config.batch_size)  # many people need more
    make = partial(_views, config, crops, labels, targets)
    rate = loop.learning_rate("one_cycle", config.learning_rate, steps * config.epochs)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    loss = loop.MarginLoss(config.scale, config.margin, config.label_smoothing)
    loop.fit(model, optimizer, loss, checkpoint, make, steps, config.epochs)
    return model


def needs_training(config) -> bool:
    """Tell whether there is more to learn than the directions of people, which `finish` computes."""
    return config.architecture == "faces" or config.unfreeze


def _views(config, crops: np.ndarray, labels: np.ndarray, targets: np.ndarray, epoch: int, step: int) -> tuple:
    """Return one batch, uint8 (B, H, W, C) and float32 (B, people), the same for the same seed, epoch and step."""
    rng = np.random.default_rng([config.seed, epoch, step])
    people = np.arange(step * config.batch_size, (step + 1) * config.batch_size) % len(targets)
    people = np.random.default_rng([config.seed, epoch]).permutation(len(targets))[people]
    chosen = [rng.choice(np.flatnonzero(labels == person)) for person in people]
    return with_channels(augment_faces.augment(crops[chosen], rng, config.strength)), targets[people]


def finish(model: keras.Model, crops: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return the trained network for the real people alone, each one's direction the mean of the photos' features.

    `crops`: uint8, with a margin; `labels`: int (N,), whose they are. The directions that a network was trained with
    fit its varied views; the photos are nearer to what a camera will see.
    """
    body = keras.Model(model.input, model.get_layer("cosines").input)
    images = augment_faces.centre(crops)
    views = with_channels(np.concatenate([images, images[:, :, ::-1]]))
    features = _outputs(body, views)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    means = [features[np.tile(labels, 2) == person].mean(0) for person in np.unique(labels)]
    classifier = architectures.ARCHITECTURES[model.name](len(means))
    classifier.set_weights([*body.get_weights(), np.stack(means, 1)])
    return classifier


def try_fold(config, checkpoint: loop.Checkpoint, photos: Photos, fold: tuple, network: keras.Model | None) -> tuple:
    """Return a network that is trained on a part of the photos, and what it makes of the others: see open_set.try_out.

    `fold`: see face_photos.folds. `network`: taken as it is where there is nothing to train.
    """
    kept, held_back, out = fold
    known, labels = np.unique(photos.labels[kept], return_inverse=True)
    if network is None or needs_training(config):
        network = learn(config, checkpoint, photos.crops[kept], labels)
    classifier = finish(network, photos.crops[kept], labels)
    held, strangers = (_likenesses(classifier, photos.crops[some]) for some in (held_back, out))
    return network, (known, photos.labels[held_back], held, strangers)


def _likenesses(classifier: keras.Model, crops: np.ndarray) -> np.ndarray:
    """Return how alike crops with a margin and each person are, as crops.similarities does for a saved model."""
    images = with_channels(augment_faces.centre(crops))
    if not len(images):
        return np.zeros((0, classifier.output_shape[1]), np.float32)
    return (_outputs(classifier, images) + _outputs(classifier, images[:, :, ::-1])) / 2


def _outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return what a network makes of images, float32; unlike `predict` it compiles nothing, for each is used once."""
    parts = [model(images[k : k + BATCH], training=False).numpy() for k in range(0, len(images), BATCH)]
    return np.concatenate(parts).astype(np.float32)


def measure(
    tried: Tried, strangers: np.ndarray | None, threshold: float | None, accept: float, model: Model, card: dict
) -> np.ndarray:
    """Set in a card the threshold of "unknown" and the numbers; return the confusion matrix of what was held back.

    `strangers`: crops, if there are some: of them the share `accept` may get a name, and that sets the threshold; else
    it is the given one; else that of the people who were left out, see open_set.limit.
    """
    people, named, count = len(model.class_names), None, len(tried.strangers)
    if strangers is not None:
        foreign = similarities(model, strangers).max(1)
        threshold = float(np.clip(np.quantile(foreign, 1 - accept), 0, 1))
        named, count = int((foreign > threshold).sum()), len(foreign)
    elif threshold is None and not count:
        threshold = UNTRIED
    found, left_out = tried.count(people, accept, threshold)
    chosen = limit(tried.strangers, people, accept) if threshold is None else threshold
    card["threshold"] = round(chosen, 3)
    card["measured"] = {
        "photos": len(tried.labels),
        "nearest": int((tried.read == tried.labels).sum()),
        "found": found,
        "stranger_photos": count,
        "strangers_named": left_out if named is None else named,
    }
    card["measured"]["validation_accuracy"] = round(card["measured"]["nearest"] / max(1, len(tried.labels)), 5)
    return confusion_matrix(tried.labels, tried.read, people)
