"""Training the cnn as a user runs it, on drawn people: files, refusals, resuming, and mistakes in one line."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import script_environment

from recognition.embeddings import dlib_conversion, dlib_embedder, dlib_weights
from recognition.faces import detection
from recognition.faces.crops import FORMS, similarities
from recognition.files import ROOT
from recognition.models import cards, store
from recognition.models.weights import load_weights
from recognition.people import recognizers
from recognition.settings import UserError
from recognition.synthetic.portraits import draw_face, write_people
from recognition.training import augment_faces, datasets
from recognition.training.face_photos import load_photos

SCRIPT = "face_recognition/train.py"
SMALL = (
    *("--detector", "hog", "--epochs", "3", "--views", "128", "--fill", "6", "--batch-size", "16"),
    *("--precision", "float32", "--strength", "0.5", "--output"),
)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    """Return photos of four drawn people, three each, one photo that shows nobody, and one that is no photo."""
    folder = write_people(tmp_path_factory.mktemp("photos") / "people", 4, 3)
    cv2.imwrite(str(folder / "person 0" / "wall.png"), np.full((240, 240, 3), 128, np.uint8))
    (folder / "person 1" / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def strangers(tmp_path_factory) -> Path:
    """Return photos of eight other drawn people, some of them in a folder of their own."""
    folder = write_people(tmp_path_factory.mktemp("strangers"), 3, 1, first=20)
    for person in range(23, 28):
        cv2.imwrite(str(folder / f"{person}.png"), draw_face(person))
    return folder


def start(people: Path, strangers: Path, output: Path) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, str(ROOT / SCRIPT), "--faces", people, "--strangers", strangers, *SMALL, str(output)]
    return subprocess.Popen(command, cwd=output.parent, env=script_environment(), **pipes)


@pytest.fixture(scope="module")
def trained(people, strangers, tmp_path_factory) -> tuple[Path, str, str, int]:
    """Return the folder of a model whose training was killed and started again, what that printed, its exit code."""
    output = tmp_path_factory.mktemp("trained") / "models"
    checkpoint = output / "faces.fold-2.checkpoint.json"  # the first fold is done
    with start(people, strangers, output) as process:
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert checkpoint.exists()
    assert not (output / "faces.json").exists()
    with start(people, strangers, output) as process:
        stdout, stderr = process.communicate(timeout=240)
    return output, stdout, stderr, process.returncode


def test_training_writes_the_model_and_names_what_it_could_not_use(trained, people):
    folder, stdout, stderr, code = trained
    suffixes = (".json", ".tflite", ".weights.h5", "_confusion.png", "_history.png")
    assert sorted(path.name for path in folder.iterdir()) == [f"faces{suffix}" for suffix in suffixes]
    assert code == 1  # two photos could not be used, the rest was
    assert f"{people / 'person 0' / 'wall.png'}: no face found" in stderr
    assert "broken.jpg: no image that can be read" in stderr
    assert "4 people, 12 photos" in stderr
    assert "Traceback" not in stderr
    assert len(stdout.splitlines()) == 1


def test_it_is_told_how_many_are_found_and_named_and_that_photos_are_few(trained):
    folder, stdout, stderr, _ = trained
    measured = cards.read_card("faces", folder)["measured"]
    assert (
        measured["photos"] == 8 and measured["stranger_photos"] == 8
    )  # in 3 folds one of each who is known; the folder
    assert f"{folder / 'faces'}: of 8 photos held back {measured['nearest']} (" in stdout
    assert f", {measured['found']} (" in stdout
    assert f"of 8 photos of strangers {measured['strangers_named']} (" in stdout
    assert "8 photos of strangers are too few to know that 5.0% of them get a name: 60 are needed" in stderr
    assert "8 photos held back are too few to know how many are found: 100 are needed" in stderr
    assert "--recognizer auto" in stderr


def test_card_describes_photos_and_files(trained, people):
    card = json.loads((trained[0] / "faces.json").read_text())
    assert card["class_names"] == [f"person {k}" for k in range(4)]
    assert card["settings"]["epochs"] == 3
    assert 0 < card["threshold"] < 1
    for suffix, digest in card["sha256"].items():
        assert hashlib.sha256((trained[0] / f"faces.{suffix}").read_bytes()).hexdigest() == digest
    digest = hashlib.sha256()
    for k in range(4):
        for photo in range(3):
            path = people / f"person {k}" / f"{photo}.png"
            digest.update(f"person {k}/{photo}.png\0".encode() + path.read_bytes())
    assert card["dataset"] == {"name": "people", "photos": 12, "sha256": digest.hexdigest()}


def test_trained_cnn_names_new_photos_of_its_people(trained, people):
    recognizer = recognizers.CnnRecognizer(people, models_folder=trained[0])
    detector = detection.load_detector("hog")
    read = []
    for person in range(4):
        for photo in range(10, 15):
            frame = draw_face(person, photo)
            scores = recognizer.embed(recognizer.crop(frame, detector.detect(frame)))[0]
            read.append(int(scores.argmax()) == person)
    assert np.mean(read) >= 0.9  # a quarter would be guessing


def test_threshold_refuses_the_strangers(trained, strangers):
    card = json.loads((trained[0] / "faces.json").read_text())
    detector, best = detection.load_detector("hog"), []
    model = store.load("faces", trained[0])
    for path in strangers.rglob("*.png"):
        frame = cv2.imread(str(path))
        best.append(similarities(model, FORMS["faces"].crop(frame, detector.detect(frame))).max())
    assert len(best) == 8
    assert card["threshold"] == pytest.approx(np.quantile(best, 0.95), abs=0.002)
    assert card["measured"]["strangers_named"] <= 1  # the one above the 95th hundredth


def test_killed_training_goes_on_where_it_was(trained):
    _, _, stderr, _ = trained
    assert "continuing after epoch 3 (" in stderr  # the first fold, which is not trained again
    assert stderr.count("epoch 1/3") <= 3  # two folds, which it may not have come to, and the network of all photos
    assert "epoch 3/3" in stderr


def test_git_ignores_what_a_users_training_writes():
    if not (ROOT / ".git").exists():
        pytest.skip("no git here")
    written = [f"models/faces{suffix}" for suffix in (".json", ".tflite", ".weights.h5", "_confusion.png")]
    command = ["git", "check-ignore", *written, "models/digits.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == written


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--faces", "nowhere"), 2, "nowhere: cannot be listed"),
        (("--faces", "empty"), 2, "empty: no folders of people in it: put photos into empty/NAME"),
        (("--faces", "faceless"), 1, "faceless: no photo with a face"),
        (("--name", "../x"), 2, "model name '../x': must be letters"),
        (("--faces", "alone"), 2, "alone: only person 0: the cnn needs at least two people"),
        (("--faces", "alone", "--strangers", "nowhere"), 2, ""),
        (("--epochs", "0"), 2, "--epochs 0: must be at least 1"),
        (("--validation", "1.5"), 2, "--validation 1.5: must be 0 to 1"),
        (("--threshold", "1.5"), 2, "--threshold 1.5: must be 0 to 1"),
        (("--folds", "2"), 2, "--folds 2: must be at least 3"),
        (("--output", "file"), 2, "choose another --output"),
    ],
)
def test_mistakes_are_one_line(script, tmp_path, arguments, code, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "faceless" / "wall").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "faceless" / "wall" / "wall.png"), np.full((240, 240, 3), 128, np.uint8))
    write_people(tmp_path / "alone", 1, 1)
    done = script(SCRIPT, "--detector", "hog", *arguments)
    assert done.returncode == code
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_everybody_keeps_a_photo_to_train_on():
    labels = np.repeat(np.arange(6), (1, 2, 3, 5, 10, 40))
    kept, held_back = datasets.split(labels, 0.2)
    assert sorted([*kept, *held_back]) == list(range(len(labels)))
    assert np.bincount(labels[held_back], minlength=6).tolist() == [0, 0, 1, 1, 2, 8]
    kept, held_back = datasets.split(labels, 1.0)
    assert np.bincount(labels[kept]).tolist() == [1] * 6
    assert len(datasets.split(labels, 0.0)[1]) == 0


def test_views_differ_and_are_the_same_for_the_same_seed():
    crops = np.stack([cv2.cvtColor(draw_face(k), cv2.COLOR_BGR2GRAY) for k in range(4)])
    views = augment_faces.augment(crops, np.random.default_rng(3))
    assert views.shape == (4, 200, 200)
    assert views.dtype == np.uint8
    assert np.array_equal(views, augment_faces.augment(crops, np.random.default_rng(3)))
    assert not np.array_equal(views, augment_faces.augment(crops, np.random.default_rng(4)))
    plain = augment_faces.augment(crops, np.random.default_rng(3), 0.0)  # the crops or their mirror images
    middle = crops[:, 20:220, 20:220]
    for view, crop in zip(plain, middle, strict=True):
        assert min(np.abs(view.astype(int) - way).max() for way in (crop, crop[:, ::-1])) <= 1
    assert np.array_equal(augment_faces.centre(crops), middle)


def test_invented_people_are_made_of_two():
    crops = np.repeat(np.array([0, 100, 200], np.uint8), 2)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    invented, owners = augment_faces.invent(crops, np.repeat(np.arange(3), 2), 20, np.random.default_rng(0))
    assert np.bincount(owners).tolist() == [2] * 20
    for owner in range(20):
        first, second = invented[owners == owner]
        assert np.array_equal(first, second)  # in one way for all of one person's photos
        assert first.std() > 10 or 10 < first.mean() < 190  # parts of both, or a morph


def test_folder_of_photos_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="nowhere: cannot be listed"):
        load_photos(tmp_path / "nowhere", None, FORMS["faces"], 0.1)


def test_views_of_colour_and_their_gray_are_alike():
    crops = np.stack([draw_face(k) for k in range(4)])
    gray = np.stack([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops])
    views, same = (augment_faces.augment(kind, np.random.default_rng(3), 0.3) for kind in (crops, gray))
    assert views.shape == (4, 200, 200, 3)
    for view, other in zip(views, same, strict=True):
        assert np.corrcoef(cv2.cvtColor(view, cv2.COLOR_BGR2GRAY).ravel(), other.ravel())[0, 1] > 0.9
    invented, owners = augment_faces.invent(crops, np.arange(4), 5, np.random.default_rng(0))
    assert invented.shape == (5, 240, 240, 3) and sorted(owners) == list(range(5))


EMBEDDING = ("--architecture", "embedding", "--detector", "hog")


@pytest.mark.parametrize("unfreeze", [False, True])
def test_the_embedding_starts_from_what_dlib_learnt(unfreeze, script, tmp_path):
    folder, output = write_people(tmp_path / "people", 3, 2), tmp_path / "models"
    train = ["--unfreeze", "--epochs", 1, "--views", 32, "--fill", 4] if unfreeze else []
    done = script(SCRIPT, "--faces", folder, *EMBEDDING, *train, "--output", output)
    assert done.returncode == 0, done.stderr
    assert (output / "faces_history.png").exists() is unfreeze
    card = cards.read_card("faces", output)
    assert (card["architecture"], card["preprocessing"]) == (
        "embedding",
        "RGB 150x150, aligned precisely, padding 0.25",
    )
    theirs = dlib_conversion.trained(dlib_weights.read(dlib_embedder.descriptor_file())).get_weights()
    ours = load_weights(output / "faces.weights.h5", "embedding", 3).get_weights()
    changed = [not np.array_equal(one, other) for one, other in zip(ours, theirs, strict=False)]
    assert changed == [False] * (len(theirs) - 5) + [unfreeze] * 5  # three matrices, two with a bias
    recognizer = recognizers.CnnRecognizer(folder, models_folder=output)
    detector = detection.load_detector("hog")
    for person in range(3):
        frame = draw_face(person, photo=7)
        match = recognizer.identify(frame, detector.detect(frame))[0]
        assert match.nearest == f"person {person}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unfreeze"], "--unfreeze has no effect: it goes with --architecture embedding"),
        ([*EMBEDDING, "--epochs", "5"], "--epochs 5 has no effect: only --unfreeze trains"),
        ([*EMBEDDING, "--unfreeze", "--epochs", "0"], "--epochs 0"),
    ],
)
def test_settings_without_effect_are_refused(arguments, message, script, tmp_path):
    done = script(SCRIPT, "--faces", write_people(tmp_path / "people", 2, 1), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_real_people(orl_faces, script, tmp_path):
    """Four people with five photos each: the other five of each are named right."""
    for person in ("s1", "s2", "s3", "s4"):
        (tmp_path / "people" / person).mkdir(parents=True)
        for photo in range(1, 6):
            shutil.copy(orl_faces / person / f"{photo}.pgm", tmp_path / "people" / person)
    output = tmp_path / "models"
    done = script(
        SCRIPT, "--faces", tmp_path / "people", "--epochs", 3, "--views", 256, "--fill", 8, "--output", output
    )
    assert done.returncode == 0, done.stderr
    recognizer = recognizers.CnnRecognizer(tmp_path / "people", models_folder=output)
    detector = detection.load_detector("auto")
    right = []
    for person, name in enumerate(("s1", "s2", "s3", "s4")):
        for photo in range(6, 11):
            frame = cv2.imread(str(orl_faces / name / f"{photo}.pgm"))
            scores = recognizer.embed(recognizer.crop(frame, detector.detect(frame)[:1]))[0]
            right.append(int(scores.argmax()) == person)
    assert np.mean(right) >= 0.9
