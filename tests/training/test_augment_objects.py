"""Images seen in other ways, and the batches made of them, compared with NumPy's own mirroring and padding."""

import runpy

import numpy as np
import pytest
from coloured_shapes import draw_dataset

from recognition import files, settings
from recognition.training import augment_objects, datasets


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return draw_dataset(200, 0)[0]


@pytest.fixture(scope="module")
def train() -> dict:
    """Return what the training script defines."""
    return runpy.run_path(str(files.ROOT / "cifar_recognition" / "train.py"))


def test_chosen_images_are_mirrored_left_to_right(images):
    before, chosen = images.copy(), np.arange(200) % 3 == 0
    found = augment_objects.mirror(images, chosen)
    assert (found[chosen] == np.flip(images[chosen], 2)).all() and (found[~chosen] == images[~chosen]).all()
    assert (images == before).all()


def test_images_are_shifted_by_every_offset_and_their_edges_mirrored(images):
    found = augment_objects.shift(images, np.random.default_rng(0), 2)
    seen = set()
    for image, shifted in zip(images, found, strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), "reflect")
        fits = [(y, x) for y in range(5) for x in range(5) if (padded[y : y + 32, x : x + 32] == shifted).all()]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) == 25
    assert (augment_objects.shift(images, np.random.default_rng(0), 0) == images).all()


def test_half_of_the_images_are_seen_from_nearer_or_a_little_further_away():
    rows, columns = np.mgrid[:32, :32]
    image = np.stack([4 * columns + 60, 4 * rows + 60, np.full((32, 32), 7)], -1).astype(np.uint8)
    images = np.repeat(image[None], 400, 0)
    found = augment_objects.zoom(images, np.random.default_rng(0), 2)
    assert (images == image).all()
    scales, places = [], set()
    for one in found[(found != images).any((1, 2, 3))].astype(float):
        across, down = (one[15, 18, 0] - one[15, 13, 0]) / 20, (one[18, 15, 1] - one[13, 15, 1]) / 20
        assert across == pytest.approx(down, abs=0.11) and (one[..., 2] == 7).all()  # as wide as high, colours kept
        scales.append(1 / across)
        places.add((one[15, 15, 0], one[15, 15, 1]))
        assert one[..., :2].min() >= 60 and one[..., :2].max() <= 60 + 4 * 31  # nothing from outside
    assert 160 < len(scales) < 240
    assert 0.65 < min(scales) < 0.8 and 1.7 < max(scales) < 2.3
    assert len(places) > 50
    assert np.abs(augment_objects.zoom(images, np.random.default_rng(0), 1).astype(int) - images).max() <= 1


def test_one_square_of_each_image_is_cut_out(images):
    before = images.copy()
    found = augment_objects.cut_out(images, np.random.default_rng(0), 12)
    places = set()
    for image, cut in zip(images, found, strict=True):
        rows, columns = np.nonzero((cut == augment_objects.GREY).all(2))
        y, x = rows.min(), columns.min()
        places.add((y, x))
        inside = np.zeros((32, 32), bool)
        inside[y : y + 12, x : x + 12] = True
        assert (cut[inside] == augment_objects.GREY).all() and (cut[~inside] == image[~inside]).all()
    assert len(places) > 100 and (images == before).all()
    assert (augment_objects.cut_out(images, np.random.default_rng(0), 32) == augment_objects.GREY).all()


def batch(train: dict, images: np.ndarray, epoch: int, step: int, **changes) -> tuple[np.ndarray, np.ndarray]:
    config = train["Config"](batch_size=50, **{"shift": 0, "zoom": 1, "cutout": 0, "mirror": True} | changes)
    return train["make_batch"](config, images, np.arange(200)[:, None], epoch, step)


def test_an_epoch_shows_every_image_once_and_the_next_one_mirrored(train, images):
    shown = []
    for epoch in range(3):
        parts = [batch(train, images, epoch, step) for step in range(4)]
        order = np.concatenate([targets[:, 0] for _, targets in parts])
        assert sorted(order) == list(range(200))
        shown.append(np.concatenate([part for part, _ in parts])[np.argsort(order)])
    mirrored = (shown[0] == np.flip(images, 2)).all((1, 2, 3))
    assert ((shown[0] == images).all((1, 2, 3)) ^ mirrored).all()
    assert 70 < mirrored.sum() < 130
    assert (shown[1] == np.flip(shown[0], 2)).all() and (shown[2] == shown[0]).all()


def test_a_batch_depends_on_seed_epoch_and_step_alone(train, images):
    settings_of_all = {"shift": 2, "zoom": 1.5, "cutout": 8}
    first = batch(train, images, 1, 2, **settings_of_all)
    batch(train, images, 0, 0, **settings_of_all)
    assert all((a == b).all() for a, b in zip(first, batch(train, images, 1, 2, **settings_of_all), strict=True))
    for epoch, step, seed in ((2, 2, 0), (1, 1, 0), (1, 2, 1)):
        assert (batch(train, images, epoch, step, seed=seed, **settings_of_all)[1] != first[1]).any()
    plain = batch(train, images, 1, 2, mirror=False)
    assert (plain[0] == images[plain[1][:, 0]]).all()


def test_the_images_to_choose_by_are_the_same_for_every_training():
    kept, held_back = datasets.hold_back(100, 30)
    assert len(held_back) == 30 and sorted([*kept, *held_back]) == list(range(100))
    assert (datasets.hold_back(100, 30)[1] == held_back).all()
    assert (np.random.default_rng(0).permutation(100)[:30] == held_back).all()  # as cards of older models have it
    with pytest.raises(settings.UserError, match="--validation 100"):
        datasets.hold_back(100, 100)


def test_cifar10_is_known_by_its_checksum(cifar10):
    x_train, y_train, x_test, y_test = datasets.load_cifar10()
    assert (x_train.shape, y_train.shape, x_test.shape) == ((50000, 32, 32, 3), (50000,), (10000, 32, 32, 3))
    assert (np.bincount(y_train) == 5000).all() and (np.bincount(y_test) == 1000).all()
