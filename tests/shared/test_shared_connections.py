"""Connections that are lost: scripts wait, live pictures go on, and no change is lost or made twice."""

import signal
import time
from contextlib import contextmanager

import pytest
from coloured_faces import picture
from people_folder import who
from test_shared_people import COLOURS, counts, fill, open_shared, photo, soon

from recognition.people.recognizers import EmbeddingRecognizer
from recognition.settings import UserError

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'recognition'"


@contextmanager
def down(server, how=signal.SIGINT):
    server.stop(how)
    try:
        yield
    finally:
        server.start()


def test_a_script_goes_on_with_a_new_connection(server, address, capsys):
    people = open_shared(address)
    for number, how in enumerate((signal.SIGINT, signal.SIGQUIT)):
        people.add("Ada", picture(seed=number))
        with down(server, how):
            pass
        assert len(people.photos("Ada")) == number + 1
    server.execute(CUT)
    people.add("Ada", picture(seed=9))
    assert counts(server)["photos"] == 3 == len(people.embeddings("Ada"))


def test_a_live_picture_goes_on_with_those_who_were_met_and_says_so_once(server, address, capsys):
    people, other = open_shared(address), open_shared(address)
    fill(people)
    recognizer = EmbeddingRecognizer(people, people.embedder)
    recognizer.refresh()
    assert [who(people, colour) for colour in COLOURS] == list(COLOURS)
    capsys.readouterr()
    with down(server):
        for _ in range(3):
            begun = time.monotonic()
            assert not recognizer.refresh()
            assert [who(people, colour) for colour in COLOURS] == list(COLOURS)
            assert time.monotonic() - begun < 0.5
        with pytest.raises(UserError, match="no connection"):
            people.add("Ada", picture(seed=99))
        assert time.monotonic() - begun < 6
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "no connection" in said[0] and "going on with the people met" in said[0]
    other.add("yellow", photo("yellow"))
    other.forget("red")
    capsys.readouterr()

    def caught_up():
        recognizer.refresh()
        return who(people, "yellow") == "yellow" and who(people, "red") != "red"

    assert soon(caught_up, 5) < 5
    assert [line.split(": ")[-1] for line in capsys.readouterr().err.splitlines()] == ["connected again"]


def test_an_answer_that_was_lost_does_not_make_a_change_twice(server, address, monkeypatch):
    import psycopg

    people = open_shared(address)
    fill(people)
    real = psycopg.Connection.transaction

    @contextmanager
    def losing(self, *arguments, **settings):
        with real(self, *arguments, **settings) as transaction:
            yield transaction
        if not self.info.transaction_status:  # the outer one is done: the answer gets lost
            monkeypatch.setattr(psycopg.Connection, "transaction", real)
            self.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def lose(change):
        monkeypatch.setattr(psycopg.Connection, "transaction", losing)
        return change()

    path = lose(lambda: people.add("Ada", picture(seed=50)))
    assert people.photos("Ada") == [path]
    assert lose(lambda: people.rename("Ada", "Ben")) == "Ben"
    lose(lambda: people.merge("red", "blue", force=True))
    assert len(lose(people.undo_merge).photos) == 2
    assert lose(lambda: people.remove("blue", people.photos("blue")[0].name)) == 1
    assert lose(lambda: people.forget("Ben")) == 1
    assert {row["name"]: row["photos"] for row in people.describe()} == {"blue": 1, "green": 2, "red": 2}
    assert counts(server) == {"people": 3, "photos": 5, "descriptions": 5, "centres": 3, "merges": 0}


def test_a_change_that_was_cut_off_in_the_middle_is_made_once(server, address, monkeypatch):
    from recognition.shared import changes

    people, real, cut = open_shared(address), changes.centre, []

    def centre(db, persons):
        if len(cut) < 3:
            cut.append(1)
            server.execute(CUT)
        real(db, persons)

    monkeypatch.setattr(changes, "centre", centre)
    people.add("Ada", picture(seed=1))
    assert len(cut) == 3 and counts(server)["photos"] == 1 == counts(server)["centres"]
    assert who(people, "red") == "Ada"


def test_who_waits_too_long_is_told(server, address, monkeypatch):
    from recognition.shared import connection

    people = open_shared(address)
    monkeypatch.setattr(connection, "PATIENCE", 0.5)
    with down(server), pytest.raises(UserError, match="no connection"):
        people.names()
    monkeypatch.setattr(connection, "PATIENCE", 30)
    assert people.names() == []
