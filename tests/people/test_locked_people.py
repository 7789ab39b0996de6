"""Another program holds the database of people: nothing stands still, and what was missed is taken in later."""

import shutil
import sqlite3
import time

from coloured_faces import Embedder, picture
from people_folder import INDEX, notices, open_people, save, who

from recognition.people.recognizers import EmbeddingRecognizer
from recognition.sqlite import file as sqlite_file


def test_while_the_database_is_locked_those_of_before_are_known_and_then_the_new(folder, capsys):
    recognizer = EmbeddingRecognizer(open_people(folder), Embedder())
    other = sqlite3.connect(folder / INDEX, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    save(folder / "pink" / "0.png", picture(("yellow", 30, 30, 60), seed=99))
    shutil.rmtree(folder / "blue")
    capsys.readouterr()
    for _ in range(3):
        start = time.monotonic()
        assert not recognizer.refresh()
        assert time.monotonic() - start < 2  # the live picture stands still meanwhile
        time.sleep(0.3)
    assert recognizer.names() == ["blue", "green", "red"]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and INDEX in said[0] and "another program holds it" in said[0]
    other.execute("COMMIT")
    other.close()
    assert notices(recognizer)
    limit = time.monotonic() + 5
    while recognizer.names() != ["green", "pink", "red"] and time.monotonic() < limit:
        recognizer.refresh()
        time.sleep(0.02)
    assert recognizer.names() == ["green", "pink", "red"]


def test_a_photo_that_is_added_while_the_database_is_locked_counts_later(folder, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.1)
    database = open_people(folder)
    database.gallery()
    other = sqlite3.connect(folder / INDEX, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    database.add("Zoë", picture(("yellow", 30, 30, 60), seed=7))
    other.execute("COMMIT")
    assert notices(database)
    limit = time.monotonic() + 5
    while "Zoë" not in database.names() and time.monotonic() < limit:
        database.refresh()
        time.sleep(0.02)
    assert who(database, "yellow") == "Zoë"
