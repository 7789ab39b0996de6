"""None of these: a line through features, compared with least squares solved another way, and on drawn clusters."""

import numpy as np
import pytest

from recognition.faces import detection
from recognition.objects import classification
from recognition.objects.classes import NONE
from recognition.training import object_scores


def test_the_line_is_the_ridge_solution_with_both_sides_weighing_the_same():
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(1, 1, (50, 3)), rng.normal(-1, 2, (20, 3))
    spread = inside.std(0) + 0.02
    x = np.column_stack([np.vstack([inside, outside]) / spread, np.ones(70)])
    weights, wanted = np.repeat([0.5 / 50, 0.5 / 20], [50, 20]), np.repeat([1.0, 0.0], [50, 20])
    # The same as rows of an ordinary least-squares problem
    rows = np.vstack([x * np.sqrt(weights)[:, None], np.eye(4) * np.sqrt(0.3)])
    solved = np.linalg.lstsq(rows, np.concatenate([wanted * np.sqrt(weights), np.zeros(4)]), rcond=None)[0]
    solved[:-1] /= spread
    assert object_scores.line(inside, outside, ridge=0.3) == pytest.approx(solved, abs=1e-5)


def test_what_lies_with_the_others_is_told_from_what_is_known():
    rng = np.random.default_rng(1)
    inside, outside = np.abs(rng.normal(0, 1, (200, 8))), np.abs(rng.normal(0, 1, (100, 8)))
    outside[:, 0] += 2
    line = object_scores.line(inside[:100], outside[:50], ridge=0.01)
    known, other = classification.nearness(inside[100:], line), classification.nearness(outside[50:], line)
    assert np.mean(known > 0.5) > 0.85
    assert np.mean(other < 0.5) > 0.85


def test_others_are_different_drawings_of_their_own():
    images = np.random.default_rng(2).integers(0, 256, (5, 32, 32, 3), np.uint8)
    frames = object_scores.others(images)
    assert len({frame.tobytes() for frame in frames}) == len(frames) == object_scores.PEOPLE + object_scores.SHEETS
    assert {(frame.dtype.name, frame.shape) for frame in frames} == {("uint8", (160, 160, 3)), ("uint8", (256, 256, 3))}
    assert all(map(np.array_equal, frames, object_scores.others(images)))
    detector = detection.load_detector("auto")
    assert np.mean([bool(detector.detect(frame)) for frame in frames[:40]]) > 0.8


class Seen:
    """A model that sees features of one number: how white the image is."""

    shape, class_names, card = (4, 4, 3), ["dark", "bright"], {"line": [2.0, -0.5]}

    def threshold(self, wanted):
        return wanted

    def run(self, images):
        white = images.mean((1, 2, 3))[:, None] / 255
        return {"probabilities": np.hstack([1 - white, white]), "features": white}


def test_a_classifier_with_a_line_has_one_more_class_and_judges_by_it():
    classifier = classification.Classifier(Seen())
    images = np.stack([np.full((4, 4, 3), value, np.uint8) for value in (0, 102, 255)])
    answers = classifier.predict(images)
    assert classifier.class_names == ["dark", "bright", NONE]
    assert answers == pytest.approx(np.array([[1, 0, 1], [0.6, 0.4, 0.7], [0, 1, 0]]), abs=1e-6)
    assert classification.fit(answers, classifier.class_names) == pytest.approx([0, 0.3, 1], abs=1e-6)
    judged = classification.judge(answers[0], classifier.class_names, 0.2)
    assert (judged.known, [one.label for one in judged.top]) == (False, ["dark", "bright"])  # the surest is not known
    assert classification.judge(answers[1], classifier.class_names, 0.2).known
    assert classification.fit(answers[:, :2], ["dark", "bright"]) == pytest.approx([1, 0.6, 1])
