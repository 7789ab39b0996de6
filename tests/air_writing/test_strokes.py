"""Strokes to digits and numbers: written as hands do, read by the shipped model, corrected, saved and trained on."""

import json

import cv2
import numpy as np
import pytest

from recognition.air_writing import pen, strokes
from recognition.digits import normalisation, scoring
from recognition.settings import UserError
from recognition.synthetic import clips, handwriting
from recognition.training import labelled_digits


def written(digit: str, start: float, seed: int = 0, x: float = 500) -> list[np.ndarray]:
    """Return the strokes of a digit, float (N, 3), half a second each, with 0.3 s between them."""
    result = []
    for stroke in handwriting.write(digit, np.random.default_rng(seed), 0.2):
        if np.ptp(stroke, axis=0).max() > 0.1:
            seconds = np.linspace(start, start + 0.5, len(stroke))
            result.append(np.column_stack([stroke * 250 + [x, 350], seconds]))
            start += 0.8
    return result


def writer(shipped, number_pause: float = 3.0) -> strokes.Writer:
    return strokes.Writer(shipped.predict, shipped.threshold(None), number_pause)


def texts(tool) -> str:
    return "".join("?" if air.digit is None else str(air.digit) for air in tool.digits)


def test_ink_is_like_a_photo_of_the_same_strokes():
    """An independent drawing of the same line, normalised as photos are, gives nearly the same image."""
    stroke = written("2", 0.0)[0]
    canvas = np.zeros((720, 1280), np.uint8)
    cv2.polylines(canvas, [np.round(stroke[:, :2]).astype(np.int32)], False, 255, 28, cv2.LINE_AA)
    wanted = normalisation.normalise(canvas).astype(float)
    ours = strokes.normalise_strokes([stroke]).astype(float)
    assert ours.shape == (28, 28)
    assert np.corrcoef(wanted.ravel(), ours.ravel())[0, 1] > 0.93


def test_smoothing_takes_the_tremor_and_keeps_the_ends():
    t = np.linspace(0, 1, 40)
    clean = np.column_stack([300 + 200 * np.cos(3 * t), 300 + 200 * np.sin(3 * t)])
    shaken = clean + np.random.default_rng(0).normal(0, 3, clean.shape)
    line = strokes.smooth(np.column_stack([shaken, t]))
    off = abs(np.hypot(*(line - 300).T) - 200)  # from the circle
    assert np.sqrt((off**2).mean()) < 2.4  # the tremor's own is 3
    assert np.allclose(line[[0, -1]], shaken[[0, -1]])
    steps = np.hypot(*np.diff(line, axis=0).T)
    assert steps.std() < 0.1 * steps.mean()


def test_strokes_of_one_digit_are_one_digit(shipped):
    for digit, seed in (("4", 1), ("5", 3), ("7", 1)):
        tool = writer(shipped)
        parts = written(digit, 0.0, seed)
        for stroke in parts:
            tool.add(stroke)
        assert texts(tool) == digit, len(parts)


def test_several_digits_make_a_number_side_by_side_or_on_one_spot(shipped):
    for step in (300, 0):
        tool, start = writer(shipped), 0.0
        for k, digit in enumerate("4052"):
            for stroke in written(digit, start, 1, 200 + step * k):
                tool.add(stroke)
                start = stroke[-1, 2]
            start += 1.0
        assert texts(tool) == "4052"


def test_a_longer_break_ends_the_number(shipped):
    tool = writer(shipped, 2.0)
    tool.add(written("0", 0.0)[0])
    assert tool.pause(2.2, False) is None
    assert tool.pause(9.0, True) is None  # a stroke is being written
    assert [air.digit for air in tool.pause(2.6, False)] == [0]
    assert tool.pause(9.0, False) is None
    assert tool.digits == []


def test_what_never_ends_is_no_number(shipped):
    """A marker that something else moves all the time, never up for long."""
    tool, ended = writer(shipped), []
    for k in range(60):
        tool.add(written("1", 3.6 * k)[0])
        ended.append(tool.pause(3.6 * k + 0.6, False))
    assert [len(number) for number in ended if number] == [40]


def test_scribbles_are_no_digits(shipped):
    rng, tool = np.random.default_rng(0), writer(shipped)
    for k in range(3):
        points = 300 + np.cumsum(rng.normal(0, 40, (14, 2)), 0)
        tool.add(np.column_stack([points, np.linspace(4 * k, 4 * k + 1, 14)]))
    assert sum(air.digit is None for air in tool.digits) >= 2


def test_undo_clear_and_correct(shipped):
    tool = writer(shipped)
    for k, digit in enumerate("123"):
        for stroke in written(digit, 3.0 * k, 5):
            tool.add(stroke)
    assert texts(tool) == "123"
    tool.undo()
    assert texts(tool) == "12"
    tool.correct(7)
    assert texts(tool) == "17"
    for stroke in written("3", 9.0, 5):
        tool.add(stroke)
    assert texts(tool) == "173"  # what was corrected stays
    tool.undo()
    tool.undo()
    tool.undo()
    tool.undo()
    assert texts(tool) == ""
    tool.correct(1)
    tool.add(written("0", 20.0)[0])
    tool.clear()
    assert tool.finish() is None


