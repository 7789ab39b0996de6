"""One digit cut out of a photo is brought to MNIST's form: its paper black, its ink white, ruling gone."""

import cv2
import numpy as np
import pytest

from recognition.digits import components, crops, normalisation
from recognition.digits.ink import ink_map, remove_ruling


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


@pytest.mark.parametrize("size", [(1, 900), (1, 5000), (5000, 1), (8, 5000), (21, 5000), (30, 49)])
def test_a_strip_holds_no_digit_of_its_own(size):
    assert crops.normalise_photo(np.full((*size, 3), 200, np.uint8)).max() == 0


@pytest.mark.parametrize("height", [60, 130, 200])
@pytest.mark.parametrize("light_on_dark", [False, True])
def test_a_ring_that_fills_the_picture_is_ink_and_its_middle_paper(height, light_on_dark):
    ink = np.zeros((height, height), np.uint8)
    cv2.circle(ink, (height // 2, height // 2), height * 5 // 12, 255, height // 6)
    expected = normalisation.normalise(ink)
    photo = cv2.cvtColor(ink if light_on_dark else 255 - ink, cv2.COLOR_GRAY2BGR)
    assert np.abs(crops.normalise_photo(photo).astype(float) - expected).mean() < 12
