"""One SQLite file that several programs use, and delete, at once."""

import os
import sqlite3
import subprocess
import sys

import pytest

from recognition.files import ROOT
from recognition.sqlite.errors import Locked
from recognition.sqlite.file import SqliteFile

TABLES = "CREATE TABLE numbers (number INTEGER NOT NULL);"
OTHER = """
import sys
from pathlib import Path
from recognition.sqlite.file import SqliteFile
file = SqliteFile(Path(sys.argv[1]), {tables!r}, 1)
file.write(lambda db: db.execute("INSERT INTO numbers VALUES (?)", sys.argv[2:]))
"""


def insert(file, number):
    file.write(lambda db: db.execute("INSERT INTO numbers VALUES (?)", (number,)))


def numbers(file):
    return [row[0] for row in file.run(lambda db: db.execute("SELECT number FROM numbers").fetchall())]


def other_program_inserts(path, number):
    code = OTHER.format(tables=TABLES)
    subprocess.run([sys.executable, "-c", code, str(path), str(number)], check=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize("before", ["nothing", "opened twice", "erased"])
def test_what_is_written_after_another_program_has_ended_is_there(tmp_path, before):
    path = tmp_path / "numbers.sqlite"
    other_program_inserts(path, 1)
    file = SqliteFile(path, TABLES, 1)
    insert(file, 2)
    if before == "opened twice":
        SqliteFile(path, TABLES, 1)
    elif before == "erased":
        file.erase([b"nowhere"])
    other_program_inserts(path, 3)  # it would take our log away if it did not see that we are here
    insert(file, 4)
    other_program_inserts(path, 5)
    assert numbers(file) == numbers(SqliteFile(path, TABLES, 1)) == [1, 2, 3, 4, 5]


def test_two_questions_at_once_fit_together(tmp_path):
    file, other = (SqliteFile(tmp_path / "numbers.sqlite", TABLES, 1) for _ in range(2))
    insert(file, 1)

    def count_twice(db):
        first = db.execute("SELECT count(*) FROM numbers").fetchone()[0]
        insert(other, 2)
        assert numbers(file) == [1]  # asked within the other question
        return first, db.execute("SELECT count(*) FROM numbers").fetchone()[0]

    assert file.run(count_twice) == (1, 1)
    assert numbers(file) == [1, 2]


@pytest.mark.skipif(os.name == "nt", reason="there, open files are not deleted")
def test_a_file_that_another_program_deletes_is_opened_anew(tmp_path, capsys):
    path = tmp_path / "numbers.sqlite"
    file, other = (SqliteFile(path, TABLES, 1) for _ in range(2))
    insert(file, 1)
    for suffix in ("", "-wal", "-shm"):
        os.unlink(f"{path}{suffix}")
    assert file.changed() and file.lost and numbers(file) == []
    insert(file, 2)

    def fail(db):
        if db is broken:
            raise sqlite3.OperationalError("disk I/O error")
        return db.execute("SELECT number FROM numbers").fetchall()

    broken = other._db
    assert other.run(fail) == [(2,)] and other.lost
    assert path.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="there, open files are not deleted")
def test_a_file_that_is_deleted_while_it_is_opened_is_made_once_more(tmp_path, monkeypatch):
    path = tmp_path / "numbers.sqlite"
    connect = sqlite3.connect

    def delete_and_connect(*arguments, **options):
        path.unlink(missing_ok=True)
        return connect(*arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", delete_and_connect)
    file = SqliteFile(path, TABLES, 1)
    monkeypatch.undo()
    file.changed()
    insert(file, 1)
    assert numbers(SqliteFile(path, TABLES, 1)) == [1]


def delete_and_hold(file):
    """Delete a file as another program may, and write to a new one that is then held."""
    file._db.close()
    file._delete()
    file._db = file._open()
    insert(file, 1)
    file._db.execute("BEGIN IMMEDIATE")


@pytest.mark.skipif(os.name == "nt", reason="there, open files are not deleted")
def test_a_new_file_that_is_held_at_first_is_taken_in_later(tmp_path, monkeypatch):
    monkeypatch.setattr("recognition.sqlite.file.PATIENCE", 0.2)
    file, other = (SqliteFile(tmp_path / "numbers.sqlite", TABLES, 1) for _ in range(2))
    delete_and_hold(other)
    with pytest.raises(Locked):
        file.changed()
    other._db.execute("COMMIT")
    insert(other, 2)
    assert file.changed() and file.lost and numbers(file) == [1, 2]
    insert(file, 3)
    assert numbers(other) == [1, 2, 3]


@pytest.mark.skipif(os.name == "nt", reason="there, open files are not deleted")
def test_a_file_that_could_not_be_opened_anew_is_not_called_damaged(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("recognition.sqlite.file.PATIENCE", 0.2)
    file, other = (SqliteFile(tmp_path / "numbers.sqlite", TABLES, 1) for _ in range(2))
    monkeypatch.setattr(file, "_rewrite", lambda: False)  # the disk is full
    monkeypatch.setattr(file, "_delete", lambda: delete_and_hold(other))
    with pytest.raises(Locked):
        file.erase([b"1"])
    with pytest.raises(Locked):
        numbers(file)
    other._db.execute("COMMIT")
    assert numbers(file) == [1] and file.lost
    insert(other, 2)
    assert numbers(file) == [1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_BUSY])
def test_that_another_program_is_in_the_way_is_no_damage(tmp_path, code):
    file = SqliteFile(tmp_path / "numbers.sqlite", TABLES, 1)
    insert(file, 1)

    def fail(db):
        error = sqlite3.OperationalError({sqlite3.SQLITE_PROTOCOL: "locking protocol"}.get(code, "database is locked"))
        error.sqlite_errorcode = code
        raise error

    with pytest.raises(Locked):
        file.run(fail)
    assert numbers(file) == [1]


def test_a_file_too_large_to_be_looked_through_is_not_taken_for_clean(tmp_path, monkeypatch):
    class Large:
        def serialize(self):
            raise sqlite3.OperationalError("unable to serialize 'main'")

    file = SqliteFile(tmp_path / "numbers.sqlite", TABLES, 1)
    monkeypatch.setattr(file, "_db", Large())
    assert file._holds([b"a"]) and not file._holds([])


def test_what_cannot_be_made_again_is_on_the_disk_when_it_is_told(tmp_path):
    levels = []
    for renewable in (True, False):
        file = SqliteFile(tmp_path / f"{renewable}.sqlite", TABLES, 1, renewable)
        levels += [file.run(lambda db: db.execute("PRAGMA synchronous").fetchone()[0])]
    assert levels == [1, 2]  # at checkpoints, at each change
