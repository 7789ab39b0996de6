"""The script that measures a model, run as a user runs it, on labelled images that the test makes."""

import json

import cv2
import numpy as np
import pytest
from conftest import write

from recognition.digits import scoring
from recognition.settings import UserError
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


def test_folder_with_bad_pictures_is_measured_without_them(script, tmp_path):
    for digit in "37":
        (tmp_path / "own" / digit).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "own" / digit / "a.png"), write([[digit]], height=200, width=200, digit=110, pen=9))
    (tmp_path / "own" / "3" / "bad.png").write_text("no picture")
    cv2.imwrite(str(tmp_path / "own" / "7" / "paper.png"), np.full((200, 200), 220, np.uint8))
    done = script(SCRIPT, str(tmp_path / "own"), "--json", "--output", str(tmp_path / "figures"))
    assert done.returncode == 1 and "bad.png" in done.stderr and "Traceback" not in done.stderr
    assert "paper.png: no ink found: left out" in done.stderr
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


@pytest.fixture
def photos(tmp_path):
    """Return a folder of pictures as large as the digit that each is named by: a reader can tell them apart."""
    for digit in range(6, 10):
        cv2.imwrite(str(tmp_path / f"page_{digit}.png"), np.zeros((digit, digit, 3), np.uint8))
    return tmp_path


def test_photos_are_scored_by_edit_distance(photos):
    labels = {"page_6.png": {"digits": "12345"}, "page_7.png": {"digits": "321", "note": "SCATTERED"}}
    result = scoring.score_photos(lambda *_: "1 2\n-3.", photos, labels | {"c.png": {"digits": "77"}})
    assert (result["digits"], result["exact"], result["pictures"]) == (10, 1, 3)
    assert result["failed"] == [str(photos / "c.png")]
    assert result["score"] == pytest.approx(1 - (2 + 0 + 2) / 10)
    assert (result["pages_without"], result["false_digits"], result["numbers"]) == (0, None, None)


def test_more_invented_than_there_is_gives_a_score_below_0(photos):
    result = scoring.score_photos(lambda *_: "1234", photos, {"page_6.png": {"digits": "1"}})
    assert result["score"] == pytest.approx(1 - 3 / 1)


def test_false_digits_are_counted_on_pages_without_any_alone(photos):
    labels = {"page_6.png": {"digits": ""}, "page_7.png": {"digits": ""}, "page_8.png": {"digits": "888"}}
    texts = {6: "1 - 2", 7: "", 8: "8 8"}
    result = scoring.score_photos(lambda frame, _: texts[len(frame)], photos, labels | {"c.png": {"digits": ""}})
    assert (result["pages_without"], result["false_digits"]) == (2, 1.0)  # one that cannot be used is neither
    assert (result["pictures"], result["digits"], result["score"]) == (1, 3, pytest.approx(2 / 3))


def test_numbers_count_as_often_as_they_are_there_and_in_any_order(photos):
    labels = {
        "page_6.png": {"digits": "1212350", "numbers": ["12", "12", "3.50"]},
        "page_7.png": {"digits": "7", "numbers": ["7", "7"]},
        "page_8.png": {"digits": "99"},
    }
    texts = {6: "3.50 12\n1 2", 7: "7 7 7", 8: "9 9"}
    result = scoring.score_photos(lambda frame, _: texts[len(frame)], photos, labels)
    assert (result["numbers"], result["numbers_right"]) == (5, 2 + 2)


def test_kinds_are_told_apart_by_labels_or_the_beginning_of_names(photos):
    labels = {f"page_{k}.png": {"digits": "1"} for k in (6, 7, 8)} | {"page_8.png": {"digits": "2", "kind": "form"}}
    labels |= {"page_9.png": {"digits": ""}, "alone_1.png": {"digits": "3"}, "b.png": {"digits": "4"}}
    result = scoring.score_photos(lambda *_: "1", photos, labels)
    kinds = {kind: (row["pictures"], row["exact"], row["pages_without"]) for kind, row in result["kinds"].items()}
    assert kinds == {"page": (2, 2, 1), "form": (1, 0, 0), "others": (2, 0, 0)}
    assert (result["pictures"], result["exact"]) == (5, 2)


@pytest.mark.parametrize("everywhere", [False, True])
def test_print_is_left_out_where_labels_or_the_user_say_so(photos, everywhere):
    labels = {"page_6.png": {"digits": "6"}, "page_7.png": {"digits": "7", "handwritten": True}}
    asked = {}
    scoring.score_photos(lambda frame, left_out: asked.update({len(frame): left_out}) or "", photos, labels, everywhere)
    assert asked == {6: everywhere, 7: True}


@pytest.mark.parametrize(
    "said", [{"numbers": "12"}, {"numbers": [12]}, {"handwritten": 1}, {"kind": 3}, {"note": None}]
)
def test_labels_that_say_something_in_another_form_are_refused(photos, said):
    with pytest.raises(UserError, match=f"{next(iter(said))} of page_6.png"):
        scoring.score_photos(lambda *_: "", photos, {"page_6.png": {"digits": "1"} | said})


def test_what_a_score_says(photos):
    labels = {"page_6.png": {"digits": "12", "numbers": ["12"]}, "page_7.png": {"digits": ""}}
    result = scoring.score_photos(lambda *_: "12", photos, labels)
    said = "100.0% of 2 digits, 1 of 1 exact, 2.0 false digits a page on 1 without any, 1 of 1 numbers right"
    assert scoring.describe(result) == said
    assert scoring.describe(scoring.total([])) == "nothing to measure"


def test_a_folder_of_pages_is_measured_as_they_are_read(script, photo, pages_model):
    cv2.imwrite(str(photo.parent / "blank.png"), np.full((300, 400, 3), 230, np.uint8))
    labels = {"photo.png": {"digits": "4075", "numbers": ["407", "5"]}, "blank.png": {"digits": ""}}
    (photo.parent / "more").mkdir()
    cv2.imwrite(str(photo.parent / "more" / "1.png"), np.full((300, 400, 3), 230, np.uint8))
    others = {"gone.png": {"digits": "1"}, "more": {"digits": "1"}}
    (photo.parent / "labels.json").write_text(json.dumps(labels | others))
    text = json.loads(script("digit_recognition/predict_static.py", photo, "--json").stdout)["text"]
    done = script(SCRIPT, photo.parent, "--json")
    assert done.returncode == 1 and "gone.png" in done.stderr and "Traceback" not in done.stderr
    result = json.loads(done.stdout)
    assert result["photos"][0]["read"] == scoring.only_digits(text)
    failed = [str(photo.parent / name) for name in ("gone.png", "more/1.png")]
    assert (result["digits"], result["pages_without"], result["failed"]) == (6, 1, failed)
    assert result["numbers_right"] == len({"407", "5"} & set(text.split()))
    lines = script(SCRIPT, photo.parent).stdout.splitlines()
    assert len(lines) == 5 and lines[0].startswith(("ok    photo.png: 4075", "wrong photo.png: 4075"))
