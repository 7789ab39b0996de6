"""The files of the database of people: their names, when the folder is made, and photos that stay as they came."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from coloured_faces import Detector, Embedder, picture
from test_people import INDEX, notices, open_people, who

from recognition.faces import detection
from recognition.people import photo_files
from recognition.people.database import People
from recognition.settings import UserError
from recognition.synthetic.portraits import draw_face


@pytest.mark.parametrize(
    "name",
    ["", "  ", ".", "..", "../x", "a/b", "a\\b", "/etc", ".hidden", "a\nb", "a\0b", "CON", "nul.txt", "com1", "x.",
     "a:b", "what?", "x" * 101, "\U0001f600" * 64, "a\u202eb", "a\udc80b"],
)  # fmt: skip
def test_names_that_cannot_be_folders_are_refused(tmp_path, name):
    database = open_people(tmp_path / "faces")
    with pytest.raises(UserError) as error:
        database.add(name, picture())
    assert error.value.code == 2 and "\n" not in str(error.value)
    with pytest.raises(UserError):
        database.forget(name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "Zoë", "李雷", "\U0001f600\U0001f468\u200d\U0001f469", "O'Neil, J.R", "x" * 100]
)
def test_other_names_are_kept(tmp_path, name):
    database = open_people(tmp_path)
    database.add(f" {name} ", picture())
    assert database.names() == [name]


def test_photos_are_kept_as_they_came_and_only_once(tmp_path):
    database = open_people(tmp_path)
    content = cv2.imencode(".png", picture())[1].tobytes()
    assert database.add("Ada", content).read_bytes() == content
    with pytest.raises(UserError, match="already there"):
        database.add("Ada", content)
    with pytest.raises(UserError, match="no face"):
        database.add("Bob", np.full((60, 60, 3), 128, np.uint8))
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["Ada"]


def test_looking_makes_no_folder_and_adding_does(tmp_path):
    folder = tmp_path / "new" / "faces"
    one, other = open_people(folder), open_people(folder)
    for database in (one, other):
        assert database.names() == database.gallery().names == database.photos("Ada") == []
        assert not database.refresh() or not database.refresh()
        with pytest.raises(UserError, match="nobody is called"):
            database.forget("Ada")
        with pytest.raises(UserError, match="no face"):
            database.add("Ada", np.full((60, 60, 3), 128, np.uint8))
    assert os.listdir(tmp_path) == []
    one.add("Ada", picture())
    assert one.names() == ["Ada"] and one.embedder.calls == 1
    assert notices(other) and other.gallery().names == ["Ada"] and other.embedder.calls == 0
    assert (folder / INDEX).stat().st_size > 0
    assert who(one, "red") == "Ada"
    shutil.rmtree(folder)
    assert notices(one) and one.names() == [] and not folder.exists()
    one.add("Bob", picture())
    assert one.names() == open_people(folder).names() == ["Bob"]


def test_a_folder_that_is_mistyped_is_not_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder, new in ((tmp_path / "nosuch", False), (tmp_path / "file", True), (tmp_path / "file", False)):
        with pytest.raises(UserError, match=f"--faces {folder}: no such folder.*enroll.py") as error:
            People(folder, Detector(), Embedder(), may_be_new=new)
        assert error.value.code == 2
    monkeypatch.setattr("recognition.people.database.FACES", tmp_path / "default")
    assert People(tmp_path / "default", Detector(), Embedder()).names() == []
    assert os.listdir(tmp_path) == ["file"]


def test_what_others_looked_into_is_not_looked_into_again(tmp_path):
    database = open_people(tmp_path)
    embedding, reason = next(database.embed_photos([(Path("photo"), photo_files.encode(picture()))]))
    database.add("Ada", picture(), embedding)
    assert reason is None
    assert database.gallery().names == ["Ada"] and database.embedder.calls == 1


def test_many_photos_are_looked_into_in_their_order(tmp_path):
    database = open_people(tmp_path)
    colours = "red", "green", "blue", "yellow"
    photos = [(Path(str(k)), photo_files.encode(picture((colours[k % 4], 30, 30, 60), seed=k))) for k in range(40)]
    photos[5], photos[17] = (Path("5"), b"no image"), (Path("17"), photo_files.encode(picture()[:20, :20]))
    photos[33] = tmp_path / "33.png", None
    looks = list(database.embed_photos(iter(photos)))
    assert [k for k, (embedding, _) in enumerate(looks) if embedding is None] == [5, 17, 33]
    reasons = [looks[k][1] for k in (5, 17, 33)]
    assert reasons == ["no image that can be read: is it damaged?", "no face found", "not found"]
    for k in set(range(40)) - {5, 17, 33}:
        assert looks[k][0][:3].argmax() == (2, 1, 0, 1)[k % 4] or k % 4 == 3, k
        assert np.allclose(looks[k][0], looks[k % 4][0], atol=0.05) and looks[k][1] is None


def test_the_gallery_knows_those_who_were_added_as_another_program_would(tmp_path):
    database = open_people(tmp_path)
    assert database.gallery().names == []
    for k, (name, colour) in enumerate((("Zoe", "red"), ("Ada", "green"), ("Zoe", "red"), ("Bob", "blue"))):
        database.add(name, picture((colour, 30, 30, 60), seed=k))
        ours, theirs = database.gallery(), open_people(tmp_path).gallery()
        assert sorted(ours.names) == theirs.names and ours.threshold == pytest.approx(theirs.threshold, abs=1e-6)
        for colour in ("red", "green", "blue"):
            assert who(database, colour) == who(open_people(tmp_path), colour)


def test_a_strip_one_pixel_wide_is_named_and_the_rest_counts(tmp_path, capsys):
    for name, image in (("strip", np.zeros((1, 5000, 3), np.uint8)), ("good", draw_face(0))):
        (tmp_path / "Ada").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "Ada" / f"{name}.png"), image)
    database = People(tmp_path, detection.load_detector("hog"), DrawnEmbedder())
    assert len(database.embeddings("Ada")) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'Ada' / 'strip.png'}: not used: no face found\n"


class DrawnEmbedder(Embedder):
    """Takes the crops of `DlibEmbedder`."""

    size = 150


def test_an_embedder_that_cannot_be_loaded_is_no_fault_of_the_photos(tmp_path):
    def fail(crops):
        raise UserError("pip install something")

    (tmp_path / "Ada").mkdir()
    cv2.imwrite(str(tmp_path / "Ada" / "a.png"), picture())
    database = open_people(tmp_path)
    database.embedder.embed = fail
    with pytest.raises(UserError, match="pip install"):
        database.gallery()
    assert open_people(tmp_path).gallery().names == ["Ada"]


def test_a_merge_is_whole_though_other_files_are_left(folder, capsys):
    (folder / "red" / ".DS_Store").write_bytes(b"of a file manager")
    database = open_people(folder)
    database.merge("red", "blue", force=True)
    assert f"{folder / 'red'}: the photos were moved; other files are left there" in capsys.readouterr().err
    assert len(database.photos("blue")) == len(database.embeddings("blue")) == 4 and "red" not in database.names()
    assert database.merged_into("blue") == {"red"}
    assert len(database.undo_merge().photos) == len(database.photos("red")) == 2


def test_a_merge_whose_photos_are_gone_blocks_no_other(folder):
    database = open_people(folder)
    database.merge("red", "blue", force=True)
    before = set(database.photos("blue"))
    database.merge("green", "blue", force=True)
    for path in set(database.photos("blue")) - before:
        path.unlink()
    with pytest.raises(UserError, match=r"the photos that blue got from green are gone.* is about the one before"):
        database.undo_merge()
    assert database.undo_merge().source == "red" and len(database.photos("red")) == 2
    with pytest.raises(UserError, match="nobody was merged"):
        database.undo_merge()
