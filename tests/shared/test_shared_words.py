"""What a user says of a photo in his library counts on all machines that have the photo, and goes with the person."""

import shutil

import cv2
import pytest
from coloured_faces import picture
from coloured_library import FACES, look, name, new_photo, who
from test_shared_people import open_shared

from recognition.library import everywhere, scan
from recognition.library.index import LibraryIndex
from recognition.library.naming import Library
from recognition.settings import UserError


@pytest.fixture
def machines(address, tmp_path, monkeypatch):
    """Return the libraries of two machines with the same photo, each with its path."""
    monkeypatch.setattr(scan, "is_clear", lambda *_: True)  # plain squares are not
    found = []
    for machine in ("one", "other"):
        (tmp_path / machine).mkdir()
        index = LibraryIndex(tmp_path / machine / "library.sqlite", may_be_new=True)
        index.use(("squares", "colours", 1))
        library = Library(index, open_shared(address))
        found.append((library, new_photo(library, tmp_path / machine)))
    return [(again(library), photo) for library, photo in found]


def again(library):
    """Return a library as the next command opens it."""
    return Library(LibraryIndex(library.index.file_path), library.people)


def test_a_name_and_a_denial_are_known_on_the_other_machine(machines):
    (one, photo), (other, same) = machines
    name(one, photo, "red", "Ada")
    assert who(one, photo) == ["Ada", None] == who(again(other), same)
    assert again(other).spelled("ADA") == "Ada"
    again(other).deny(same, "Ada")
    assert who(again(one), photo) == [None, None]
    one = again(one)
    name(one, photo, "red", "Ada")  # not in that photo, as the user said
    assert who(one, photo) == [None, None] == who(again(other), same)
    name(one, photo, "red", "Ben")
    assert who(again(other), same) == ["Ben", None]


def test_what_was_said_on_one_machine_before_stays_unless_it_is_denied_elsewhere(machines):
    (one, photo), (other, same) = machines
    plain = LibraryIndex(one.index.file_path)
    (red,) = [face for face in plain.faces(plain.content(photo))[0] if face.embedding[:3].argmax() == 2]
    plain.name([red.id], "Ada", {})
    assert who(again(one), photo) == ["Ada", None] and who(again(other), same) == [None, None]
    again(other).deny(same, "ada")
    assert who(again(one), photo) == [None, None]


def test_renaming_merging_undoing_and_forgetting_reach_the_words(machines, server):
    (one, photo), (other, same) = machines
    people = one.people
    people.add("Ada", picture(("green", 30, 30, 60)))
    people.add("Ben", picture(("yellow", 30, 30, 60)))
    name(one, photo, "red", "Ada")
    name(one, photo, "blue", "Ben")
    again(one).deny(photo, "Cleo")
    people.rename("Ada", "Ada Lovelace")
    assert who(again(other), same) == ["Ada Lovelace", "Ben"]
    people.merge("Ada Lovelace", "Ben", force=True)
    assert who(again(other), same) == ["Ben", "Ben"]  # as they said
    people.undo_merge()
    assert who(again(other), same) == ["Ada Lovelace", "Ben"]
    people.forget("ADA LOVELACE")
    assert who(again(other), same) == [None, "Ben"]
    assert server.execute("SELECT name FROM recognition.denied") == [("Cleo",)]


def test_who_is_named_in_libraries_alone_can_be_forgotten(machines, server, tmp_path):
    (one, photo), (other, _) = machines
    name(one, photo, "red", "Ada")
    assert everywhere.forget(other.people, "ada", None, tmp_path, lambda *_: True)["names"] == ["Ada"]
    assert who(again(one), photo) == [None, None]
    assert server.execute("SELECT count(*) FROM recognition.named") == [(0,)]
    with pytest.raises(UserError, match="nobody is called"):
        other.people.forget("Ada")


