"""What reading is measured on: drawn sheets are as their truth says, by what stands on the picture."""

import cv2
import digit_readers
import digit_yardsticks
import numpy as np
import page_pictures
import pytest
import sheets

from recognition.training import augment_digits


def around(mask: np.ndarray) -> np.ndarray:
    """Return the box x1 y1 x2 y2 around what a mask marks."""
    y, x = np.nonzero(mask)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])


def check_boxes(ink: np.ndarray, boxes: list[sheets.Box], slack: int) -> None:
    """Fail unless each box is as large as the ink in it, to some pixels, and no ink is outside of all boxes."""
    for x1, y1, x2, y2 in boxes:
        x, y = max(0, x1 - 8), max(0, y1 - 8)
        found = around(ink[y : y2 + 8, x : x2 + 8]) + np.array([x, y, x, y])
        assert np.abs(found - (x1, y1, x2, y2)).max() <= slack
    rest = ink.copy()
    for x1, y1, x2, y2 in boxes:
        rest[max(0, y1 - slack) : y2 + slack, max(0, x1 - slack) : x2 + slack] = False
    assert not rest.any()


def test_characters_on_a_sheet_stand_where_their_boxes_are():
    digits, _ = augment_digits.written_digits(30, np.random.default_rng(0))
    photo, boxes = sheets.lay_out(digits, 3, np.random.default_rng(1))
    assert len(boxes) == 30
    check_boxes(photo[..., 2] < 110, boxes, 2)  # red, of which blue ink has least
    middles = np.array(boxes).reshape(30, 2, 2).mean(1)
    rows = np.floor(middles[:, 1] / sheets.PITCH - 0.5).astype(int)
    assert rows.tolist() == [0] * 12 + [1] * 12 + [2] * 6
    assert all((np.diff(middles[rows == row, 0]) > 80).all() for row in range(3))


@pytest.mark.parametrize("kind", [sheets.table, sheets.invoice, sheets.score_sheet])
def test_numbers_of_a_form_stand_where_their_boxes_are(kind):
    form = kind(np.random.default_rng(5))
    photo = form.photo().astype(int)
    assert len(form.numbers) == len(form.boxes) >= 10
    assert photo.shape == (sheets.HEIGHT, sheets.WIDTH, 3)
    check_boxes(photo[..., 0] - photo[..., 2] > 40, form.boxes, 4)  # blue ink; print is gray
    near = [
        (a, b)
        for k, a in enumerate(form.boxes)
        for b in form.boxes[k + 1 :]
        if min(a[2], b[2]) - max(a[0], b[0]) > -20 and min(a[3], b[3]) - max(a[1], b[1]) > 0
    ]
    assert not near  # nobody could tell where one number ends and the next begins


def test_an_invoice_adds_up():
    numbers = [text.replace(",", "") for text in sheets.invoice(np.random.default_rng(3)).numbers[1:]]
    *lines, total = map(float, numbers)
    quantities, prices, sums = lines[::3], lines[1::3], lines[2::3]
    assert [round(quantity * price, 2) for quantity, price in zip(quantities, prices, strict=True)] == sums
    assert round(sum(sums), 2) == total


def test_the_same_forms_are_drawn_every_time():
    one, other = sheets.forms(), sheets.forms()
    assert len(one) == 10 and len({tuple(form.numbers) for form in one.values()}) == 10
    assert all(form.numbers == other[name].numbers for name, form in one.items())
    assert (one["table_0.png"].photo() == other["table_0.png"].photo()).all()


@pytest.mark.parametrize("margin", [0, 0.03, 0.08])
def test_a_crop_has_the_margin_that_it_should(margin):
    digit = np.zeros((28, 28), np.uint8)
    digit[5:25, 9:19] = 255
    picture = page_pictures.crop(digit, 100, margin)
    assert picture.shape == (100 + 2 * round(100 * margin), 50 + 2 * round(100 * margin))
    edge = round(100 * margin)
    assert around(picture < 128).tolist() == [edge, edge, picture.shape[1] - edge, picture.shape[0] - edge]


def test_a_turned_picture_is_turned_clockwise():
    frame = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert (page_pictures.CHANGES["turned 90°"](frame) == cv2.rotate(frame, cv2.ROTATE_90_CLOCKWISE)).all()
    assert (page_pictures.CHANGES["270°"](frame) == cv2.rotate(frame, cv2.ROTATE_90_COUNTERCLOCKWISE)).all()


def test_ten_thousand_digits_are_each_in_a_cell():
    digits = np.zeros((10_000, 28, 28), np.uint8)
    digits[207, 3, 4] = 255
    page = page_pictures.many_digits(digits)
    assert np.argwhere(page == 0).tolist() == [[2 * 40 + 6 + 3, 7 * 40 + 6 + 4]]


def test_yardsticks_are_read_kindly():
    text = "Total: 1,250.00 EUR; -3=5\nat 12:30, l0 25/06."
    assert digit_readers.numbers_in(text) == "1,250.00 -3 5\n12:30 0 25/06"
    corners = np.array([[0, 0], [10, 0], [10, 20], [0, 20]])
    found = [(corners + np.array(place), text) for *place, text in ((50, -3, "2"), (0, 2, "1"), (0, 40, "3"))]
    assert digit_yardsticks.in_rows(found) == "1 2\n3"
