"""Train the head of train_transfer.py: a small network on the features that a pre-trained one has of images.

`config`: the settings of that script.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from recognition.evaluation.metrics import confusion_matrix, per_class, trust
from recognition.models.litert import Model
from recognition.networks.backend import keras
from recognition.networks.objects import head
from recognition.objects.classes import known_classes
from recognition.objects.classification import fit, with_near
from recognition.settings import UserError, say
from recognition.training.loop import learning_rate

STEPS = 20  # in an epoch, at least
MOST = 500  # references: more make the model large, and few images are the only ones of their kind


@dataclass
class Learned:
    """A Keras model, its `shape`, and what models of its kind made of the images that they were not trained on.

    `read`: probabilities, float32 (N, classes); `near`: how near the others each is, float32 (N,), see `nearest`;
    `accuracies`: of each fold, `curves`: of its training.
    """

    read: np.ndarray
    near: np.ndarray
    model: object = None
    shape: dict = field(default_factory=dict)
    accuracies: list[float] = field(default_factory=list)
    frozen: float | None = None  # accuracy of the same images with the backbone as it is, where it learned, too
    curves: list[dict] = field(default_factory=list)

    def take(self, held_back: np.ndarray, read: np.ndarray, labels: np.ndarray, of: int) -> None:
        """Keep how a fold read the images that were held back, of `of` folds; say how well."""
        self.read[held_back] = read
        self.accuracies.append((read.argmax(1) == labels).mean())
        if of > 1:
            say(f"fold {len(self.accuracies)}/{of}: {self.accuracies[-1]:.2%} of {len(held_back)}")


def learn(config, x: np.ndarray, y: np.ndarray, names: list[str], split: list[tuple]) -> Learned:
    """Train a head on features, float32 (N, D), and labels, and one for each part of the `split` to measure it."""
    shape = {"inputs": x.shape[1], "hidden": config.hidden, "dropout": config.dropout}
    model = build(config, shape, len(names), len(split[0][0]), len(x))
    untrained = model.get_weights()
    references, near = nearest(x, y < len(known_classes(names)))
    learned = Learned(np.zeros((len(x), len(names)), np.float32), near)
    for kept, held_back in split:
        validation = x[held_back], y[held_back]
        learned.curves.append(train(config, model, untrained, x[kept], y[kept], validation))
        learned.take(held_back, model.predict(x[held_back], batch_size=1024, verbose=0), y[held_back], len(split))
    if len(split) > 1:
        train(config, model, untrained, x, y)
    learned.model, learned.shape = with_references(model, shape, references)
    return learned


def weights_of(labels: np.ndarray, balanced: bool) -> np.ndarray:
    """Return how much each image counts, float32 (N,), 1 in the mean; `balanced`: every class as much in all."""
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights = len(labels) / (len(counts) * counts)[inverse] if balanced else np.ones(len(labels))
    return weights.astype(np.float32)


def build(config, shape: dict, classes: int, count: int, most: int):
    """Return a head to be trained on `count` images, or on `most`, all of which an epoch shows it then.

    In steps of a whole epoch: each step alone is over in no time.
    """
    keras.utils.set_random_seed(config.seed)
    model = head(classes, **shape)
    regularize(model, config.weight_decay, count)
    steps = steps_of(config, most)
    model.compile(
        keras.optimizers.Adam(learning_rate("one_cycle", config.learning_rate, steps * config.epochs)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=[],
        steps_per_execution=steps,
        jit_compile=False,  # XLA is six times slower on processors
    )
    return model


def regularize(model, weight_decay: float, count: int) -> None:
    """Keep the weights of a head small that learns from so many images; the more of them, the less."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            # What is expected of logits before any image was seen is -3 to 3, of however many numbers they are made
            layer.kernel.regularizer = keras.regularizers.L2(weight_decay * layer.kernel.shape[0] / 18 / count)


def steps_of(config, count: int) -> int:
    """Return the number of steps in an epoch; few images are seen several times in it."""
    return max(STEPS, math.ceil(count / config.batch_size))


def forget(optimizer) -> None:
    """Have an optimizer begin anew."""
    for variable in optimizer.variables:
        if variable is not optimizer.learning_rate:
            variable.assign(np.zeros(variable.shape))


