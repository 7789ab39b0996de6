"""Labels of digits stand where they cover nothing, and tell of percent where there is doubt."""

import numpy as np
import pytest

from recognition.digits import drawing, numbers


@pytest.fixture
def labels(monkeypatch):
    """Return a function that draws digits (value, confidence, box) and returns the texts and places of their labels."""

    def draw_them(*digits, size=(480, 640)):
        drawn = []
        monkeypatch.setattr(drawing, "draw_label", lambda _, place, text, *rest: drawn.append((text, place)))
        lines = [[numbers.join([numbers.Digit(*digit)])] for digit in digits]
        drawing.draw_digits(np.zeros((*size, 3), np.uint8), lines)
        return drawn

    return draw_them


def test_percent_is_told_of_doubtful_digits_only(labels):
    sure, doubtful = (4, 0.97, (100, 100, 140, 160)), (7, 0.634, (300, 100, 320, 160))
    assert sorted(text for text, _ in labels(sure, doubtful)) == ["4", "7 63%"]
    beside = [(1, 0.99, (255, 0, 298, 240)), (1, 0.99, (322, 0, 365, 240))]
    assert "7" in [text for text, _ in labels(doubtful, *beside)]  # no room for more


@pytest.mark.parametrize("gap", [1, 3, 8, 20, 40])
def test_labels_of_digits_cover_neither_digits_nor_one_another(labels, gap):
    """A page of digits that stand closer and closer, some of them doubtful."""
    boxes = [(x, y, x + 18, y + 26) for y in range(5, 440, 26 + gap) for x in range(5, 600, 18 + gap)]
    digits = [(k % 10, 0.5 + k % 7 / 12, box) for k, box in enumerate(boxes)]
    drawn = labels(*digits)
    if gap == 40:
        assert len(drawn) == len(digits)
    covered = np.zeros((480, 640), int)
    for x1, y1, x2, y2 in boxes:
        covered[y1:y2, x1:x2] = 1
    for text, (x1, y1, x2, y2) in drawn:
        assert not covered[y1:y2, x1:x2].any(), text
        assert 0 <= x1 < x2 <= 640
        assert 0 <= y1 < y2 <= 480
        covered[y1:y2, x1:x2] = 1
