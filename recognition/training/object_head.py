"""Train the head of train_transfer.py: a small network on the features that a pre-trained one has of images.

`config`: the settings of that script.
"""

import math

import numpy as np

from recognition.evaluation.metrics import confusion_matrix, per_class
from recognition.models.litert import Model
from recognition.networks.backend import keras
from recognition.networks.objects import head
from recognition.objects.classes import known_classes
from recognition.objects.classification import fit
from recognition.training.loop import learning_rate

STEPS = 20  # in an epoch, at least


def weights_of(labels: np.ndarray, balanced: bool) -> np.ndarray:
    """Return how much each image counts, float32 (N,), 1 in the mean; `balanced`: every class as much in all."""
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights = len(labels) / (len(counts) * counts)[inverse] if balanced else np.ones(len(labels))
    return weights.astype(np.float32)


def build(config, shape: dict, classes: int, count: int):
    """Return a head to be trained on `count` images, in steps of a whole epoch: each step alone is over in no time."""
    keras.utils.set_random_seed(config.seed)
    model = head(classes, **shape)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            # What is expected of logits before any image was seen is -3 to 3, of however many numbers they are made
            layer.kernel.regularizer = keras.regularizers.L2(config.weight_decay * layer.kernel.shape[0] / 18 / count)
    steps = steps_of(config, count)
    model.compile(
        keras.optimizers.Adam(learning_rate("one_cycle", config.learning_rate, steps * config.epochs)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=[],
        steps_per_execution=steps,
        jit_compile=False,  # XLA is six times slower on processors
    )
    return model


def steps_of(config, count: int) -> int:
    """Return the number of steps in an epoch; few images are seen several times in it."""
    return max(STEPS, math.ceil(count / config.batch_size))


def train(config, model, start: list, x: np.ndarray, y: np.ndarray, validation=None) -> dict:
    """Train a head anew, from the weights `start`, on features, float32 (N, D), and labels; return its curves."""
    model.set_weights(start)
    for variable in model.optimizer.variables:
        if variable is not model.optimizer.learning_rate:
            variable.assign(np.zeros(variable.shape))
    roots = np.sqrt(np.maximum(x, 0))  # as the head takes them
    variance = roots.var(0)
    # A number that hardly ever changes says little, and must not be blown up
    model.get_layer("standardised").set_weights([roots.mean(0), variance + 0.01 * variance.mean() + 1e-9])
    rng, rows = np.random.default_rng(config.seed), model.steps_per_execution * config.batch_size
    seen = np.concatenate([rng.permutation(len(x)) for _ in range(math.ceil(rows / len(x)))])[:rows]
    return model.fit(
        x[seen],
        y[seen],
        sample_weight=weights_of(y, config.class_weights)[seen],
        batch_size=config.batch_size,
        epochs=config.epochs,
        validation_data=validation,
        verbose=0,
    ).history


def measure(
    probabilities: np.ndarray,
    labels: np.ndarray,
    accuracies: list[float],
    by: str,
    refuse: float,
    model: Model,
    card: dict,
) -> np.ndarray:
    """Set in a card the threshold of "none of these" and the numbers; return the confusion matrix.

    `probabilities`: float32 (N, classes), each read by a head that was not trained on that image; `accuracies`: of the
    folds; `by`: how that was done. The threshold refuses the share `refuse` of the images that show a class.
    """
    names = model.class_names
    known = fit(probabilities, names)[labels < len(known_classes(names))]
    matrix = confusion_matrix(labels, probabilities.argmax(1), len(names))
    card["threshold"] = math.floor(1e4 * float(np.quantile(known, refuse))) / 1e4 if len(known) else 0.0
    card["measured"] = {
        "by": by,
        "validation_accuracy": round(float(np.trace(matrix) / matrix.sum()), 5),
        "folds": [round(float(one), 5) for one in accuracies],
        "spread": round(float(np.std(accuracies)), 5),
        "per_class": per_class(matrix),
    }
    return matrix
