"""Photos of any form are looked at undistorted, their classes averaged and listed; maps show what mattered."""

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.digits import crops
from recognition.objects import classification, drawing, occlusion
from recognition.objects.classes import CIFAR10, NONE
from recognition.objects.classification import Label, Objects
from recognition.objects.crops import crop_views, cut, views
from recognition.settings import UserError

SHAPES = [(480, 640), (640, 480), (500, 4000), (900, 300), (96, 96), (33, 32), (32, 32), (7, 9), (1, 300), (300, 1)]


class Fake:
    """A classifier whose answer is a function of the images."""

    slow = False

    def __init__(self, answer, class_names=CIFAR10, size=32):
        self._answer, self.class_names, self.size = answer, list(class_names), size

    def views(self, width, height):
        return views(width, height, self.size)

    def crops(self, frame):
        return crop_views(frame, self.size)

    def look(self, frame):
        return self.predict(self.crops(frame))

    def tell(self, seen):
        return seen.mean(axis=0)

    def predict(self, images):
        assert images.dtype == np.uint8
        assert images.shape[1:] == (self.size, self.size, 3)
        return np.float32(self._answer(images))


def redness(images):
    """Return the share of red pixels of RGB images as the probability of the first of two classes."""
    red = ((images[..., 0] > 150) & (images[..., 1] < 90)).mean((1, 2))
    return np.stack([red, 1 - red], 1)


