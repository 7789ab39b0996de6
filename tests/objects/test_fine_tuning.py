"""Models whose last block of the backbone learned, too: made, used, and refused in one line."""

import json
import shutil

import numpy as np
import pytest

from recognition.files import ROOT, sha256
from recognition.models import cards
from recognition.objects import backbones, classification, features, lite0
from recognition.settings import UserError

EXTRACT, TRAIN = "cifar_recognition/extract_features.py", "cifar_recognition/train_transfer.py"
PREDICT, SAMPLES = "cifar_recognition/predict_static.py", ROOT / "data" / "samples"


def test_what_stands_before_the_last_block_is_what_it_works_on():
    from recognition.networks import efficientnet

    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8).repeat(12, 1).repeat(12, 2)
    backbone = backbones.load(lite0.NAME, size=96)
    before = backbone.before_last_block()
    tail = efficientnet.tail(96)
    tail.set_weights(lite0.in_keras().get_weights()[efficientnet.BEHIND])
    found = before.features(images)
    assert found.shape == (2, 3 * 3 * 192)
    features = tail.predict(found.reshape(2, 3, 3, 192), verbose=0)
    expected = backbone.features(images)
    assert np.linalg.norm(features - expected) < 0.01 * np.linalg.norm(expected)
    assert np.array_equal(before.joined(found), found.ravel())  # all crops, one behind the other
    assert np.array_equal(before.alone(images), np.tile(found, (1, 6)))  # three looks and their mirror images
    assert np.array_equal(backbone.alone(images), np.tile(expected, (1, 3)))


def test_the_last_block_learns_too_and_the_model_is_used_as_all_are(script, tmp_path):
    folder = tmp_path / "fruit"
    shutil.copytree(SAMPLES / "fruit", folder)
    place = ("--output", tmp_path)
    assert script(EXTRACT, folder, *place).returncode == 0
    quick = ("--features", tmp_path, *place, "--folds", "2", "--json")
    done = script(TRAIN, "fruit", *quick, "--unfreeze")
    assert done.returncode == 0, done.stderr
    assert "without --unfreeze" in done.stderr
    assert "retracing" not in done.stderr
    measured = json.loads(done.stdout)
    assert min(measured["frozen"], measured["validation_accuracy"]) > 0.9
    card = cards.read_card("fruit", tmp_path)
    assert (card["architecture"], card["shape"]["looks"], card["shape"]["size"]) == ("fine_tuned", 3, 160)
    photos = [SAMPLES / "banana.jpg", SAMPLES / "apple.jpg", *sorted((SAMPLES / "objects").glob("*.jpg"))]
    done = script(PREDICT, "--model", tmp_path / "fruit", "--json", *photos)
    assert (done.returncode, done.stderr) == (0, "")
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["top"][0]["label"] for one in seen[:2]] == ["banana", "apple"]
    assert [one["known"] for one in seen] == [True, True, False, False, False]

    # One crop after the other, as live frames are looked at, comes to the same
    from recognition.media.frames import read_image

    classifier, image = classification.load(str(tmp_path / "fruit")), read_image(SAMPLES / "banana.jpg")
    at_once = classifier.look(image)
    in_turn = np.concatenate([classifier.look(image, turn) for turn in range(len(at_once))])
    assert np.allclose(classifier.tell(at_once), classifier.tell(in_turn), atol=1e-3)

    # What the features were made of has to be there, as it was
    changed = folder / "apple" / "0.jpg"
    shutil.copy(folder / "apple" / "1.jpg", changed)
    for message in (f"{changed}: changed since: run python cifar_recognition/extract_features.py {folder} again",
                    f"{changed}: No such file or directory: run python"):  # fmt: skip
        done = script(TRAIN, "fruit", *quick, "--unfreeze")
        assert done.returncode == 1
        assert message in done.stderr.splitlines()[-1]
        changed.unlink(missing_ok=True)


def test_a_card_that_says_anything_is_refused():
    from recognition.networks.objects import fine_tuned

    for shape in ({"size": 10**6, "looks": 3, "inputs": 3840}, {"size": 160, "looks": 10**6, "inputs": 3840}):
        with pytest.raises(ValueError):
            fine_tuned(2, **shape, hidden=0, dropout=0.0)


def test_other_backbones_have_no_last_block_to_learn(script, tmp_path):
    place = ("--output", tmp_path)
    assert script(EXTRACT, SAMPLES / "fruit", "--backbone", "cifar10", *place).returncode == 0
    done = script(TRAIN, "fruit", "--features", tmp_path, *place, "--unfreeze")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("--unfreeze goes with --backbone efficientnet_lite0, not with cifar10")


def test_images_that_do_not_fit_into_memory_are_refused(monkeypatch):
    files = ["apple/0.jpg", "apple/1.jpg"]
    hashes = [sha256((SAMPLES / "fruit" / file).read_bytes()) for file in files]
    backbone = backbones.load(lite0.NAME, size=96)
    content = features.Features(None, None, ["apple"], files, hashes, backbone.identity, str(SAMPLES / "fruit"))
    each = features.before_last_block(content, backbone)[0].nbytes
    monkeypatch.setattr(features, "MOST", 2 * each - 1)
    with pytest.raises(UserError, match="--unfreeze: 2 images, 1 at most fit: leave it out"):
        features.before_last_block(content, backbone)
