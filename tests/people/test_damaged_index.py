"""The index of people's photos, with bytes changed and with tables of others: made again, at once and for good."""

import os
import random
import sqlite3

import numpy as np
import pytest
from coloured_faces import picture
from people_folder import INDEX, open_people, save, who

from recognition.library.index import LibraryIndex
from recognition.settings import UserError

PEOPLE = ("red", "green", "blue")


@pytest.fixture
def folder(tmp_path):
    """Three people with two photos each, and an index that is written out."""
    for name in PEOPLE:
        for k in range(2):
            save(tmp_path / name / f"{k}.png", picture((name, 0, 0, 60 + k)))
    open_people(tmp_path).gallery()
    with sqlite3.connect(tmp_path / INDEX) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return tmp_path


def clear(folder):
    for path in folder.glob(f"{INDEX}*"):
        path.unlink(missing_ok=True)  # what closes the database deletes some itself


def check(folder):
    """Everybody is known, with all photos; the next start says nothing any more."""
    people = open_people(folder)
    assert people.names() == sorted(PEOPLE)
    assert [who(people, name) for name in PEOPLE] == [*PEOPLE]
    assert [len(people.embeddings(name)) for name in PEOPLE] == [2, 2, 2]
    assert people.unusable() == []
    people.refresh()


def test_bytes_that_changed_spoil_nothing(folder, capsys):
    whole = (folder / INDEX).read_bytes()
    used = [place for place, byte in enumerate(whole) if byte]
    said = 0
    for seed in range(60):
        rng, content = random.Random(seed), bytearray(whole)
        for _ in range(rng.choice([1, 1, 3])):
            content[rng.choice(used)] = rng.randrange(256)
        if content[60:64] != whole[60:64]:  # "of a newer version" is another message
            continue
        clear(folder)
        (folder / INDEX).write_bytes(content)
        capsys.readouterr()
        check(folder)
        lines = capsys.readouterr().err.splitlines()
        assert all("damaged" in line for line in lines), seed
        said += len(lines)
        check(folder)
        assert capsys.readouterr().err == "", seed
    assert said > 20


@pytest.mark.parametrize(
    "statements",
    [
        "DROP TABLE faces; CREATE TABLE faces (x)",
        "ALTER TABLE photos ADD COLUMN more TEXT",
        "CREATE TRIGGER t AFTER INSERT ON photos BEGIN DELETE FROM faces; END",
        "ALTER TABLE people RENAME TO folk; CREATE VIEW people AS SELECT * FROM folk",
        "DROP INDEX faces_by_hash",
        "UPDATE photos SET size = 'much'",
        "UPDATE people SET name = x'ff00' WHERE name = 'red'",
        "UPDATE people SET name = cast(x'ff' AS TEXT) WHERE name = 'red'",
        "UPDATE faces SET embedding = 'text'",
        "UPDATE faces SET embedding = x'00', checksum = 0",
        "DELETE FROM people WHERE id = 1",  # the last one's id would be used again, rightly
    ],
)
def test_other_tables_and_values_are_damage(folder, statements, capsys):
    with sqlite3.connect(folder / INDEX) as db:
        db.executescript(statements)
    db.close()
    capsys.readouterr()
    check(folder)
    assert capsys.readouterr().err.count("damaged") == 1
    check(folder)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="pipes as Unix has them")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_an_index_that_is_no_file_is_never_opened(folder, kind, capsys):
    clear(folder)
    if kind == "pipe":
        os.mkfifo(folder / INDEX)
    elif kind == "device":
        (folder / INDEX).symlink_to("/dev/zero")  # a link goes, what it leads to stays
    else:
        (folder / INDEX).mkdir()
    check(folder)
    assert ("kept in memory only" in capsys.readouterr().err) == (kind != "device")


def test_a_damaged_library_is_refused_in_a_line_and_stays(tmp_path):
    path = tmp_path / "library.sqlite"
    LibraryIndex(path, may_be_new=True).use(("a", "b", 1))
    with sqlite3.connect(path) as db:
        face = "1, 1, '1 2 3', x'00', 0.5, 0.5, 1, x'00', NULL, NULL, NULL"
        db.execute(f"INSERT INTO faces VALUES ({face})")
    db.close()
    with pytest.raises(UserError, match="the library is damaged"):
        LibraryIndex(path).faces(1)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE faces SET quality = 'good'")
    db.close()
    content = path.read_bytes()
    with pytest.raises(UserError, match=r"library\.sqlite: damaged") as caught:
        LibraryIndex(path)
    assert "\n" not in str(caught.value) and path.read_bytes() == content


def test_rows_of_all_kinds_that_are_written_are_no_damage(tmp_path):
    for name in PEOPLE:
        save(tmp_path / name / "0.png", picture((name, 0, 0, 60)))
    save(tmp_path / "red" / "none.png", np.zeros((90, 90, 3), np.uint8))  # without a face: a reason, no embedding
    people = open_people(tmp_path)
    people.names()
    again = open_people(tmp_path)
    assert [path.name for path, _ in again.unusable()] == ["none.png"] and again.embedder.calls == 0
