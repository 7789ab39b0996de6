"""The networks of face_recognition/train.py: how they begin, and how they end as the model of the people.

Only training imports this module: it costs seconds.
"""

import numpy as np

from recognition.embeddings import dlib_conversion, dlib_embedder, dlib_weights
from recognition.evaluation.metrics import confusion_matrix
from recognition.faces.crops import similarities, with_channels
from recognition.models.litert import Model
from recognition.networks import architectures, faces
from recognition.networks.backend import keras, layers
from recognition.training import augment_faces


def start(architecture: str, people: int) -> keras.Model:
    """Return the network to train: a new one, or dlib's with its numbers, of which all but the last block stay."""
    model = architectures.ARCHITECTURES[architecture](people)
    if architecture == "embedding":
        descriptor = dlib_conversion.trained(dlib_weights.read(dlib_embedder.descriptor_file()))
        model.set_weights([*descriptor.get_weights(), *model.get_layer("cosines").get_weights()])
        for layer in model.layers:  # the last block is the one that is dense
            layer.trainable = isinstance(layer, layers.Dense | faces.Cosines)
    return model


def finish(model: keras.Model, crops: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return the trained network for the real people alone, each one's direction the mean of the photos' features.

    `crops`: uint8, with a margin; `labels`: int (N,), whose they are. The directions that a network was trained with
    fit its varied views; the photos are nearer to what a camera will see.
    """
    body = keras.Model(model.input, model.get_layer("cosines").input)
    images = augment_faces.centre(crops)
    views = with_channels(np.concatenate([images, images[:, :, ::-1]]))
    features = body.predict(views, batch_size=64, verbose=0).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    means = [features[np.tile(labels, 2) == person].mean(0) for person in np.unique(labels)]
    classifier = architectures.ARCHITECTURES[model.name](len(means))
    classifier.set_weights([*body.get_weights(), np.stack(means, 1)])
    return classifier


def measure(
    images: np.ndarray,
    labels: np.ndarray,
    strangers: np.ndarray | None,
    threshold: float,
    accept: float,
    model: Model,
    card: dict,
) -> np.ndarray:
    """Set in a card the threshold of "unknown" and the numbers; return the confusion matrix of the images.

    Of `strangers`, if there are some, the share `accept` may get a name: that sets the threshold.
    """
    scores = similarities(model, images)
    read, best = scores.argmax(1), scores.max(1)
    measured = {"validation_accuracy": (read == labels).mean()}
    if strangers is not None:
        foreign = similarities(model, strangers).max(1)
        threshold = float(np.clip(np.quantile(foreign, 1 - accept), 0, 1))
        measured["strangers_accepted"] = (foreign > threshold).mean()
    measured["validation_found"] = ((read == labels) & (best >= threshold)).mean()
    card["threshold"] = round(threshold, 3)
    card["measured"] = {key: round(float(value), 5) for key, value in measured.items()}
    return confusion_matrix(labels, read, len(model.class_names))