def test_boxes_are_pixels_and_mirrored_back(shipped):
    tool = writer(shipped)
    tool.add(written("0", 0.0, x=300)[0])
    digit = strokes.as_digits(tool.digits)[0]
    points = np.concatenate(tool.digits[0].strokes)
    assert digit.box == (*np.floor(points[:, :2].min(0)), *np.ceil(points[:, :2].max(0)))
    x1, y1, x2, y2 = strokes.as_digits(tool.digits, 1280)[0].box
    assert (1280 - x2, y1, 1280 - x1, y2) == digit.box


def test_saved_strokes_come_back_as_training_images(shipped, tmp_path):
    path = tmp_path / "strokes.jsonl"
    for k, digit in enumerate("4711"):
        parts = written(digit, 0.0, k)
        strokes.append_strokes(path, [strokes.AirDigit(parts, int(digit), 0.9)])
    images, labels, names, failed = labelled_digits.load_labelled(path)
    assert labels.tolist() == [4, 7, 1, 1]
    assert images.shape == (4, 28, 28)
    assert np.array_equal(images[0], strokes.normalise_strokes([np.round(s, 3) for s in written("4", 0.0, 0)]))
    assert len(names) == 4
    assert failed == []
    assert (shipped.predict(images)[:, :10].argmax(1) == labels).all()


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"digit": 12, "strokes": [[[0, 0, 0]]]}',
        '{"digit": 1, "strokes": [[]]}',
        '{"digit": 1, "strokes": []}',
        '{"digit": 1, "strokes": [[[0, 0]]]}',
        '{"digit": 1, "strokes": [[[0, 0, NaN]]]}',
        '{"digit": true, "strokes": [[[0, 0, 0], [9, 9, 1]]]}',
        '{"digit": 1, "strokes": [[[0, 0, 1], [9, 9, 0]]]}',
        '{"digit": 1, "strokes": [[[0, 0, 0], [1e300, 9, 1]]]}',
        '{"digit": 1, "strokes": ' + "[" * 100_000 + "]" * 100_000 + "}",
        json.dumps({"digit": 1, "strokes": [[[k, k, k / 1000] for k in range(30_000)]]}),
        json.dumps({"digit": 1, "strokes": [[[k, k, k / 1000]] for k in range(1000)]}),
    ],
    ids=range(13),
)
def test_damaged_strokes_are_refused_by_line(tmp_path, line):
    path = tmp_path / "strokes.jsonl"
    strokes.append_strokes(path, [strokes.AirDigit(written("1", 0.0), 1, 0.9)])
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match="line 2"):
        labelled_digits.load_labelled(path)


def test_text_that_is_none_is_refused(tmp_path):
    (tmp_path / "strokes.jsonl").write_bytes(b'{"digit": "caf\xe9"}')
    with pytest.raises(UserError, match=r"strokes\.jsonl: no strokes"):
        labelled_digits.load_labelled(tmp_path / "strokes.jsonl")


def test_a_long_stroke_is_smoothed_as_if_all_its_points_were_looked_at():
    rng = np.random.default_rng(0)
    stroke = np.c_[rng.normal(size=(300, 2)).cumsum(0), rng.uniform(0.002, 0.05, 300).cumsum()]
    x, y, seconds = stroke.T
    line = []
    for at in seconds:
        near = np.abs(seconds - at) <= min(at - seconds[0], seconds[-1] - at) + 1e-6
        weights = near * np.exp(-0.5 * ((seconds - at) / 0.03) ** 2)
        line.append((np.average(x, weights=weights), np.average(y, weights=weights)))
    smooth = strokes.smooth(stroke)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert np.allclose(smooth[[0, -1]], np.array(line)[[0, -1]])
    run = np.r_[0, steps.cumsum()]
    even = np.linspace(0, run[-1], len(smooth))
    assert np.allclose(smooth, np.c_[[np.interp(even, run, one) for one in np.array(line).T]].T, atol=1e-6)


@pytest.mark.parametrize("pen_up", ["hidden", "pause", "leave"])
def test_numbers_are_read_however_the_pen_is_lifted(shipped, pen_up):
    """The hand's movement, without a camera: uneven speed, tremor, two-stroke digits."""
    wrong = count = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scene = clips.Scene(pen_up=pen_up)
        number = "".join(map(str, rng.integers(0, 10, 8)))
        moments = clips.move([handwriting.write(digit, rng, 0.4) for digit in number], scene, rng)
        tool, tip, read = writer(shipped), pen.Pen(scene.width, scene.height, 0.5), ""
        for k, moment in enumerate(moments):
            inside = 0 <= moment.x < scene.width and 0 <= moment.y < scene.height
            seen = pen.Tip(moment.x, moment.y, True) if moment.visible and inside else None
            stroke = tip.update(seen, k / scene.fps)
            if stroke is not None:
                tool.add(stroke)
            for air in tool.pause(k / scene.fps, tip.writing) or []:
                read += str(air.digit)
        wrong += scoring.edit_distance(number, read)
        count += len(number)
    assert wrong <= 0.06 * count, f"{wrong} of {count}"


def test_a_saved_file_is_one_json_object_a_line(tmp_path):
    path = tmp_path / "strokes.jsonl"
    strokes.append_strokes(path, [strokes.AirDigit(written("4", 0.0), 4, 0.9)])
    record = json.loads(path.read_text())
    assert list(record) == ["digit", "strokes"]
    assert len(record["strokes"][0][0]) == 3
