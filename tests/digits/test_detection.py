"""Characters are found on all scales, one of each place, and boxes turn with the picture."""

import time

import cv2
import numpy as np
import pytest

from recognition.digits import detection, reader
from recognition.digits.detection import Detections

CHANNELS = 21


def found(kinds, scores, boxes, printed=None):
    count = len(kinds)
    return Detections(np.array(kinds), np.float32(scores), np.float32(boxes), np.float32(printed or [0] * count))


@pytest.mark.parametrize("shape", [(500, 700), (100, 60), (20, 20), (3000, 4000), (40, 6000), (1, 5)])
def test_scales_are_evenly_apart_and_fit_the_network(shape):
    scales = []
    for image, scale in detection.pyramid(np.full(shape, 200, np.uint8)):
        assert image.shape[0] % detection.MULTIPLE == image.shape[1] % detection.MULTIPLE == 0
        assert all(size >= scale * length for size, length in zip(image.shape, shape, strict=True))
        assert (image == 200).all()
        scales.append(scale)
    assert max(scales) ** 2 * np.prod(shape) <= 1.01 * detection.AREA
    assert scales[0] <= 4
    assert np.allclose(np.divide(scales[:-1], scales[1:]), detection.STEP)


def test_bands_of_a_large_page_are_put_together(monkeypatch):
    """By a stand-in for the network, that blurs: in one go and in bands it gives the same."""

    def run(image):
        asked.append(image.shape)
        return cv2.resize(cv2.blur(image, (15, 15)), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)[..., None]

    for shape in ((640, 320), (320, 640), (960, 64), (64, 960)):
        image, asked = np.random.default_rng(0).random(shape, np.float32), []
        whole = detection.maps_of(image, run)
        monkeypatch.setattr(detection, "BAND", 80_000 if min(shape) > 64 else 20_000)
        assert np.allclose(detection.maps_of(image, run), whole, atol=1e-6)
        assert len(set(asked[1:])) == 1
        assert len(asked) > 3
        monkeypatch.undo()


