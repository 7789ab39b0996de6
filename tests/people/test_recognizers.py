"""The recognisers: who is named, who is not any more, what is refused, and that none of them imports TensorFlow."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import script_environment

from recognition.embeddings import dlib_embedder, sface_embedder, statistics
from recognition.faces import detection, gallery
from recognition.faces.alignment import align_precisely
from recognition.faces.crops import FORMS
from recognition.models import store
from recognition.models.weights import load_weights
from recognition.networks.architectures import ARCHITECTURES
from recognition.networks.backend import keras
from recognition.people import recognizers
from recognition.people.database import People
from recognition.settings import UserError
from recognition.synthetic.portraits import draw_face, write_people

FORM = FORMS["faces"]
PEOPLE = ["person 0", "person 1", "person 2"]


@pytest.fixture(scope="module")
def detector():
    return detection.load_detector("hog")  # needs no download


@pytest.fixture(scope="module")
def folders(tmp_path_factory, detector) -> tuple[Path, Path]:
    """Return a folder of three drawn people, and one with an untrained cnn that knows them by one photo each."""
    root = tmp_path_factory.mktemp("cnn")
    folder = write_people(root / "people", 3, 1)
    write_cnn(root / "models", detector)
    return folder, root / "models"


def write_cnn(folder: Path, detector, threshold: float = 0.6) -> None:
    """Write an untrained cnn that knows the drawn people 0 to 2 by one photo each."""
    keras.utils.set_random_seed(0)
    model = ARCHITECTURES["faces"](3)
    crops = np.concatenate([FORM.crop(frame := draw_face(k), detector.detect(frame)) for k in range(3)])
    body = keras.Model(model.input, model.get_layer("features").output)
    features = body.predict(crops[..., None], verbose=0)
    model.get_layer("features").moving_mean.assign(features.mean(0))  # random features are all alike otherwise
    features = body.predict(crops[..., None], verbose=0)
    model.get_layer("cosines").set_weights([features.T])
    card = {"architecture": "faces", "class_names": PEOPLE, "threshold": threshold, "preprocessing": str(FORM)}
    store.save(model, card, "faces", folder)


@pytest.fixture
def copied(folders, tmp_path) -> tuple[Path, Path]:
    for folder in folders:
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / "people", tmp_path / "models"


def load(copied: tuple[Path, Path]) -> recognizers.CnnRecognizer:
    return recognizers.CnnRecognizer(copied[0], models_folder=copied[1])


def names(recognizer, detector, *people: int) -> list[str | None]:
    """Return whom the drawn people, side by side in one frame, are taken for, from left to right."""
    frame = np.hstack([draw_face(person) for person in people])
    found = sorted(detector.detect(frame), key=lambda face: face.box[0])
    assert len(found) == len(people)
    return [match.name for match in recognizer.identify(frame, found)]


def test_cnn_names_all_faces_of_a_frame_at_once(copied, detector, capsys):
    recognizer = load(copied)
    assert names(recognizer, detector, 2, 0, 1) == ["person 2", "person 0", "person 1"]
    assert recognizer.identify(draw_face(0), []) == []
    assert not recognizer.refresh()
    assert capsys.readouterr().err == ""


def test_cnn_measures_by_the_cosine(copied, detector):
    frame = draw_face(1, photo=3)
    found = detector.detect(frame)
    recognizer = load(copied)
    (match,) = recognizer.identify(frame, found)
    model = load_weights(copied[1] / "faces.weights.h5", "faces", 3)
    crop = FORM.crop(frame, found)
    cosines = np.mean([model.predict(way[..., None], verbose=0)[0] for way in (crop, crop[..., ::-1])], 0)
    assert match.distance == pytest.approx(1 - cosines.max(), abs=0.05)  # its weights are rounded to 8 bits
    assert (match.name is not None) == (match.distance <= 0.4)
    assert 0 <= match.confidence <= 1
    (again,) = recognizer.match(recognizer.embed(recognizer.crop(frame, found)))
    assert again == match


def test_gray_crops_are_what_opencv_makes_of_aligned_faces(detector):
    frame = draw_face(0)
    found = detector.detect(frame)
    expected = cv2.cvtColor(align_precisely(frame, found[0].landmarks, 200, FORM.padding), cv2.COLOR_BGR2GRAY)
    assert np.array_equal(FORM.crop(frame, found), expected[None])
    wider = FORM.crop(frame, found, 0.1)
    assert wider.shape == (1, 240, 240)
    assert np.abs(wider[0, 20:220, 20:220].astype(int) - expected).mean() < 4  # nearly the same scale and place
    assert FORM.crop(frame, []).shape == (0, 200, 200)


def test_cnn_does_not_name_whom_the_database_forgot(copied, detector, capsys):
    recognizer = load(copied)
    assert recognizer.names() == PEOPLE
    shutil.rmtree(copied[0] / "person 1")
    assert recognizer.refresh()
    assert recognizer.names() == ["person 0", "person 2"]
    assert names(recognizer, detector, 0, 1) == ["person 0", None]
    assert "person 1" in capsys.readouterr().err
    assert not recognizer.refresh()


def test_cnn_says_whom_it_does_not_know_yet(copied, capsys):
    write_people(copied[0], 1, 1, first=7)
    load(copied)
    assert capsys.readouterr().err == "person 7: unknown to the cnn till you run python face_recognition/train.py\n"


def test_cnn_takes_in_a_new_training(copied, detector):
    recognizer = load(copied)
    card = json.loads((copied[1] / "faces.json").read_text())
    (copied[1] / "faces.json").write_text(json.dumps(card | {"threshold": 1.0}))
    assert recognizer.refresh()
    frame = draw_face(0, photo=5)  # another photo than the network knows
    assert [match.name for match in recognizer.identify(frame, detector.detect(frame))] == [None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, r"faces\.json not found: the cnn is not trained yet: run python face_recognition/train\.py"),
        ({"architecture": "compact"}, "no network for faces"),
        ({"preprocessing": "other"}, "for other crops"),
        ({"class_names": ["a", "b", "c"]}, "trained for none of the people in"),
        ({"class_names": ["person 0"]}, "names 1 classes, the network has 3"),
    ],
)
def test_cnn_that_does_not_fit_is_refused_in_one_line(copied, change, message):
    path = copied[1] / "faces.json"
    card = json.loads(path.read_text())
    path.unlink() if change is None else path.write_text(json.dumps(card | change))
    with pytest.raises(UserError, match=message) as caught:
        load(copied)
    assert "\n" not in str(caught.value)


class Database:
    """Two people with one embedding each, in place of the database of people."""

    def __init__(self):
        self.changed = False

    def refresh(self) -> bool:
        return self.changed

    def gallery(self) -> gallery.Gallery:
        names = ["Ada", "Bob", "Cem"] if self.changed else ["Ada", "Bob"]
        return gallery.Gallery(names, np.eye(4, dtype=np.float32)[: len(names)], np.arange(len(names)))


class Colours:
    """Describes a crop by the strongest of its three colours."""

    size, padding, statistics = 32, 0.25, statistics.DLIB

    def embed(self, crops: np.ndarray, mirrored: bool = True) -> np.ndarray:
        return np.eye(4, dtype=np.float32)[crops.mean((1, 2)).argmax(1)]


def test_embeddings_are_compared_with_the_people(detector):
    database = Database()
    recognizer = recognizers.EmbeddingRecognizer(database, Colours())
    frame = draw_face(0)
    found = detector.detect(frame)
    skin = int(recognizer.crop(frame, found).mean((1, 2)).argmax())  # red, the third of three
    assert skin == 2
    (match,) = recognizer.identify(frame, found)
    assert match.name is None
    assert not recognizer.refresh()
    database.changed = True
    assert recognizer.refresh()
    assert recognizer.names() == ["Ada", "Bob", "Cem"]
    (match,) = recognizer.identify(frame, found)
    assert (match.name, match.distance) == ("Cem", 0)
    assert recognizer.match(recognizer.embed(recognizer.crop(frame, found)))[0] == match


def test_an_embedders_own_distances_reach_the_gallery(tmp_path, detector):
    class Other(Colours):
        name = "colours"
        statistics = statistics.Statistics(0.0, 0.0, nearest=0.45, decade=0.1)

    folder = write_people(tmp_path / "people", 1, 1)
    for accepted, threshold in ((0.01, 0.45), (0.1, 0.55)):
        assert People(folder, detector, Other(), accepted).gallery().threshold == pytest.approx(threshold)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dlib", {"accept": 0}, "--accept 0"),
        ("cnn", {"accept": 1.01}, r"--accept 1\.01"),
        ("dlib", {"weights": Path("a.h5")}, r"--weights a\.h5 has no effect: it goes with --recognizer vggface"),
        ("cnn", {"weights": Path("a.h5")}, r"--weights a\.h5"),
        ("dlib", {"model": "mine"}, "--model mine has no effect: it goes with --recognizer cnn"),
        ("vggface", {"model": "mine"}, "--model mine"),
    ],
)
def test_settings_of_another_recognizer_are_refused_before_anything_is_loaded(tmp_path, name, settings, message):
    with pytest.raises(UserError, match=message) as caught:
        recognizers.load(name, tmp_path, None, **settings)
    assert caught.value.code == 2


def test_cnn_runs_without_tensorflow(copied):
    program = (
        "import sys; from pathlib import Path; "
        "from recognition.people import recognizers; from recognition.faces import detection; "
        "from recognition.synthetic.portraits import draw_face;"
        "frame = draw_face(0); cnn = recognizers.CnnRecognizer(Path(sys.argv[1]), models_folder=Path(sys.argv[2]));"
        "print(cnn.identify(frame, detection.load_detector('hog').detect(frame))[0].name);"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    arguments = [sys.executable, "-c", program, *map(str, copied)]
    done = subprocess.run(arguments, env=script_environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "person 0\n"), done.stderr


def test_auto_says_when_it_has_to_do_without_sface(monkeypatch, capsys):
    def missing():
        raise UserError("sface.onnx not found and not downloaded (no network)")

    monkeypatch.setattr(sface_embedder, "load_embedder", missing)
    monkeypatch.setattr(sface_embedder, "is_here", lambda: False)
    for load in (recognizers.load_embedder, recognizers.late_embedder):
        assert load("auto").name == dlib_embedder.DlibEmbedder.name
        said = capsys.readouterr().err
        assert "no network" in said and "--recognizer dlib" in said and said.count("\n") == 1
    monkeypatch.setattr(sface_embedder, "is_here", lambda: True)
    assert recognizers.late_embedder("auto").name == sface_embedder.SFace.name  # loads nothing
    with pytest.raises(UserError, match="no network"):
        recognizers.load_embedder("sface")
