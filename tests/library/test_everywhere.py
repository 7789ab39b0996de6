"""People who are renamed, merged and forgotten in the photo library, too, however they and their folder are written."""

import os
import sqlite3

import pytest
from coloured_faces import Detector, Embedder, picture
from coloured_library import name, new_library, new_photo

from recognition.library import everywhere
from recognition.library.index import LibraryIndex
from recognition.people import database
from recognition.people.database import People
from recognition.settings import UserError
from recognition.sqlite import file as sqlite_file
from recognition.sqlite.errors import Locked


@pytest.fixture
def library(tmp_path, monkeypatch):
    return new_library(tmp_path, monkeypatch)


def said(library, photo):
    """Return the names that the user gave to the faces of a photo, and who is not in it."""
    faces, denied = library.index.faces(library.index.content(photo))
    return {one.name for one in faces}, denied


def forget(library, told):
    path = library.index.file_path
    return everywhere.forget(library.people, told, path, library.people.folder, lambda *_: True)


def test_the_default_folder_is_known_however_it_is_written(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "faces"
    folder.mkdir(parents=True)
    LibraryIndex(tmp_path / "library.sqlite", may_be_new=True)
    monkeypatch.setattr(database, "FACES", folder)
    monkeypatch.setattr(everywhere, "LIBRARY", tmp_path / "library.sqlite")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ways = ["data/faces", "data/faces/", "data/../data/faces", "~/data/faces", str(folder), folder]
    if os.name != "nt":
        (tmp_path / "link").symlink_to(folder)
        ways.append("link")
    for faces in ways:
        assert everywhere.open_library(None, faces), faces
        folder.chmod(0o755)
        People(faces, Detector(), Embedder())
        assert os.name == "nt" or folder.stat().st_mode & 0o777 == 0o700, faces
    for faces in ("data", tmp_path, "postgresql://host/people", "service=people"):
        assert everywhere.open_library(None, faces) is None


def test_whoever_the_library_alone_knows_can_be_forgotten_in_any_spelling(library, tmp_path):
    photo = new_photo(library, tmp_path)
    name(library, photo, "red", "Ada Unforgettable")
    library.deny(photo, "Ben Unforgettable")
    (blue,) = [one for one in library.index.faces(1)[0] if one.name is None]
    library.index.note_written({blue.id: "Cleo Unforgettable"})
    library.index.merge("Dora Unforgettable", "Eve")
    for first in ("Ada", "Ben", "Cleo", "Dora"):
        done = forget(library, f"{first} unforgettable")
        assert (done["names"], done["photos"]) == ([f"{first} Unforgettable"], 0)
        with pytest.raises(UserError, match="nobody is called"):
            forget(library, f"{first} Unforgettable")
    assert b"Unforgettable" not in library.index.file_path.read_bytes()


def test_a_name_that_the_library_spells_otherwise_is_followed(library, tmp_path):
    photo, people = new_photo(library, tmp_path), library.people
    people.add("Ada", picture(("red", 30, 30, 60)))
    people.add("Ben", picture(("blue", 30, 30, 60)))
    name(library, photo, "red", "ada")
    name(library, photo, "blue", "BEN")
    library.deny(photo, "aDa Lovelace")
    everywhere.rename(people, library.index, "ADA", "Zoe\u0301")
    assert said(library, photo) == ({"Zo\u00e9", "BEN"}, {"aDa Lovelace"})
    everywhere.merge(people, library.index, "ben", "zo\u00c9", force=True)
    assert said(library, photo)[0] == {"Zo\u00e9"}
    assert everywhere.undo_merge(people, library.index)[1] == 1
    assert said(library, photo)[0] == {"Zo\u00e9", "Ben"}
    name(library, photo, "blue", "ZO\u00c9")
    done = forget(library, "Zo\u00e9")
    assert (done["photos"], done["library_faces"], said(library, photo)[0]) == (1, 2, {None})


def test_where_the_library_is_held_nothing_is_changed_and_all_can_be_done_again(library, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.1)
    photo, people, index = new_photo(library, tmp_path), library.people, LibraryIndex(library.index.file_path)
    for person, colour in (("Ada", "red"), ("Ben", "blue")):
        people.add(person, picture((colour, 30, 30, 60)))
        name(library, photo, colour, person)
    steps = (
        (lambda: everywhere.rename(people, index, "Ada", "Zoe"), ["Ben", "Zoe"], {"Zoe", "Ben"}),
        (lambda: everywhere.merge(people, index, "Ben", "Zoe", force=True), ["Zoe"], {"Zoe"}),
        (lambda: everywhere.undo_merge(people, index), ["Ben", "Zoe"], {"Zoe", "Ben"}),
    )
    names, words = ["Ada", "Ben"], {"Ada", "Ben"}
    for step, names_after, words_after in steps:
        other = sqlite3.connect(index.file_path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Locked):
            step()
        other.close()
        assert (people.names(), said(library, photo)[0]) == (names, words)
        step()
        names, words = names_after, words_after
        assert (people.names(), said(library, photo)[0]) == (names, words)


def test_what_the_people_refuse_is_not_done_in_the_library(library, tmp_path):
    photo, people = new_photo(library, tmp_path), library.people
    for person, colour in (("Ada", "red"), ("Ben", "blue")):
        people.add(person, picture((colour, 30, 30, 60)))
        name(library, photo, colour, person)
    for refused in (
        lambda: everywhere.rename(people, library.index, "Ada", "Ben"),
        lambda: everywhere.merge(people, library.index, "Ada", "Ben"),
        lambda: everywhere.undo_merge(people, library.index),
    ):
        with pytest.raises(UserError):
            refused()
    assert (people.names(), said(library, photo)[0]) == (["Ada", "Ben"], {"Ada", "Ben"})


def test_all_merges_that_led_to_the_forgotten_are_dropped_from_the_library(library, tmp_path):
    photo = new_photo(library, tmp_path)
    name(library, photo, "red", "Ada")
    for source, target in (("Ada", "Ben"), ("Ida", "Eve"), ("Ben", "Cleo"), ("Cleo", "Dora")):
        library.index.merge(source, target)
    assert library.index.forget("Cleo") == 0  # they are Dora's
    rows = library.index.file.run(lambda db: db.execute("SELECT DISTINCT source, target FROM merged").fetchall())
    assert rows == [("Ida", "Eve")]
    assert said(library, photo)[0] == {"Dora", None}


def test_of_two_folders_of_one_name_each_has_his_own_again_after_undo(library, tmp_path):
    photo = new_photo(library, tmp_path)
    name(library, photo, "red", "ada")
    name(library, photo, "blue", "Ada")
    library.index.merge("ada", "Ada")
    assert said(library, photo)[0] == {"Ada"}
    assert library.index.undo_merge("ada", "Ada") == 1 and said(library, photo)[0] == {"ada", "Ada"}
