"""Digits are brought to MNIST's form, found on every kind of paper, and read in order with the right boxes."""

import time
from itertools import chain

import cv2
import numpy as np
import pytest
from conftest import write

from recognition.digits import components, crops, detection, normalisation, numbers, reader
from recognition.digits.ink import ink_map, polarity, remove_ruling
from recognition.models import litert
from recognition.synthetic import pages


def letter_l(height: int = 100, width: int = 60, pen: int = 12) -> np.ndarray:
    """Return an L, white on black: its centre of mass is far from the middle of its box."""
    ink = np.zeros((height + 30, width + 50), np.uint8)
    ink[10 : 10 + height, 20 : 20 + pen] = 255
    ink[10 + height - pen : 10 + height, 20 : 20 + width] = 255
    return ink


def extent(image: np.ndarray) -> tuple[int, int]:
    """Return height and width of what is brighter than a quarter."""
    rows, columns = np.nonzero(image > 64)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


@pytest.mark.parametrize(("height", "width", "expected"), [(100, 60, (20, 12)), (60, 120, (10, 20)), (15, 9, (20, 12))])
def test_normalise_fills_a_box_of_20_pixels(height, width, expected):
    found = extent(normalisation.normalise(letter_l(height, width, pen=height // 5)))
    assert np.abs(np.subtract(found, expected)).max() <= 1  # moving by part of a pixel wets one more


def test_a_line_of_one_pixel_is_normalised():
    assert normalisation.normalise(np.ones((3000, 2), np.float32)).shape == (28, 28)


def test_normalise_puts_the_centre_of_mass_in_the_middle():
    image = normalisation.normalise(letter_l()).astype(float)
    y, x = np.mgrid[:28, :28]
    assert image.shape == (28, 28)
    assert (image * x).sum() / image.sum() == pytest.approx(14, abs=0.05)
    assert (image * y).sum() / image.sum() == pytest.approx(14, abs=0.05)


def test_normalise_takes_bytes_and_floats_alike():
    ink = cv2.GaussianBlur(letter_l(), (0, 0), 2)
    assert np.array_equal(normalisation.normalise(ink), normalisation.normalise(ink.astype(np.float32) / 255))
    assert normalisation.normalise(ink).dtype == np.uint8


@pytest.mark.parametrize("empty", [np.zeros((50, 40), np.uint8), np.zeros((50, 40), np.float32), np.zeros((1, 1))])
def test_normalise_of_nothing_is_black(empty):
    image = normalisation.normalise(empty)
    assert image.shape == (28, 28)
    assert not image.any()


def test_thin_lines_become_as_thick_as_a_pen():
    line = np.zeros((240, 60), np.uint8)
    line[20:220, 30] = 255  # a tenth of a pixel after shrinking 200 rows to 20
    ink_per_row = normalisation.normalise(line)[8:20].sum(1) / 255
    assert 1.4 <= ink_per_row.mean() <= 2.6


def test_thick_strokes_are_left_alone():
    line = np.zeros((240, 90), np.uint8)
    line[20:220, 20:50] = 255  # 30 of 200 rows: 3 of 20
    assert (normalisation.normalise(line)[8:20].sum(1) / 255).mean() == pytest.approx(3, abs=0.1)


def test_normalise_hardly_changes_mnist(mnist):
    """MNIST is in the form already, so this compares with the work of the people who made it."""
    with np.load(mnist) as archive:
        images = archive["x_test"][:300]
    again = np.stack([normalisation.normalise(image) for image in images])
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, again, strict=True)]
    assert np.mean(likeness) > 0.93
    assert np.min(likeness) > 0.6


def test_ink_map_finds_the_ink_under_a_shadow_where_otsu_cannot():
    ink = np.zeros((300, 400), np.uint8)
    cv2.putText(ink, "2468", (30, 180), cv2.FONT_HERSHEY_SIMPLEX, 4, 255, 10)
    light = np.linspace(70, 240, 400, dtype=np.float32)[None]
    photo = (light * np.where(ink, 0.5, 1)).astype(np.uint8)

    def overlap(mask: np.ndarray) -> float:
        return np.count_nonzero(mask & (ink > 0)) / np.count_nonzero(mask | (ink > 0))

    _, otsu = cv2.threshold(photo, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    assert overlap(otsu > 0) < 0.4
    assert overlap(ink_map(cv2.merge([photo] * 3), light_on_dark=False) > 0.5) > 0.8


def test_dark_on_light_and_light_on_dark_are_the_same(pages_model):
    page = write([["3", "1", "4"], ["1", "5", "9"]])
    assert polarity(page) < 0 < polarity(255 - page)
    assert read(page, pages_model) == read(255 - page, pages_model) == "314\n159"


def test_gray_images_are_read_like_colour_ones(pages_model):
    gray = cv2.cvtColor(write([["2", "7"]]), cv2.COLOR_BGR2GRAY)
    assert read(gray, pages_model) == read(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), pages_model) == "27"


def ruled_ink() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an ink map with ruling and strokes across it, where only ruling is, and where strokes are."""
    ruling, strokes = np.zeros((400, 600), np.uint8), np.zeros((400, 600), np.uint8)
    for y in range(50, 400, 60):
        cv2.line(ruling, (0, y), (599, y + 4), 255, 2)
    for x in range(80, 560, 80):
        cv2.line(strokes, (x, 90), (x + 10, 190), 255, 7)
    near = cv2.dilate(strokes, np.ones((9, 9), np.uint8))
    return np.maximum(ruling, strokes) / np.float32(255), (ruling > 0) & (near == 0), strokes > 0


@pytest.mark.parametrize("turned", [False, True])
def test_ruling_goes_and_strokes_across_it_stay(turned):
    ink, ruling, strokes = (np.ascontiguousarray(array.T) if turned else array for array in ruled_ink())
    left = remove_ruling(ink)
    assert (left[ruling] > 0.5).mean() < 0.03
    assert (left[strokes] > 0.5).mean() > 0.97


def test_a_row_of_minus_signs_is_no_ruling():
    ink = np.zeros((200, 600), np.float32)
    for x in range(30, 570, 90):
        ink[100:104, x : x + 45] = 1
    assert np.array_equal(remove_ruling(ink), ink)


def test_find_shapes_gives_opencvs_boxes_without_specks():
    ink = np.zeros((200, 300), np.float32)
    cv2.rectangle(ink, (40, 50), (59, 129), 1, cv2.FILLED)
    cv2.rectangle(ink, (140, 60), (199, 119), 1, cv2.FILLED)
    ink[20:23, 250:253] = 1
    boxes = [shape.box for shape in components.find_components(ink)]
    expected = [(40, 50, 60, 130), (140, 60, 200, 120)]
    assert len(boxes) == 2
    assert np.abs(np.subtract(sorted(boxes), expected)).max() <= 1


def test_merged_components_are_one():
    left = components.Component((10, 20, 14, 30), np.full((10, 4), 0.9, np.float32))
    right = components.Component((17, 15, 23, 22), np.full((7, 6), 0.8, np.float32))
    whole = components.merge([left, right])
    assert whole.box == (10, 15, 23, 30)
    expected = np.zeros((15, 13), np.float32)
    expected[5:15, 0:4], expected[0:7, 7:13] = 0.9, 0.8
    assert np.array_equal(whole.ink, expected)


@pytest.mark.parametrize("shape", [(40, 60), (1, 8), (8, 1), (1, 2500), (2500, 1), (7, 40_000)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_empty_paper_of_any_shape_has_no_digits(pages_model, shape, value):
    assert reader.read_page(np.full((*shape, 3), value, np.uint8), pages_model, 0.3) == ([], 0)


def lines(photo: np.ndarray, model: litert.Maps) -> list[list[numbers.Number]]:
    return reader.read_page(photo, model, model.card["threshold"])[0]


def read(photo: np.ndarray, model: litert.Maps) -> str:
    return numbers.text_of(lines(photo, model), digits_only=True)


def edit_distance(a: str, b: str) -> int:
    """Return the fewest insertions, deletions and replacements that turn a into b."""
    distance = np.arange(len(b) + 1)
    for i, x in enumerate(a, 1):
        last = distance.copy()
        distance[0] = i
        for j, y in enumerate(b, 1):
            distance[j] = min(last[j] + 1, distance[j - 1] + 1, last[j - 1] + (x != y))
    return int(distance[-1])


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


@pytest.mark.parametrize("size", [(1, 900), (1, 5000), (5000, 1), (8, 5000), (21, 5000), (30, 49)])
def test_a_strip_holds_no_digit_of_its_own(size):
    assert crops.normalise_photo(np.full((*size, 3), 200, np.uint8)).max() == 0


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
