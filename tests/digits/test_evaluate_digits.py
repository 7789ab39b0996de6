"""The script that measures a model, run as a user runs it, on labelled images that the test makes."""

import json

import cv2
import numpy as np
import pytest
from conftest import write

from recognition.digits import scoring
from recognition.training import augment_digits

SCRIPT = "digit_recognition/evaluate.py"


def test_archive_is_measured_as_counted_by_hand(script, tmp_path, shipped):
    images, labels = augment_digits.written_digits(60, np.random.default_rng(0))
    labels[:6] = (labels[:6] + 1) % 10  # six wrong labels
    np.savez(tmp_path / "own.npz", x=images, y=labels)
    done = script(SCRIPT, str(tmp_path / "own.npz"), "--json", "--output", str(tmp_path / "figures"))
    result = json.loads(done.stdout)
    read = shipped.predict(images)[:, :10].argmax(1)
    assert done.returncode == 0
    assert result["accuracy"] == pytest.approx((read == labels).mean())
    assert sum(row["count"] for row in result["classes"].values()) == 60
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"confusion.png", "samples.png", "wrong.png"}


def test_folder_with_a_bad_picture_is_measured_without_it(script, tmp_path):
    for digit in "37":
        (tmp_path / "own" / digit).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "own" / digit / "a.png"), write([[digit]], height=200, width=200, digit=110, pen=9))
    (tmp_path / "own" / "3" / "bad.png").write_text("no picture")
    done = script(SCRIPT, str(tmp_path / "own"), "--json", "--output", str(tmp_path / "figures"))
    assert done.returncode == 1 and "bad.png" in done.stderr and "Traceback" not in done.stderr
    assert json.loads(done.stdout)["images"] == 2


@pytest.mark.parametrize("labels", ["[", "[]", "{}", '{"a.png": "12"}', '{"a.png": {"digits": 12}}'])
def test_labels_of_another_form_are_refused_in_one_line(script, tmp_path, labels):
    (tmp_path / "labels.json").write_text(labels)
    done = script(SCRIPT, str(tmp_path))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "labels.json" in done.stderr


@pytest.mark.parametrize("name", ["evaluate", "explore"])
def test_an_output_that_is_no_folder_is_refused_first(script, tmp_path, name):
    (tmp_path / "file.txt").write_text("no folder")
    done = script(f"digit_recognition/{name}.py", "--output", "file.txt")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1) and "file.txt" in done.stderr


def test_photos_are_scored_by_edit_distance(tmp_path):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((9, 9, 3), np.uint8))
    labels = {"a.png": {"digits": "12345"}, "b.png": {"digits": "321", "note": "SCATTERED"}, "c.png": {"digits": "77"}}
    result = scoring.score_photos(lambda frame: "1 2\n-3.", tmp_path, labels)
    assert (result["digits"], result["exact"], result["failed"]) == (10, 1, [str(tmp_path / "c.png")])
    assert result["score"] == pytest.approx(1 - (2 + 0 + 2) / 10)
