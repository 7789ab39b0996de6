"""Scores become probabilities to be right."""

import numpy as np
import pytest

from recognition.digits import detection
from recognition.evaluation import calibration


def test_scores_become_how_often_they_are_right():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.1, 0.95, 20_000)
    true = 1 / (1 + np.exp(-3 * np.log(scores / (1 - scores)) - 0.5))
    line = calibration.platt(scores, rng.random(len(scores)) < true)
    assert line == pytest.approx((3, 0.5), abs=0.15)
    assert np.abs(detection.probabilities(scores, *line) - true).max() < 0.02


@pytest.mark.parametrize("right", [[], [False] * 5, [True] * 5, [False, False, False, True, True]])
def test_few_scores_give_no_endless_slope(right):
    slope, offset = calibration.platt(np.linspace(0.2, 0.9, len(right)), np.array(right, bool))
    assert abs(slope) < 20 and abs(offset) < 20
    sure = detection.probabilities(np.array([0.0, 0.5, 1.0]), slope, offset)
    assert ((sure >= 0) & (sure <= 1)).all()
