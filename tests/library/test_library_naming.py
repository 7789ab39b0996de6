"""Naming, correcting and finding people in a library, on embeddings made by hand."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from coloured_faces import SHAPE, Detector, Embedder, picture

from recognition.faces.detection import Face
from recognition.library import pictures
from recognition.library.index import LibraryIndex
from recognition.library.naming import Library
from recognition.library.tables import File, KnownFace
from recognition.people.database import People
from recognition.settings import UserError

WAY = "squares", "colours", 1
AXES = np.eye(8, dtype=np.float32)


def seen(person, shot=0, x=0, clear=True):
    """Return a face of a person, 0 to 3, at x; its `shot`, 0 to 3, changes it by more than a copy would."""
    embedding = AXES[person] + 0.15 * AXES[4 + shot]
    box = x, 0, x + 50, 50
    return KnownFace(Face(box, np.float32(box[:2] + 50 * SHAPE), 1.0), embedding, clear, 1 - shot / 10)


@pytest.fixture
def index(tmp_path):
    index = LibraryIndex(tmp_path / "library.sqlite", may_be_new=True)
    index.use(WAY)
    return index


@pytest.fixture
def library(index, tmp_path):
    return Library(index, People(tmp_path / "people", Detector(), Embedder(), may_be_new=True))


def put(index, folder, **photos):
    """Record photos: their names, and the faces in them."""
    looked = []
    for name, faces in photos.items():
        path = Path(folder).resolve() / f"{name}.jpg"
        content = name + "".join(str(one.embedding.tolist()) for one in faces)
        looked.append((File(path, len(content), 1), hashlib.sha256(content.encode()).digest(), faces))
    index.record(looked, 0.17)
    index.drop_replaced()


def names(library, folder, name):
    path = Path(folder).resolve() / f"{name}.jpg"
    return [match.name for _, match in library.who(library.index.content(path))]


def name_by_hand(library, number, name):
    """Name a group without photos that could be enrolled."""
    faces = library.index.group(number)
    library.index.name([one.id for one in faces], name, {})


def test_groups_are_numbered_and_named_and_the_named_are_no_group_any_more(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0)], b=[seen(0, 1), seen(1, 0, 100)], c=[seen(1, 1)], d=[seen(0, 2)])
    put(library.index, tmp_path, e=[seen(2)], f=[seen(1, 2, clear=False)])
    groups = library.groups()
    assert [(group.number, group.photos) for group in groups] == [(1, 3), (2, 2)]
    assert groups[0].faces[0].quality == 1  # the clearest first
    name_by_hand(library, 1, "Ada")
    assert names(library, tmp_path, "b") == ["Ada", None]
    assert [group.number for group in library.groups()] == [2]
    assert names(library, tmp_path, "f") == [None]  # not clear
    # Numbers stay with their people when others are added, and a new group gets a new number
    put(library.index, tmp_path, g=[seen(3, 0)], h=[seen(3, 1)], i=[seen(3, 2)], j=[seen(1, 3)])
    assert [(group.number, group.photos) for group in library.groups()] == [(2, 3), (3, 3)]


def test_what_the_user_denies_is_never_undone(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0)], b=[seen(0, 1)], c=[seen(0, 2)])
    library.groups()
    name_by_hand(library, 1, "Ada")
    assert library.deny(tmp_path / "b.jpg", "Ada") == 0
    assert names(library, tmp_path, "b") == [None]
    put(library.index, tmp_path, d=[seen(0, 3)])
    (group,) = library.groups()
    assert group.photos == 2
    name_by_hand(library, group.number, "Ada")
    assert names(library, tmp_path, "d") == ["Ada"] and names(library, tmp_path, "b") == [None]
    # The gallery, too, is not believed
    library.people.add("Ada", picture(), AXES[0])
    assert library.people.gallery().match(seen(0, 1).embedding[None])[0].name == "Ada"
    assert names(library, tmp_path, "b") == [None]


def test_the_enrolled_are_named_but_what_the_user_said_comes_first_and_nobody_twice(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0), seen(0, 1, 100)], b=[seen(0, 2)], c=[seen(1)])
    library.people.add("Ada", picture(), AXES[0] + 0.1 * AXES[4])
    assert names(library, tmp_path, "a") == ["Ada", None] and names(library, tmp_path, "c") == [None]
    right = library.index.faces(library.index.content(tmp_path / "a.jpg"))[0][1]
    library.index.name([right.id], "Ada", {})
    assert names(library, tmp_path, "a") == [None, "Ada"]
    library.index.name([right.id], "Bea", {})
    assert names(library, tmp_path, "a") == ["Ada", "Bea"]
    assert not library.groups()  # whoever is named is in no group


def test_who_is_not_clear_is_unknown_and_nobody_is_twice_in_a_group(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0), seen(0, 1, 100)], b=[seen(0, 2)], c=[seen(0, 3, clear=False)])
    (group,) = library.groups()
    assert (group.photos, len(group.faces)) == (2, 2)
    library.people.add("Ada", picture(), AXES[0])
    assert names(library, tmp_path, "b") == ["Ada"] and names(library, tmp_path, "c") == [None]


def test_a_group_that_looks_like_somebody_else_needs_force(library, tmp_path):
    library.people.add("Ada", picture(), AXES[0])
    faces = [seen(0) for _ in range(4)]
    for k, one in enumerate(faces):  # each is too far from her, their mean is not
        one.embedding = AXES[0] + 0.6 * AXES[4 + k]
    put(library.index, tmp_path, a=faces[:1], b=faces[1:2], c=faces[2:3], d=faces[3:])
    ids = library.index.ungrouped()[0]
    library.index.set_numbers(ids, np.full(4, 1), 1, 2)
    assert [group.photos for group in library.groups()] == [4]
    with pytest.raises(UserError, match="group 1 looks like Ada"):
        library.name_group(1, "Bo")
    assert names(library, tmp_path, "a") == [None]
    name, faces, enrolled, reasons = library.name_group(1, "Bo", force=True)
    assert (name, faces, enrolled) == ("Bo", 4, 0) and len(reasons) == 4 and "gone since" in reasons[0]
    assert names(library, tmp_path, "a") == ["Bo"]
    with pytest.raises(UserError, match="no group has the number 1"):
        library.name_group(1, "Bo")


def test_a_group_that_does_not_look_like_the_person_needs_force(library, tmp_path):
    library.people.add("Ada", picture(), AXES[0])
    put(library.index, tmp_path, a=[seen(1)], b=[seen(1, 2)])
    (group,) = library.groups()
    with pytest.raises(UserError, match=rf"group {group.number} and Ada look like two people \(distance 1\."):
        library.name_group(group.number, "ada")
    assert names(library, tmp_path, "a") == [None]
    assert library.name_group(group.number, "Ada", force=True)[:2] == ("Ada", 2)


def test_photos_with_all_of_them_are_found_and_copied_never_over_others(library, tmp_path):
    put(library.index, tmp_path / "x", a=[seen(0), seen(1, 0, 100)], b=[seen(0, 1)], c=[seen(1, 1)])
    put(library.index, tmp_path / "y", a=[seen(0, 2), seen(1, 2, 100)])
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(folder.encode())
    library.people.add("Ada", picture(seed=1), AXES[0])
    library.people.add("Bo", picture(seed=2), AXES[1])
    found = list(library.find(["Ada", "Bo"]))
    assert [path.parent.name + path.name for path, _ in found] == ["xa.jpg", "ya.jpg"]
    assert len(list(library.find(["Bo"]))) == 3
    assert library.spelled("aDA") == "Ada"
    with pytest.raises(UserError, match="nobody is called 'Eve'"):
        library.spelled("Eve")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").write_bytes(b"mine")
    for _ in range(2):  # the second time all is there
        folder = pictures.Folder(tmp_path / "out", False, tmp_path / "people")
        for path, content in found:
            folder.put(path, content)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert kept == {"a.jpg": b"mine", "a-2.jpg": b"x", "a-3.jpg": b"y"}
    folder = pictures.Folder(tmp_path / "out", True, tmp_path / "people")
    for path, content in found:
        folder.put(path, content)
    links = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_symlink())
    assert links == ["a-4.jpg", "a-5.jpg"] and (tmp_path / "out" / "a-5.jpg").read_bytes() == b"y"
    with pytest.raises(UserError, match="would become photos of people"):
        pictures.Folder(tmp_path / "people" / "Ada", False, tmp_path / "people")


def test_a_changed_file_keeps_what_the_user_said_if_it_shows_the_same(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0), seen(1, 0, 100)], b=[seen(2, 0)])
    for name, whose in (("a", "Ada"), ("b", "Bo")):
        content = library.index.content(tmp_path / f"{name}.jpg")
        library.index.name([library.index.faces(content)[0][0].id], whose, {})
        library.index.deny(content, "Eve")
    nearly = [seen(0, 0, 300), seen(1, 0)]  # cut and turned around
    for one in nearly:
        one.embedding = one.embedding + 0.01
    put(library.index, tmp_path, a=nearly, b=[seen(3)])
    assert names(library, tmp_path, "a") == [None, "Ada"]
    content = library.index.content(tmp_path / "a.jpg")
    assert library.index.faces(content)[1] == {"Eve"}
    assert names(library, tmp_path, "b") == [None]  # another picture under the same name
    assert library.index.faces(library.index.content(tmp_path / "b.jpg"))[1] == set()


def test_a_person_can_be_renamed_and_forgotten_in_the_index(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0)], b=[seen(0, 1)])
    library.groups()
    name_by_hand(library, 1, "Xaverl Unforgettable")
    library.index.deny(library.index.content(tmp_path / "a.jpg"), "Xaverl Unforgettable")
    library.index.rename("Xaverl Unforgettable", "Quirina Memorable")
    assert names(library, tmp_path, "b") == ["Quirina Memorable"]
    assert library.index.forget("Quirina Memorable") == 1
    assert names(library, tmp_path, "b") == [None] and library.index.said() == set()
    left = b"".join(path.read_bytes() for path in tmp_path.glob("library.sqlite*"))
    assert b"Memorable" not in left and b"Unforgettable" not in left


def test_a_merge_is_undone_with_what_was_his_alone(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0, 0), seen(1, 0, 100)], b=[seen(0, 1)], c=[seen(1, 1)], d=[seen(0, 2)])
    contents = {name: library.index.content(tmp_path / f"{name}.jpg") for name in "abcd"}

    def call(photo, number, name):
        library.index.name([library.index.faces(contents[photo])[0][number].id], name, {})

    def said():
        return [one.name for content in contents.values() for one in library.index.faces(content)[0]]

    call("a", 0, "Ada2"), call("a", 1, "Ben"), call("b", 0, "Ada"), call("d", 0, "Ada2")
    library.index.deny(contents["c"], "Ada2")
    library.index.deny(contents["b"], "Ben")
    library.index.merge("Ada2", "Ada")
    assert said() == ["Ada", "Ben", "Ada", None, "Ada"] and library.index.faces(contents["c"])[1] == {"Ada"}
    library.index.merge("Ada", "Ben")
    assert said() == ["Ben", "Ben", "Ben", None, "Ben"]
    call("d", 0, "Eve")  # said since
    nearly = [seen(0, 0), seen(1, 0, 100)]
    nearly[0].embedding = nearly[0].embedding + 0.01
    put(library.index, tmp_path, a=nearly)  # another program wrote a star into it
    contents["a"] = library.index.content(tmp_path / "a.jpg")
    assert library.index.undo_merge("Ada", "Ben") == 2
    assert said() == ["Ada", "Ben", "Ada", None, "Eve"]
    library.index.rename("Ada", "Ada Lovelace")  # merges know people by what they are called now
    assert library.index.undo_merge("Ada2", "Ada Lovelace") == 1
    assert said() == ["Ada2", "Ben", "Ada Lovelace", None, "Eve"]
    assert library.index.faces(contents["c"])[1] == {"Ada2"} and library.index.faces(contents["b"])[1] == {"Ben"}
    assert library.index.undo_merge("Ada2", "Ada Lovelace") == 0


def test_the_last_merge_of_two_is_undone_though_nothing_was_his(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0)])
    (one,) = library.index.faces(library.index.content(tmp_path / "a.jpg"))[0]
    library.index.name([one.id], "Ada2", {})
    library.index.merge("Ada2", "Ada")
    library.index.merge("Ada2", "Ada")  # somebody else who was called so meanwhile
    assert library.index.undo_merge("Ada2", "Ada") == 0 and library.index.said() == {"Ada"}
    assert library.index.undo_merge("Ada2", "Ada") == 1 and library.index.said() == {"Ada2"}


def test_a_library_of_the_version_before_is_brought_up_with_all_that_was_said(library, tmp_path):
    put(library.index, tmp_path, a=[seen(0)])
    (one,) = library.index.faces(library.index.content(tmp_path / "a.jpg"))[0]
    library.index.name([one.id], "Ada", {})
    library.index.file.erase([])
    with closing(sqlite3.connect(tmp_path / "library.sqlite")) as db:
        db.executescript("DROP TABLE written; DROP TABLE merged; PRAGMA user_version = 1")
    again = LibraryIndex(tmp_path / "library.sqlite")
    assert again.said() == {"Ada"} and again.written(one.content) == {}
    again.note_written({one.id: "Ada"})
    assert LibraryIndex(tmp_path / "library.sqlite").written(one.content) == {one.id: {"Ada"}}


def test_a_damaged_library_or_one_made_otherwise_is_refused_and_left_as_it_is(index, tmp_path):
    with pytest.raises(UserError, match="take the same ones, or another --library"):
        index.use(("hog", "colours", 1))
    index.file.erase([])
    path = tmp_path / "broken.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    before = path.read_bytes()
    with pytest.raises(UserError, match="damaged"):
        LibraryIndex(path)
    assert path.read_bytes() == before
    with pytest.raises(UserError, match="not found: run python "):
        LibraryIndex(tmp_path / "none.sqlite")
