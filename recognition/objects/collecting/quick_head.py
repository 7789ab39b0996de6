"""A linear head in NumPy: in a moment what train_transfer.py makes in half a minute, without being measured or saved.

The same numbers go in and the same loss is minimised: see `recognition.networks.objects.head` and
`recognition.training.transfer.head`.
"""

import numpy as np

from recognition.objects.classes import NONE

DECAY = 0.1  # weight decay, as train_transfer.py has it
STEPS, ENOUGH = 500, 1e-3  # at most so many; the largest slope of the loss at which it is low enough


class Head:
    """What `classification.Classifier` needs of a model: `run` maps features, float32 (N, D), to probabilities."""

    def __init__(self, class_names: list[str], mean: np.ndarray, scale: np.ndarray, weights: np.ndarray):
        """`weights`: float32 (D + 1, classes), of the standardised roots of features, (D,) each, and of one."""
        self.class_names = class_names
        # Nothing was measured: all is believed, but what shows "none of these" more than anything
        self.card = {"threshold": 0.5 if class_names[-1] == NONE else 0.0}
        self._mean, self._scale, self._weights = mean, scale, weights

    def threshold(self, wanted: float | None = None) -> float:
        return self.card["threshold"] if wanted is None else wanted

    def run(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """Return the "probabilities", float32 (N, classes)."""
        x = (np.sqrt(np.maximum(features, 0)) - self._mean) / self._scale
        return {"probabilities": softmax(_with_one(x) @ self._weights)}


def train(features: np.ndarray, labels: np.ndarray, class_names: list[str], decay: float = DECAY) -> Head:
    """Return a head that tells classes apart by features, float32 (N, D), of images and their labels (N,).

    Every class weighs as much in all. The loss has one lowest place, which Nesterov's method finds.
    """
    roots = np.sqrt(np.maximum(features, 0))
    mean, variance = roots.mean(0), roots.var(0)
    scale = np.sqrt(variance + 0.01 * variance.mean() + 1e-6).astype(np.float32)
    x = _with_one((roots - mean) / scale)
    wanted = np.eye(len(class_names), dtype=np.float32)[labels]
    share = wanted / np.maximum(wanted.sum(0), 1) / len(class_names)
    share = share.sum(1, keepdims=True)  # of the loss, of each image
    ridge = 2 * decay * features.shape[1] / 18 / len(features) * np.ones((x.shape[1], 1), np.float32)
    ridge[-1] = 0  # the offset may be as large as it likes
    steepest = 0.5 * _largest(np.sqrt(share) * x) + float(ridge.max())
    weights = before = np.zeros((x.shape[1], len(class_names)), np.float32)
    for step in range(STEPS):
        ahead = weights + step / (step + 3) * (weights - before)
        slope = x.T @ (share * (softmax(x @ ahead) - wanted)) + ridge * ahead
        before, weights = weights, ahead - slope / steepest
        if np.abs(slope).max() < ENOUGH:
            break
    return Head(class_names, mean, scale, weights)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (N, classes), of logits."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1, dtype=np.float32)


def _largest(x: np.ndarray) -> float:
    """Return a little more than the largest eigenvalue of x.T @ x: how fast a slope along x can change."""
    vector = x.sum(0) + 1
    for _ in range(30):
        vector = x.T @ (x @ (vector / np.linalg.norm(vector)))
    return 1.1 * float(np.linalg.norm(vector))
