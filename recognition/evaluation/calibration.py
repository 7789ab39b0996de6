"""Is a network right as often as it says? Its confidence compared with how often it was right.

C. Guo et al., "On calibration of modern neural networks" (2017); J. Platt, "Probabilistic outputs for support vector
machines" (1999).
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from recognition.evaluation.plots import BLUE, save_figure

BINS = 15  # of confidence, all equally wide, as in the paper
MANY = 10  # answers in a bin, of which the share that is right says something


def reliability(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return mean confidence, share right and count of every bin that is not empty, float (B, 3).

    `confidence`: float (N,) in [0, 1], how sure each answer was; `right`: bool (N,).
    """
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    sums = np.stack([np.bincount(place, values, BINS) for values in (confidence, right)], 1)
    some = count > 0
    return np.hstack([sums[some] / count[some, None], count[some, None]])


def error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error, 0 to 1: the mean distance between confidence and share right."""
    sure, share, count = reliability(confidence, right).T
    return float(np.average(np.abs(sure - share), weights=count))


def sharpen(probabilities: np.ndarray, power: float) -> np.ndarray:
    """Return probabilities, float (..., C), to a power and brought to the sum 1 again: above 1 they are surer."""
    raised = np.maximum(probabilities, 1e-12) ** power
    return raised / raised.sum(axis=-1, keepdims=True)


def best_power(views: np.ndarray, labels: np.ndarray) -> float:
    """Return the power that makes the mean of several views' probabilities, float (V, N, C), fit the labels best, (N,).

    Guo's temperature scaling, for the mean: smoothed labels leave a network less sure than it is right.
    """
    powers = np.geomspace(0.25, 4, 97)
    rows = np.arange(len(labels))
    losses = [-np.log(sharpen(views, power).mean(axis=0)[rows, labels]).mean() for power in powers]
    return float(powers[np.argmin(losses)])


def platt(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Return slope and offset with which scores, float (N,) in (0, 1), tell how probable it is that they are right.

    `right`: bool (N,). Slope and offset are of the score's logit: Platt's scaling, by Newton's method, with his
    targets, a little less than 1 and more than 0, so that few scores give no endless slope.
    """
    scores = np.clip(scores, 1e-6, 1 - 1e-6)
    many = np.count_nonzero(right)
    targets = np.where(right, (many + 1) / (many + 2), 1 / (len(right) - many + 2))
    terms = np.stack([np.log(scores / (1 - scores)), np.ones(len(scores))], 1)
    line = np.array([1.0, 0.0])
    for _ in range(20):
        probable = 1 / (1 + np.exp(-terms @ line))
        curvature = terms.T @ (terms * (probable * (1 - probable))[:, None]) + 1e-6 * np.eye(2)
        line += np.linalg.solve(curvature, terms.T @ (targets - probable))
    return float(line[0]), float(line[1])


def plot(confidence: np.ndarray, right: np.ndarray, path: Path) -> None:
    """Save the reliability diagram: how often answers are right against how sure they were, and how many there are."""
    sure, share, count = reliability(confidence, right).T
    many = count >= MANY
    figure = Figure(figsize=(5.5, 6.2), layout="constrained")
    top, below = figure.subplots(2, 1, height_ratios=(3.5, 1), sharex=True)
    top.plot((0, 1), (0, 1), "--", color="0.5", label="right as often as it says")
    label = f"measured, {100 * error(confidence, right):.1f} % off on average"
    top.plot(sure[many], share[many], "o-", color=BLUE, label=label, clip_on=False)
    if not many.all():
        few = f"of less than {MANY} answers"
        top.plot(sure[~many], share[~many], "o", color=BLUE, alpha=0.25, label=few, clip_on=False)
    top.set(ylabel="share of answers that are right", xlim=(0, 1), ylim=(0, 1))
    top.grid(alpha=0.4)
    top.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    below.hist(confidence, np.linspace(0, 1, BINS + 1), weights=np.full(len(confidence), 1 / len(confidence)))
    below.set(xlabel="confidence", ylabel="share of answers")
    for axis in (top.yaxis, below.yaxis, below.xaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    save_figure(figure, path)
