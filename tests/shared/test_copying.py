"""People are copied between folders and shared galleries, to the byte and the bit, and nothing is done twice."""

import sqlite3

import numpy as np
import pytest
from coloured_faces import picture
from people_folder import INDEX, open_people, save, who
from test_shared_people import COLOURS, fill, open_shared

from recognition.people import merges
from recognition.settings import UserError
from recognition.shared import opening


def photos(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("[!.]*/*")}


def embeddings(folder):
    """Return what a folder's file knows of photos, by their hashes."""
    query = "SELECT sha256, detector, embedder, crop, embedding, reason FROM faces JOIN ways ON ways.id = way"
    with sqlite3.connect(folder / INDEX) as db:
        return sorted(db.execute(query).fetchall())


def test_there_and_back_nothing_is_another(folder, address, tmp_path):
    for name in ("colours", "others"):
        open_people(folder, name).gallery()
    save(folder / "blue" / "nobody.png", np.full((90, 90, 3), 128, np.uint8))
    open_people(folder).gallery()
    assert opening.copy(str(folder), address) == {"people": 3, "photos": 7, "there": 0}
    assert opening.copy(address, str(tmp_path / "back")) == {"people": 3, "photos": 7, "there": 0}
    assert photos(tmp_path / "back") == photos(folder) and len(photos(folder)) == 7
    assert embeddings(tmp_path / "back") == embeddings(folder) and len(embeddings(folder)) == 13
    assert (tmp_path / "back").stat().st_mode & 0o077 == 0
    for database in (open_shared(address), open_people(tmp_path / "back"), open_shared(address, "others")):
        database.gallery()
        assert database.embedder.calls == 0  # nobody looks at a photo again
        assert [who(database, colour) for colour in COLOURS] == list(COLOURS)


def test_what_is_there_stays_and_is_not_there_twice(folder, address):
    people = open_shared(address)
    people.add("RED", picture(("red", 30, 30, 60), seed=5))
    assert opening.copy(str(folder), address) == {"people": 3, "photos": 6, "there": 0}
    assert opening.copy(str(folder), address) == {"people": 3, "photos": 0, "there": 6}
    assert people.names() == ["RED", "blue", "green"] and len(people.photos("red")) == 3
    people.rename("RED", "Ada")
    people.remove("Ada", "0.png")
    assert opening.copy(address, str(folder)) == {"people": 3, "photos": 2, "there": 4}
    assert sorted(path.name for path in (folder / "red").iterdir()) == ["0.png", "1.png"]
    assert {path.name for path in (folder / "Ada").iterdir()} == {path.name for path in people.photos("Ada")}


def test_a_name_that_another_photo_has_gets_a_number(folder, address):
    opening.copy(str(folder), address)
    save(folder / "red" / "0.png", picture(("red", 30, 30, 60), seed=77))
    assert opening.copy(str(folder), address)["photos"] == 1
    people = open_shared(address)
    assert [path.name for path in people.photos("red")] == ["0-2.png", "0.png", "1.png"]
    assert opening.copy(address, str(folder))["photos"] == 1
    assert sorted(path.name for path in (folder / "red").iterdir()) == ["0-2.png", "0.png", "1.png"]


def test_merges_can_be_undone_after_they_were_copied(folder, address, tmp_path):
    open_people(folder).merge("red", "blue", force=True)
    for _ in range(2):
        opening.copy(str(folder), address)
    opening.copy(address, str(tmp_path / "back"))
    assert [(one.source, one.into) for one in merges.read(tmp_path / "back")] == [("red", "blue")]
    for database in (open_shared(address), open_people(tmp_path / "back")):
        undone = database.undo_merge()
        assert (undone.source, undone.into, len(undone.photos)) == ("red", "blue", 2)
        assert {name: len(database.photos(name)) for name in database.names()} == dict.fromkeys(COLOURS, 2)
        with pytest.raises(UserError, match="nobody was merged"):
            database.undo_merge()


@pytest.mark.parametrize("name", ["../escaped", ".hidden", "a/b", "CON"])
def test_a_name_in_the_database_leads_to_no_other_folder(address, server, tmp_path, name):
    open_shared(address).add("Ada", picture())
    server.execute(f"UPDATE recognition.people SET name = '{name}', key = '{name}'")
    with pytest.raises(UserError, match="the name"):
        opening.copy(address, str(tmp_path / "in" / "faces"))
    assert not list((tmp_path / "in").rglob("*.jpg")) and not (tmp_path / "in" / "escaped").exists()


@pytest.mark.parametrize("file", ["../../x.jpg", ".x.jpg", "x.sh", "a\nb.jpg", "/x.jpg"])
def test_a_photo_in_the_database_leads_to_no_other_file(address, server, tmp_path, file):
    people = open_shared(address)
    (path,) = [people.add("Ada", picture())]
    server.execute(f"UPDATE recognition.photos SET file = '{file}'")
    opening.copy(address, str(tmp_path / "faces"))
    assert [one.name for one in (tmp_path / "faces" / "Ada").iterdir()] == [path.name]
    assert [one.suffix for one in tmp_path.rglob("[!.]*") if one.is_file()] == [".jpg"]


def test_between_two_databases(address, server):
    fill(open_shared(address))
    other = server.create("other")
    assert opening.copy(address, other) == {"people": 3, "photos": 6, "there": 0}
    people = open_shared(other)
    assert who(people, "green") == "green" and people.embedder.calls == 0


def test_the_script_copies(script, folder, address):
    done = script("face_recognition/people.py", "copy", folder, address, "--json")
    assert (done.returncode, done.stderr) == (0, "") and '"photos": 6' in done.stdout
    done = script("face_recognition/people.py", "copy", folder / "nobody", address)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1) and "no such folder" in done.stderr
