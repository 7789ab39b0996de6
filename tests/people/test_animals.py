"""What looks like a face but is hardly a person's: left out of photos and libraries, enrolled only if asked for."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from coloured_faces import Detector, Embedder, picture

from recognition.faces.gallery import SURE, is_human
from recognition.library import scan
from recognition.library.index import LibraryIndex
from recognition.people import embed_photos, recognizers
from recognition.people.database import People


class Unsure(Detector):
    """Is not sure of the squares of `picture`."""

    def detect(self, frame: np.ndarray, main: bool = False):
        return [replace(face, confidence=SURE - 0.1) for face in super().detect(frame, main)]


class Lengths(Embedder):
    """Describes green squares in fewer words than others: they are the dogs here."""

    statistics = replace(Embedder.statistics, short=1.0)

    def embed(self, crops: np.ndarray, mirrored: bool = False) -> np.ndarray:
        """Return embeddings, float32 (N, 4), of length 0.9 for green and 1.1 for others."""
        rows = super().embed(crops)
        green = rows.argmax(1) == 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True) * np.where(green, 0.9, 1.1)[:, None]


@pytest.fixture
def photos(tmp_path):
    """Return the files of a picture of a person and of a dog, and of one with both."""
    both = picture(("red", 10, 30, 50), ("green", 70, 40, 45))
    for name, image in {"person": picture(), "dog": picture(("green", 30, 30, 60)), "both": both}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    return {name: tmp_path / f"{name}.png" for name in ("person", "dog", "both")}


def test_a_face_is_human_by_what_is_seen_in_it_or_where_it_is_sure():
    statistics, short, long = Lengths.statistics, np.array([0.6, 0.6]), np.array([0.8, 0.8])
    assert is_human(long, statistics) and not is_human(short, statistics)
    assert is_human(short, statistics, SURE) and not is_human(short, statistics, SURE - 0.01)
    assert is_human(np.zeros(2), Embedder.statistics)  # lengths do not tell


def test_photos_name_people_and_mark_others(photos, tmp_path):
    detector, embedder = Unsure(), Lengths()
    people = People(tmp_path / "people", detector, embedder, may_be_new=True)
    recognizer = recognizers.EmbeddingRecognizer(people, embedder)
    frame = cv2.imread(str(photos["both"]))
    assert [match.human for match in recognizer.identify(frame, detector.detect(frame))] == [True, False]
    assert [match.human for match in recognizer.identify(frame, Detector().detect(frame))] == [True, True]


def test_whoever_is_named_is_shown_however_little_is_seen(photos, tmp_path):
    detector, embedder = Unsure(), Lengths()
    people = People(tmp_path / "people", detector, embedder, may_be_new=True)
    people.add("Rex", photos["dog"].read_bytes())
    frame = cv2.imread(str(photos["dog"]))
    (match,) = recognizers.EmbeddingRecognizer(people, embedder).identify(frame, detector.detect(frame))
    assert match.name is None and not match.human  # plain squares are too blurred to be named
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognizers, "is_clear", lambda *_: True)
        (match,) = recognizers.EmbeddingRecognizer(people, embedder).identify(frame, detector.detect(frame))
    assert match.name == "Rex" and match.human


def test_only_who_is_asked_for_is_enrolled(photos):
    files = [(photos[name], None) for name in ("person", "dog")]
    reasons = {
        anybody: [reason for _, reason in embed_photos.embed_photos(files, Unsure(), Lengths(), anybody=anybody)]
        for anybody in (False, True)
    }
    assert reasons == {False: [None, "hardly the face of a person: --force takes it nevertheless"], True: [None, None]}


def test_a_library_knows_people_only(photos, tmp_path):
    index = LibraryIndex(tmp_path / "library.sqlite", may_be_new=True)
    embedder = Lengths()
    index.use(("squares", embedder.name, 1))
    report = scan.add(index, Unsure(), embedder, [tmp_path])
    assert (report.looked_at, report.faces) == (3, 2)
    assert [len(index.faces(index.content(path))[0]) for path in photos.values()] == [1, 0, 1]