def train(config, model, start: list, x: np.ndarray, y: np.ndarray, validation=None) -> dict:
    """Train a head anew, from the weights `start`, on features, float32 (N, D), and labels; return its curves."""
    model.set_weights(start)
    forget(model.optimizer)
    roots = np.sqrt(np.maximum(x, 0))  # as the head takes them
    variance = roots.var(0)
    # A number that hardly ever changes says little, and must not be blown up
    model.get_layer("standardised").set_weights([roots.mean(0), variance + 0.01 * variance.mean() + 1e-9])
    rng, rows = np.random.default_rng(config.seed), model.steps_per_execution * config.batch_size
    seen = np.concatenate([rng.permutation(len(x)) for _ in range(math.ceil(rows / len(x)))])[:rows]
    curves = model.fit(
        x[seen],
        y[seen],
        sample_weight=weights_of(y, config.class_weights)[seen],
        batch_size=config.batch_size,
        epochs=config.epochs,
        validation_data=validation,
        verbose=0,
    ).history
    if not np.isfinite(curves["loss"]).all():
        told = f"--learning-rate {config.learning_rate:g} or --weight-decay {config.weight_decay:g}"
        raise UserError(f"the training went astray, its loss is no number any more: lower {told}")
    return curves


def unit_roots(x: np.ndarray) -> np.ndarray:
    """Return the roots of features, float32 (N, D), each row at length 1."""
    roots = np.sqrt(np.maximum(x, 0))
    return roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-9)


def references_of(known: np.ndarray) -> np.ndarray:
    """Return which images become references, int (R,): `known`, bool (N,), show a class."""
    rows = np.flatnonzero(known)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(int)]


def nearest(x: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return references, float32 (R, D), and how near each image is to the nearest other of them, float32 (N,).

    `x`: features, float32 (N, D); `known`: bool (N,), which show a class. References are roots of features, of length
    1; near are cosines, 0 to 1.
    """
    unit, rows = unit_roots(x), references_of(known)
    near = np.zeros(len(x), np.float32)
    for start in range(0, len(x), 1000):
        these = np.arange(start, min(start + 1000, len(x)))
        cosines = unit[these] @ unit[rows].T
        near[these] = np.where(these[:, None] == rows, 0, cosines).max(1)
    return unit[rows], near


def with_references(model, shape: dict, references: np.ndarray):
    """Return a trained head, and the shape of it, that tells how near the nearest reference is, float32 (R, D)."""
    shape = shape | {"references": len(references)}
    larger = head(model.output.shape[-1], **shape)
    for layer in model.layers:
        if layer.weights:
            larger.get_layer(layer.name).set_weights(layer.get_weights())
    larger.get_layer("references").set_weights([references.T])
    return larger, shape


def measure(
    learned: Learned, measured_on: np.ndarray, labels: np.ndarray, by: str, refuse: float, model: Model, card: dict
) -> np.ndarray:
    """Set in a card the threshold of "none of these" and the numbers; return the confusion matrix.

    `measured_on`: the images, int (N,), which were held back; `labels`: of all images; `by`: how that was done. The
    threshold refuses the share `refuse` of the images that show a class.
    """
    probabilities, near, labels = learned.read[measured_on], learned.near[measured_on], labels[measured_on]
    names = model.class_names
    known = labels < len(known_classes(names))
    least, middle = np.quantile(near[known], (refuse, 0.5)) if known.any() else (0, 0)
    # A little below what has to be accepted; in the middle an image is accepted with 0.95
    card["near"] = {"middle": float(least) - 1e-3, "width": max(float(middle - least) / 3, 5e-3)}
    known = fit(*with_near(probabilities, near, card["near"], names))[known]
    matrix = confusion_matrix(labels, probabilities.argmax(1), len(names))
    card["threshold"] = math.floor(1e4 * float(np.quantile(known, refuse))) / 1e4 if len(known) else 0.0
    card["measured"] = {
        "by": by,
        "validation_accuracy": round(float(np.trace(matrix) / matrix.sum()), 5),
        "folds": [round(float(one), 5) for one in learned.accuracies],
        "spread": round(float(np.std(learned.accuracies)), 5),
        **({} if learned.frozen is None else {"frozen": round(learned.frozen, 5)}),
        **trust(matrix),
        "per_class": per_class(matrix),
    }
    return matrix