def photo(height, width, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def test_an_image_of_the_networks_size_is_looked_at_as_it_is_and_mirrored():
    image = photo(32, 32)
    seen = crop_views(image, 32)
    assert np.array_equal(seen, [image[..., ::-1], image[:, ::-1, ::-1]])


@pytest.mark.parametrize(("height", "width"), SHAPES)
@pytest.mark.parametrize("size", [32, 224])
def test_views_are_squares_around_the_middle(height, width, size):
    boxes = views(width, height, size)
    for x1, y1, x2, y2 in boxes:
        assert x2 - x1 == y2 - y1 > 0
        assert abs(x1 + x2 - width) <= 1
        assert abs(y1 + y2 - height) <= 1
    sides = [x2 - x1 for x1, _, x2, _ in boxes]
    assert sides == sorted(set(sides), reverse=True)
    assert all(side >= size for side in sides[1:])  # nothing is enlarged but what is too small as a whole
    assert min(height, width) <= sides[0] <= min(max(height, width), 1.5 * min(height, width) + 0.5)
    seen = crop_views(photo(height, width), size)
    assert seen.shape == (2 * len(boxes), size, size, 3)
    assert np.array_equal(seen[len(boxes) :], seen[: len(boxes), :, ::-1])


@pytest.mark.parametrize(("height", "width"), [(400, 640), (640, 400), (1000, 3000)])
def test_a_circle_stays_a_circle(height, width):
    frame = np.full((height, width, 3), 255, np.uint8)
    radius = min(height, width) // 3
    cv2.circle(frame, (width // 2, height // 2), radius, (0, 0, 0), cv2.FILLED)
    boxes = views(width, height, 64)
    assert len(boxes) == 3
    for box, seen in zip(boxes, crop_views(frame, 64), strict=False):
        _, _, w, h = cv2.boundingRect((seen[..., 0] < 128).astype(np.uint8))
        assert abs(w - h) <= 1
        assert abs(w - 128 * radius / (box[2] - box[0])) <= 2


def test_photos_are_shrunk_by_the_mean_of_what_becomes_a_pixel_and_softened_as_much_as_cifar():
    frame = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    means = frame[..., ::-1].reshape(32, 8, 32, 8, 3).mean((1, 3))
    for axis in (0, 1):
        around = np.roll(means, 1, axis) + np.roll(means, -1, axis)
        means = 0.91 * means + 0.045 * around
    seen = cut(frame, (0, 0, 256, 256), 32)
    assert np.abs(seen - means)[1:-1, 1:-1].max() <= 1.5
    stripes = np.zeros((512, 1024, 3), np.uint8)
    stripes[::2] = 255
    assert crop_views(stripes, 32).std() < 3  # else they would come back as broad ones


def test_what_hangs_over_repeats_the_edge():
    frame = np.full((200, 400, 3), 90, np.uint8)
    frame[:40], frame[-40:] = 250, 10  # sky and ground
    wide = crop_views(frame, 32)[0]
    above = 32 * (1 - 200 / 283) / 2  # of 283 x 283 pixels, the mean of 200 x 400
    assert (wide[: round(above + 32 * 40 / 283) - 1] > 245).all()
    assert (wide[-round(above + 32 * 40 / 283) + 1 :] < 15).all()
    assert (wide[12:20] == 90).all()


def test_the_answers_of_all_views_are_averaged():
    rng = np.random.default_rng(0)
    answers = rng.dirichlet(np.ones(10), 6)
    seen = classification.classify(photo(480, 640), Fake(lambda images: answers), 0.15)
    mean = answers.mean(0)
    order = sorted(range(10), key=lambda k: -mean[k])[:5]
    assert [one.label for one in seen.top] == [CIFAR10[k] for k in order]
    assert [one.confidence for one in seen.top] == pytest.approx([mean[k] for k in order], abs=1e-4)
    assert seen.known == (mean.max() >= 0.15)


def test_none_of_these_is_never_listed_and_few_classes_are_listed_all():
    names = ["dog", "cat", NONE]
    seen = classification.judge(np.float32([0.1, 0.2, 0.7]), names, 0.5)
    assert (seen.known, seen.top) == (False, [Label("cat", 0.2), Label("dog", 0.1)])
    assert seen.fit == pytest.approx(0.3)
    assert seen.name == NONE
    seen = classification.judge(np.float32([0.6, 0.1, 0.3]), names, 0.5)
    assert (seen.known, seen.top) == (True, [Label("dog", 0.6), Label("cat", 0.1)])
    assert seen.name == "dog"
    assert len(classification.judge(np.full(200, 0.005, np.float32), [f"class {k}" for k in range(200)], 0).top) == 5
    assert len(classification.judge(np.full(10, 0.1, np.float32), list(CIFAR10), 0, most=2).top) == 2


def test_results_as_text_and_as_json():
    seen = Objects(True, [Label("dog", 0.9312), Label("cat", 0.0421), Label("frog", 0.0049)], 0.93)
    assert classification.text_of(seen) == "dog 93%, cat 4%"
    assert classification.text_of(Objects(False, seen.top, 0.4123)) == "none of these (nearest: dog 93%, fit 0.41)"
    assert json.loads(classification.json_line("a.jpg", 3, seen)) == {
        "source": "a.jpg",
        "frame": 3,
        "known": True,
        "top": [
            {"label": "dog", "confidence": 0.9312},
            {"label": "cat", "confidence": 0.0421},
            {"label": "frog", "confidence": 0.0049},
        ],
    }


def test_models_of_other_things_are_refused_by_name(colours):
    folder: Path = colours / "models"
    with pytest.raises(UserError, match=r"models.digits is no object model"):
        classification.load("digits", folder)
    with pytest.raises(UserError, match=r"models.cifar10 is no model of digits"):
        crops.load("cifar10", folder)
    assert classification.load("cifar10", folder).size == 32
    assert crops.load("digits", folder).class_names[:10] == list("0123456789")


def test_the_model_of_the_tests_tells_colours(colours):
    classifier = classification.load("cifar10", colours / "models")
    for k, color in enumerate([(40, 40, 220), (40, 220, 40), (220, 40, 40)]):
        frame = np.full((120, 200, 3), 128, np.uint8)
        cv2.circle(frame, (100, 60), 50, color, cv2.FILLED)
        seen = classification.classify(frame, classifier, classifier.threshold(None))
        assert (seen.known, seen.name) == (True, CIFAR10[k])
    assert not classification.classify(
        np.full((90, 90, 3), 128, np.uint8), classifier, classifier.threshold(None)
    ).known


@pytest.mark.parametrize(("height", "width", "x", "y"), [(600, 900, 640, 200), (900, 500, 150, 600), (32, 32, 21, 9)])
def test_the_map_is_warm_where_the_reason_is(height, width, x, y):
    frame = np.full((height, width, 3), 128, np.uint8)
    radius = min(height, width) // 8
    cv2.circle(frame, (x, y), radius, (20, 20, 230), cv2.FILLED)
    heat = occlusion.explain(frame, Fake(redness, ["red", "other"]), "red")
    assert heat.shape == (height, width)
    assert heat.dtype == np.float32
    assert heat.min() >= 0
    peak = np.unravel_index(heat.argmax(), heat.shape)
    assert np.hypot(peak[1] - x, peak[0] - y) < 1.5 * radius
    assert heat[y, x] > 0.5 * heat.max()
    far = np.hypot(*np.meshgrid(np.arange(width) - x, np.arange(height) - y)) > 4 * radius
    assert heat[far].max() < 0.2 * heat.max()


def test_the_map_says_how_much_a_place_matters():
    """A network that only knows whether corners are red: one is four times the reason that the other is."""

    def answer(images):
        sure = 1 / (1 + np.exp(2.0 - 4 * (images[:, 4, 4, 0] > 190) - (images[:, 27, 27, 0] > 190)))
        return np.stack([sure, 1 - sure], 1)

    frame = np.full((32, 32, 3), 60, np.uint8)
    frame[2:8, 2:8] = frame[24:30, 24:30] = (20, 20, 230)
    heat = occlusion.explain(frame, Fake(answer, ["red", "other"]), "red")
    assert 1.5 < heat[4, 4] <= 4
    assert heat[27, 27] == pytest.approx(heat[4, 4] / 4, rel=0.3)
    assert heat[4, 27] < 0.05


def test_the_map_counts_none_of_these_once():
    """A network that finds red as probable as "none of these", and half as probable where a corner is hidden."""

    def answer(images, learned):
        share = 0.5 - 0.25 * (images[:, 4, 4, 0] <= 190)
        # As a class the head learned it has a share of all; by a line, red and others have all among themselves
        known = np.stack([share, 0.5 - share], 1) * (1 if learned else 2)
        return np.concatenate([known, np.full((len(images), 1), 0.5)], 1)

    frame = np.full((32, 32, 3), 60, np.uint8)
    frame[2:8, 2:8] = (20, 20, 230)
    heats = [
        occlusion.explain(frame, Fake(partial(answer, learned=learned), ["red", "other", NONE]), "red")
        for learned in (False, True)
    ]
    assert heats[0][4, 4] > 0.3
    assert np.allclose(*heats, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_pictures_have_room_for_the_bars(height, width):
    seen = Objects(True, [Label("dog", 0.6), Label("cat", 0.3), Label("hippopotamus", 0.1)], 0.6)
    frame = photo(height, width)
    before = frame.copy()
    for heat in (None, np.ones((height, width), np.float32)):
        image = drawing.picture(frame, seen, heat)
        assert max(image.shape[:2]) >= 400
        assert min(image.shape[:2]) >= 160
        assert (image == drawing.PALE).all(-1).any()
    assert np.array_equal(frame, before)
    if min(height, width) >= 400:
        assert image.shape == frame.shape


def test_bars_are_as_long_as_probable_and_only_what_is_believed_is_green():
    for known in (True, False):
        frame = np.full((720, 1280, 3), 90, np.uint8)
        drawing.draw_objects(frame, Objects(known, [Label("dog", 0.6), Label("cat", 0.3), Label("frog", 0.1)], 0.6))
        lengths = {}
        for color in (drawing.GREEN, drawing.PALE):
            rows = (frame == color).all(-1).sum(1)
            changes = np.flatnonzero(np.diff(np.r_[0, (rows > 5).astype(int), 0]))
            lengths[color] = [int(rows[a + (b - a) // 2]) for a, b in zip(changes[::2], changes[1::2], strict=True)]
        bars = lengths[drawing.GREEN] + lengths[drawing.PALE]
        assert len(lengths[drawing.GREEN]) == known
        assert np.array(bars) / bars[0] == pytest.approx([1, 0.5, 1 / 6], abs=0.05)
        assert (frame[:, 640:] == 90).all()
        assert (frame[:400] == 90).all()


@pytest.mark.parametrize(("height", "width"), [(120, 160), (48, 64), (8, 300), (300, 8)])
def test_bars_stay_in_small_frames(height, width):
    frame = np.full((height, width, 3), 90, np.uint8)
    drawing.draw_objects(frame, Objects(False, [Label("a long name of a class", 0.6), Label("cat", 0.3)], 0.6))
    assert (frame != 90).any()


def test_more_heat_is_lighter_for_all_eyes():
    heat = np.tile(np.linspace(0, 0.5, 256, dtype=np.float32), (20, 1))
    image = np.full((20, 256, 3), 128, np.uint8)
    drawing.draw_heat(image, heat)
    lightness = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)[10, :, 0].astype(int)
    assert lightness[-1] - lightness[0] > 40
    assert np.diff(lightness).min() >= -1
    high = np.full((600, 256, 3), 128, np.uint8)
    drawing.draw_heat(high, np.tile(heat, (30, 1)))
    assert (high == image[0]).all()
    calm = np.full((20, 256, 3), 128, np.uint8)
    drawing.draw_heat(calm, heat / 100)  # so small falls are no reason
    assert [drawing.caption("cat", part) for part in (heat, heat / 100)] == [
        "what speaks for cat: yellow most", "no place alone speaks for cat",
    ]  # fmt: skip
    assert np.ptp(cv2.cvtColor(calm, cv2.COLOR_BGR2LAB)[10, :, 0].astype(int)) < 20
