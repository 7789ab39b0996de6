"""One SQLite file that several programs use, and delete, at once."""

import os
import sqlite3
import subprocess
import sys

import pytest

from recognition.files import ROOT
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