def test_no_merge_into_who_is_named_in_libraries_alone_by_now_is_kept(machines, server):
    (one, photo), _ = machines
    people = one.people
    people.add("Ada", picture(("green", 30, 30, 60)))
    people.add("Ben", picture(("yellow", 30, 30, 60)))
    people.merge("Ada", "Ben", force=True)
    for path in people.photos("Ben"):
        people.remove("Ben", path.name)
    name(one, photo, "red", "Ben")
    assert people.names() == [] and people.forget("ben") == 0
    assert server.execute("SELECT count(*) FROM recognition.merges") == [(0,)]


def test_whoever_a_denial_or_a_merge_alone_names_can_be_forgotten(machines, server, tmp_path):
    (one, photo), (other, _) = machines
    one.deny(photo, "Ada")
    for person, colour in (("Ben", "green"), ("Cleo", "yellow")):
        one.people.add(person, picture((colour, 30, 30, 60)))
    one.people.merge("Ben", "Cleo", force=True)
    for person in ("Ada", "Ben"):
        done = everywhere.forget(other.people, person.upper(), None, tmp_path, lambda *_: True)
        assert (done["names"], done["photos"]) == ([person], 0)
        with pytest.raises(UserError, match="nobody is called"):
            other.people.forget(person)
    assert [server.execute(f"SELECT * FROM recognition.{table}") for table in ("denied", "merges")] == [[], []]
    assert other.people.names() == ["Cleo"] and len(other.people.photos("Cleo")) == 2


def test_a_photo_enrolled_from_a_library_is_taken_back_with_the_denial(machines, monkeypatch):
    (one, photo), (other, same) = machines
    (face,) = [one_face for one_face in one.index.faces(one.index.content(photo))[0] if one_face.embedding[2] > 0.3]
    path = one.people.add("Ada", picture())
    one.index.name([face.id], "Ada", {face.id: path.name})
    assert other.people.names() == ["Ada"]
    assert again(other).deny(same, "Ada") == 1
    assert other.people.names() == []


def test_words_are_copied_there_and_back(machines, address, server, tmp_path, script):
    (one, photo), (other, same) = machines
    plain, elsewhere = LibraryIndex(one.index.file_path), LibraryIndex(other.index.file_path)
    faces = plain.faces(plain.content(photo))[0]
    (red,) = [face for face in faces if face.embedding[:3].argmax() == 2]
    plain.name([red.id], "Ada", {red.id: "1.jpg"})
    plain.deny(plain.content(photo), "Ben")
    (tmp_path / "faces").mkdir()
    words = ("copy", tmp_path / "faces", address, "--library", plain.file_path)
    done = script("face_recognition/people.py", *words)
    assert done.returncode == 0 and "2 words" in done.stdout, done.stderr
    assert server.execute("SELECT name, file FROM recognition.named") == [("Ada", "1.jpg")]
    assert who(again(other), same) == ["Ada", None] and again(other).index.faces(other.index.content(same))[1] == {
        "Ben"
    }
    assert not elsewhere.said()
    words = ("copy", address, tmp_path / "faces", "--library", elsewhere.file_path)
    assert "2 words" in script("face_recognition/people.py", *words).stdout
    assert elsewhere.said() == {"Ada"} and elsewhere.faces(elsewhere.content(same))[1] == {"Ben"}


def test_a_library_of_a_folder_is_as_it_was(tmp_path, monkeypatch):
    from coloured_library import new_library

    library = new_library(tmp_path, monkeypatch)
    assert type(library.index) is LibraryIndex


def test_a_copy_of_a_photo_shares_the_words_and_a_changed_photo_does_not(machines, tmp_path):
    (one, photo), (other, same) = machines
    name(one, photo, "red", "Ada")
    shutil.copy(same, same.with_name("b.png"))
    cv2.imwrite(str(same.with_name("c.png")), picture(*FACES, seed=7))
    look(other, same.parent)
    library = again(other)
    assert who(library, same.with_name("b.png")) == ["Ada", None]
    assert who(library, same.with_name("c.png")) == [None, None]