def test_pixels_are_compared_with_what_is_around():
    """By an independent computation: the mean and spread of a window at a place, with NumPy."""
    image = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    half = detection.AROUND // 2
    window = image[100 - half : 101 + half, 90 - half : 91 + half] / 255
    expected = (image[100, 90] / 255 - window.mean()) / (window.std() + 0.03)
    assert detection.normalise(image)[100, 90] == pytest.approx(expected, abs=1e-3)
    dim = detection.normalise((image // 4).astype(np.uint8))
    assert np.corrcoef(dim.ravel(), detection.normalise(image).ravel())[0, 1] > 0.99


def test_of_one_place_the_best_is_kept():
    boxes = [[0, 0, 20, 40], [2, 3, 21, 38], [22, 0, 40, 40], [10, 10, 14, 14]]
    assert detection.suppress(found([3, 8, 5, 1], [0.9, 0.8, 0.7, 0.6], boxes)).kinds.tolist() == [3, 5]


def test_a_stroke_is_no_two_ones_but_two_near_each_other_are():
    boxes = [[10, 0, 14, 40], [14, 2, 18, 40], [20, 0, 24, 40], [60, 30, 63, 34]]
    assert detection.suppress(found([1, 1, 1, 11], [0.9, 0.8, 0.7, 0.6], boxes)).boxes.tolist() == [
        boxes[k] for k in (0, 2, 3)
    ]


def test_ten_thousand_characters_are_sorted_out_in_a_second():
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 2000, (10_000, 2))
    many = found(rng.integers(0, 10, 10_000), np.sort(rng.random(10_000))[::-1], np.hstack([corner, corner + 12]))
    start = time.process_time()
    detection.suppress(many)
    assert time.process_time() - start < 2


def test_the_best_two_scales_say_what_a_digit_is(monkeypatch):
    one = found([7], [0.9], [[100, 95, 120, 135]])
    levels = []
    for scale, seven, nine in (
        (1.0, 0.9, 0.2),
        (0.7, 0.4, 0.8),
        (0.5, 0.3, 0.7),
        (0.1, 0.9, 0.9),
    ):  # the last: too small
        maps = np.zeros((60, 60, CHANNELS), np.float32)
        row, column = (int((centre * scale + detection.MARGIN) / 4) for centre in (115, 110))
        maps[row + 1, column, 7], maps[row, column, 9] = seven, nine
        levels.append((maps, scale))
    monkeypatch.setattr(detection, "expected", lambda found: 0.0)
    voted = detection.vote(one, levels)
    assert (voted.kinds[0], voted.scores[0]) == (9, pytest.approx(0.75))
    alone = detection.vote(found([7], [0.9], [[100, 95, 120, 135]]), levels[:1])
    assert (alone.kinds[0], alone.scores[0]) == (7, pytest.approx(0.9))


def test_a_digit_is_found_on_the_scale_that_fits_it(monkeypatch):
    """A network that answers one place of the finest scale: the box comes back in the picture's pixels."""
    monkeypatch.setattr(detection, "expected", lambda found: 0.0)
    asked = []

    def run(image):
        asked.append(image.shape)
        maps = np.zeros((image.shape[0] // 4, image.shape[1] // 4, CHANNELS), np.float32)
        if image.shape == finest:
            maps[20, 30, [7, 18, 19, 20]] = 0.9, 0.5, 0.5, 0
            maps[20, 30, 16:18] = np.log(24 / 16), np.log(32 / 16)
        else:
            maps[5, 5, 7] = 0.12  # of 16 pixels: a finer scale may see it
        return maps

    image = np.full((800, 1400), 255, np.uint8)
    finest = next(detection.pyramid(image))[0].shape
    result = detection.detect(image, run)
    assert len(asked) > 4
    x, y = 4 * 30.5 - detection.MARGIN, 4 * 20.5 - detection.MARGIN
    assert result.boxes[0] == pytest.approx([x - 12, y - 16, x + 12, y + 16], abs=1e-3)
    assert (result.kinds[0], result.scores[0]) == (7, pytest.approx(0.45))  # two scales look, one sees it


@pytest.mark.parametrize(("trace", "height", "finer"), [(0.05, 12, 0), (0.2, 12, 2), (0.2, 20, 1), (0.2, 30, 0)])
def test_finer_scales_are_looked_at_for_small_digits_only(trace, height, finer):
    """Of a digit so high on the third scale, and larger on the finer ones, each scale sees a trace."""
    images = list(detection.pyramid(np.full((800, 1400), 255, np.uint8)))
    scales, asked = {image.shape: scale for image, scale in images}, []

    def run(image):
        asked.append(scales[image.shape])
        maps = np.zeros((image.shape[0] // 4, image.shape[1] // 4, CHANNELS), np.float32)
        maps[0, 0, 7], maps[0, 0, 17] = trace, np.log(height * scales[image.shape] / images[2][1] / 16)
        return maps

    levels = detection.maps_of_scales(images, run)
    assert [scale for _, scale in levels] == [scale for _, scale in images][2 - finer :]
    assert max(asked) == levels[0][1]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_turn_back_with_the_picture(turns):
    image = np.zeros((60, 100), np.uint8)
    image[10:30, 70:80] = 255
    upright = np.rot90(image, -turns).copy()  # clockwise, as it was read
    x, y, width, height = cv2.boundingRect(upright)
    assert reader.turn_box((x, y, x + width, y + height), turns, upright.shape[::-1]) == (70, 10, 80, 30)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_picture_is_turned_to_where_most_digits_are_seen(monkeypatch, turns):
    """With a stand-in that sees digits where a corner of the picture is black: all, a part upside down, else none."""
    picture = np.full((300, 400), 200, np.uint8)
    picture[:40, :40] = 0

    def detect(gray, run, *_):
        corners = [gray[0, 0], gray[-1, -1]]
        score = [0.9, 0.6][corners.index(0)] if 0 in corners else 0.2
        return found([3, 4, 5], [score] * 3, [[50, 50, 60, 70], [70, 50, 80, 70], [90, 50, 99, 70]])

    monkeypatch.setattr(reader, "detect", detect)
    picture = np.ascontiguousarray(np.rot90(picture, turns))
    seen, turn = reader.upright(detect(picture, None), picture, None)
    assert turn == turns
    assert seen.scores[0] == pytest.approx(0.9)


@pytest.mark.parametrize("turns", [0, 2])
def test_few_sure_digits_outvote_many_doubtful_ones_upside_down(monkeypatch, turns):
    """With a stand-in that sees four digits surely, and upside down twelve that may be some."""
    picture = np.full((300, 400), 200, np.uint8)
    picture[:40, :40] = 0
    boxes = [[20 * k, 50, 20 * k + 10, 70] for k in range(12)]

    def detect(gray, run, *_):
        return found([3] * 4, [0.9] * 4, boxes[:4]) if gray[0, 0] == 0 else found([3] * 12, [0.58] * 12, boxes)

    monkeypatch.setattr(reader, "detect", detect)
    picture = np.ascontiguousarray(np.rot90(picture, turns))
    assert reader.upright(detect(picture, None), picture, None)[1] == turns


@pytest.mark.parametrize(
    ("turns", "others", "believed"), [(1, 20, True), (1, 200, False), (2, 3, True), (2, 20, False)]
)
def test_words_upside_down_are_no_digits(monkeypatch, turns, others, believed):
    """With a stand-in that sees four digits, among other characters, when the picture is turned, and nothing before."""
    upright = np.full((300, 400), 200, np.uint8)
    upright[:40, :40] = 0
    boxes = [[50 + 20 * k, 50, 60 + 20 * k, 70] for k in range(4 + others)]

    def detect(gray, run, *_):
        seen = found([3] * 4 + [15] * others, [0.8] * (4 + others), boxes)
        return seen if gray[0, 0] == 0 and gray.shape == upright.shape else seen[np.arange(0)]

    monkeypatch.setattr(reader, "detect", detect)
    picture = reader.turned(upright, -turns)
    _, turn = reader.upright(detect(picture, None), picture, None)
    assert turn == (turns if believed else 0)


def test_digits_signs_and_print_are_told_apart():
    boxes = [[0, 0, 9, 9]] * 5
    digits, signs = reader.characters(
        found([4, 10, 15, 7, 8], [0.9, 0.8, 0.9, 0.9, 0.1], boxes, [0, 0, 0, 1, 0]), {}, 0.4
    )
    assert [(digit.digit, digit.printed) for digit in digits] == [(4, False), (7, True)]
    assert [sign.sign for sign in signs] == ["."]
    digits, _ = reader.characters(found([4, 7], [0.9, 0.9], boxes[:2], [0, 1]), {}, 0.4, handwritten=True)
    assert [digit.digit for digit in digits] == [4]


def test_two_digits_above_each_other_are_no_colon_and_a_column_no_letter():
    boxes = [[0, 0, 30, 40], [0, 100, 30, 140], [5, 0, 25, 140], [50, 5, 55, 35], [80, 0, 120, 79], [80, 0, 120, 140]]
    seen = found([3, 2, 13, 13, 15, 15], [0.8, 0.7, 0.95, 0.9, 0.9, 0.9], boxes)
    assert detection.oversized(seen).tolist() == [False, False, True, False, False, True]
    assert not detection.oversized(seen[np.arange(2, 6)]).any()  # without digits nothing tells


def test_a_doubtful_character_is_a_digit_where_all_others_are():
    def doubtful(kind):
        """A character that is 0.5 a letter, 0.45 a 7, beside twenty of a kind that no scale looks at."""
        boxes = [[10, 10, 30, 40]] + [[30 * k, 10, 30 * k + 5, 20] for k in range(1, 21)]
        maps = np.zeros((20, 170, CHANNELS), np.float32)
        maps[9, 8, [7, 15]] = 0.45, 0.5
        return detection.vote(found([7] + [kind] * 20, [0.5] + [0.9] * 20, boxes), [(maps, 1.0)])

    assert detection.expected(doubtful(15)) == 0
    assert (doubtful(15).kinds[0], doubtful(3).kinds[0]) == (15, 7)
    assert doubtful(3).scores[0] < 0.7  # more would be believing too much


def test_a_minus_at_the_edge_is_a_line_of_the_paper():
    seen = found(
        [12, 12, 12, 12, 3, 10],
        [0.6] * 6,
        [[2, 50, 62, 60], [6, 50, 41, 59], [40, 50, 90, 60], [540, 5, 603, 9]] + [[0, 0, 9, 9]] * 2,
    )
    assert detection.ruling(seen, 600).tolist() == [True, True, False, True, False, False]


def test_contrast_is_that_of_the_ink_in_a_box():
    image = np.full((100, 300), 220, np.uint8)
    image[20:80, 50:53], image[20:80, 150:153] = 20, 200
    boxes = np.array([[35, 15, 68, 85], [135, 15, 168, 85], [235, 15, 268, 85], [290, 50, 340, 90], [400, 0, 420, 30]])
    assert detection.contrast(image, boxes).tolist() == [200, 20, 0, 0, 0]


def test_what_shines_through_the_paper_is_left_out():
    """Three digits in black ink, one in pencil, one from the other side of the sheet: the last does not count."""
    image = np.full((1000, 1000), 230, np.uint8)
    columns, inks = (20, 60, 100, 140, 180), (20, 20, 20, 180, 210)
    for column, ink in zip(columns, inks, strict=True):
        x = 4 * column - detection.MARGIN
        image[188:220, x - 2 : x + 3] = ink

    def run(image):
        maps = np.zeros((image.shape[0] // 4, image.shape[1] // 4, CHANNELS), np.float32)
        if image.shape[0] >= 1000:
            maps[54, columns, 1] = 0.9
            maps[54, columns, 16:18] = np.log(12 / 16), np.log(32 / 16)
        else:
            maps[0, 0, 1] = 0.12  # of 16 pixels: a finer scale may see it
        return maps

    found = detection.detect(image, run)
    assert sorted(found.boxes[:, [0, 2]].mean(1).tolist()) == [4 * column - detection.MARGIN for column in columns[:4]]
