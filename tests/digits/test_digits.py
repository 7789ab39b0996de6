"""Digits are found on every kind of paper, and read in order with the right boxes."""

import time
from itertools import chain
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import write

from recognition.digits import detection, numbers, reader
from recognition.digits.ink import polarity
from recognition.digits.normalisation import draw_strokes
from recognition.digits.scoring import edit_distance
from recognition.models import litert
from recognition.synthetic import handwriting, pages


def test_dark_on_light_and_light_on_dark_are_the_same(pages_model):
    page = write([["3", "1", "4"], ["1", "5", "9"]])
    assert polarity(page) < 0 < polarity(255 - page)
    assert read(page, pages_model) == read(255 - page, pages_model) == "314\n159"


def test_gray_images_are_read_like_colour_ones(pages_model):
    gray = cv2.cvtColor(write([["2", "7"]]), cv2.COLOR_BGR2GRAY)
    assert read(gray, pages_model) == read(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), pages_model) == "27"


@pytest.mark.parametrize("shape", [(40, 60), (1, 8), (8, 1), (1, 2500), (2500, 1), (7, 40_000)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_empty_paper_of_any_shape_has_no_digits(pages_model, shape, value):
    assert reader.read_page(np.full((*shape, 3), value, np.uint8), pages_model, 0.3) == ([], 0)


def lines(photo: np.ndarray, model: litert.Maps) -> list[list[numbers.Number]]:
    return reader.read_page(photo, model, model.card["threshold"])[0]


def read(photo: np.ndarray, model: litert.Maps) -> str:
    return numbers.text_of(lines(photo, model), digits_only=True)


def test_edit_distance():
    pairs = (("", "12"), ("123", "123"), ("123", "13"), ("123", "143"), ("123", "312"))
    assert [edit_distance(*pair) for pair in pairs] == [2, 0, 1, 1, 2]


PAPERS = {
    "plain": {},
    "ruled": {"ruling": "ruled"},
    "graph": {"ruling": "graph"},
    "pencil": {"ink": (150, 150, 150), "pen": 3.0},
    "red": {"ink": (60, 50, 200)},
    "shadow": {"shadow": 0.55},
    "chalk": {"ink": (225, 230, 230), "paper": (60, 80, 50)},
    "slanted": {"slant": 8.0},
    "ruled and slanted": {"ruling": "ruled", "slant": 3.0},
    "small": {"height": 300, "width": 420, "digit": 32, "pen": 2.5},
}


@pytest.mark.parametrize("kind", PAPERS)
def test_pages_are_read(pages_model, kind):
    errors = total = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rows = [[str(digit) for digit in rng.integers(0, 10, 7)] for _ in range(4)]
        photo, _ = pages.write_page(rows, pages.Page(**PAPERS[kind]), rng)
        text = "\n".join(map("".join, rows))
        errors += edit_distance(read(photo, pages_model), text)
        total += len(text)
    assert errors <= 0.05 * total


def test_boxes_are_pixels_of_the_original_image(pages_model):
    """Also where the photo is larger than what digits are looked for in."""
    rows = [list("3141"), list("2718")]
    page = pages.Page(height=2100, width=3100, digit=300, pen=18, wobble=0.3)
    photo, boxes = pages.write_page(rows, page, np.random.default_rng(1))
    assert photo[..., 0].size > detection.AREA
    found = lines(photo, pages_model)
    assert numbers.text_of(found, digits_only=True) == "3141\n2718"
    for digit, box in zip(numbers.digits_of(found), chain(*boxes), strict=True):
        assert all(isinstance(value, int) for value in digit.box)
        assert np.abs(np.subtract(digit.box, box)).max() <= 0.1 * page.digit


def test_signs_between_digits_are_not_read(pages_model):
    signs = taken = errors = 0
    for seed in range(6):
        rows = [list("12+34=46"), list("58-27=31")]
        photo, boxes = pages.write_page(rows, pages.Page(wobble=0.4), np.random.default_rng(seed))
        found = lines(photo, pages_model)
        centres = [((d.box[0] + d.box[2]) / 2, (d.box[1] + d.box[3]) / 2) for d in numbers.digits_of(found)]
        for glyph, (x1, y1, x2, y2) in zip(chain(*rows), chain(*boxes), strict=True):
            if glyph in "+-=":
                signs += 1
                taken += any(x1 <= x <= x2 and y1 <= y <= y2 for x, y in centres)
        errors += edit_distance(numbers.text_of(found, digits_only=True), "123446\n582731")
    assert taken <= 0.05 * signs
    assert errors <= 0.05 * 6 * 13


@pytest.mark.parametrize("margin", [0, 0.1, 0.4])
def test_a_lone_digit_is_read_in_a_tight_crop(pages_model, margin):
    wrong = []
    for digit in "0123456789":
        page = pages.Page(height=400, width=400, digit=200, pen=18, wobble=0.4)
        photo, ((box,),) = pages.write_page([[digit]], page, np.random.default_rng(int(digit)))
        side = round(margin * (box[3] - box[1]))
        x1, y1 = max(0, box[0] - side), max(0, box[1] - side)
        found = read(photo[y1 : box[3] + side, x1 : box[2] + side], pages_model)
        wrong += [(digit, found)] if found != digit else []
    assert len(wrong) <= 1, wrong


def test_a_texture_of_thousands_of_shapes_takes_seconds_not_minutes(pages_model):
    squares = np.kron(np.indices((180, 240)).sum(0) % 2, np.ones((8, 8))).astype(np.uint8) * 255
    dots = np.full((1400, 1900), 255, np.uint8)
    dots[::14, ::14] = dots[1::14, ::14] = 0
    dots = cv2.erode(dots, np.ones((5, 5)))
    for texture in (squares, dots):
        start = time.process_time()
        reader.read_page(texture, pages_model, 0.3)
        assert time.process_time() - start < 12


def boxes_and_words(seed: int) -> np.ndarray:
    """Return graph paper with words, empty boxes, a table and signs on it, and not one digit."""
    rng = np.random.default_rng(seed)
    words = [["A", "n", "a", "t", "h"], ["+", "k", "e", "d", "="], ["w", "h", "e", "n", "m"]]
    page, _ = pages.write_page(words, pages.Page(ruling="graph", digit=70, wobble=0.4), rng)
    for k in range(6):
        cv2.rectangle(page, (60 + 60 * k, 250), (120 + 60 * k, 330), (60, 50, 50), 2)
    for x in range(560, 960, 90):
        cv2.line(page, (x, 480), (x, 680), (60, 50, 50), 2, cv2.LINE_AA)
    for y in range(480, 690, 50):
        cv2.line(page, (560, y), (920, y), (60, 50, 50), 2, cv2.LINE_AA)
    return page


def test_words_boxes_tables_and_graph_paper_are_no_digits(pages_model):
    found = [read(boxes_and_words(seed), pages_model) for seed in range(6)]
    assert sum(len(text.replace("\n", "")) for text in found) <= 2, found


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_photo_on_its_side_is_read_upright_and_its_boxes_are_the_photos(pages_model, turns):
    photo, rows = pages.write_page([list("31425"), list("92653")], pages.Page(wobble=0.3), np.random.default_rng(2))
    turned = np.ascontiguousarray(np.rot90(photo, turns))
    found, degrees = reader.read_page(turned, pages_model, pages_model.card["threshold"])
    assert degrees == 90 * turns
    assert numbers.text_of(found, digits_only=True) == "31425\n92653"
    for digit, box in zip(numbers.digits_of(found), chain(*rows), strict=True):
        expected = reader.turn_box(box, turns, photo.shape[1::-1])
        assert np.abs(np.subtract(digit.box, expected)).max() <= 10


@pytest.mark.parametrize("seed", range(3))
def test_times_keep_their_colon(pages_model, seed):
    page = pages.Page(width=540, height=400, wobble=0.2)  # so narrow that the digits stand together
    photo, _ = pages.write_page([list("12:30"), list("07:45")], page, np.random.default_rng(seed))
    assert numbers.text_of(lines(photo, pages_model)) == "12:30\n07:45"


@pytest.mark.parametrize("seed", range(3))
def test_a_minus_between_numbers_is_kept_and_one_at_the_edge_is_ruling(pages_model, seed):
    page = pages.Page(width=600, height=400, wobble=0.2)  # so narrow that the digits stand together
    photo, ((*_, (x1, y1, x2, y2), _, _), _) = pages.write_page(
        [list("58:21"), list("40217")], page, np.random.default_rng(seed)
    )
    middle = (y1 + y2) // 2
    photo[y1 - 9 : y2 + 9, x1 - 9 : x2 + 9] = page.paper  # no colon but
    for left, right, y in ((x1 - 22, x2 + 22, middle), (0, 40, middle + 170)):
        cv2.line(photo, (left, y), (right, y), page.ink, 6, cv2.LINE_AA)
    assert numbers.text_of(lines(photo, pages_model)) == "58-21\n40217"


@pytest.mark.parametrize("height", [28, 60, 150])
@pytest.mark.parametrize("margin", [0, 0.08])
def test_a_digit_that_fills_the_picture_is_read_and_never_turned(pages_model, height, margin):
    read_right = 0
    for digit in handwriting.DIGITS:
        ink = draw_strokes(handwriting.write(digit, np.random.default_rng(3), 0.3), 112, 96, 10)
        x, y, w, h = cv2.boundingRect(ink)
        tight = cv2.resize(ink[y : y + h, x : x + w], (max(8, w * height // h), height), interpolation=cv2.INTER_AREA)
        tight = cv2.copyMakeBorder(255 - tight, *[round(margin * height)] * 4, cv2.BORDER_CONSTANT, value=255)
        found, turn = reader.read_page(tight, pages_model, pages_model.card["threshold"])
        assert turn == 0
        read_right += numbers.text_of(found) == digit
    assert read_right >= 9


def test_a_picture_of_one_character_is_told_from_a_page():
    def fills(scores, *boxes, shape=(100, 80)):
        kinds = np.zeros(len(boxes), int)
        found = detection.Detections(kinds, np.array(scores, float), np.array(boxes, float).reshape(-1, 4), kinds)
        return reader.one_fills(found, shape)

    assert fills([0.9], (10, 5, 70, 95))
    assert fills([0.9, 0.2], (10, 5, 70, 95), (0, 0, 9, 9))
    assert not fills([0.9, 0.8], (10, 5, 70, 95), (0, 0, 9, 9))
    assert not fills([0.9], (30, 30, 50, 60))
    assert fills([])
    assert not fills([], shape=(1000, 800))


def test_a_letter_that_the_network_of_pages_is_surer_of_stays_a_letter(monkeypatch):
    sure = SimpleNamespace(card={"threshold": 0.5}, predict=lambda images: 0.8 * np.eye(11)[None, 7])
    monkeypatch.setattr(reader, "_of_one_digit", lambda: sure)
    picture, box = np.full((60, 40), 255, np.uint8), np.array([[5.0, 5, 35, 55]])
    read = {}
    for kind, score in ((15, 0.9), (15, 0.6), (3, 0.6)):
        found = detection.Detections(np.array([kind]), np.array([score]), box, np.zeros(1))
        digits, _ = reader.characters(found, {}, 0.5)
        read[kind, score] = [digit.digit for digit in reader.cut_out(picture, found, digits, 0.5)]
    assert read == {(15, 0.9): [], (15, 0.6): [7], (3, 0.6): [7]}


@pytest.mark.parametrize("count", range(1, 7))
def test_plain_strokes_beside_each_other_are_ones_in_a_drawing(pages_model, count):
    """On a page they may be a tally, the sides of a box, or letters."""
    drawing = np.full((85, 60 + 32 * count), 255, np.uint8)
    for k in range(count):
        cv2.line(drawing, (30 + 32 * k, 20), (30 + 32 * k, 65), 0, 6, cv2.LINE_AA)
    (line,), turn = reader.read_page(drawing, pages_model, pages_model.card["threshold"], drawn=True)
    assert "".join(number.text for number in line) == "1" * count and turn == 0
