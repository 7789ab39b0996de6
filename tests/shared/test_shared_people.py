"""The people of a shared gallery do what those of a folder do, and what one machine does the others know."""

import json
import time

import cv2
import numpy as np
import pytest
from coloured_faces import Detector, Embedder, picture
from people_folder import open_people, who

from recognition.people.photo_files import AlreadyThere
from recognition.settings import UserError

COLOURS = "red", "green", "blue"


@pytest.fixture
def people(address):
    return open_shared(address)


def open_shared(address, name="colours"):
    from recognition.shared.people import SharedPeople

    return SharedPeople(address, Detector(), Embedder(name))


def photo(colour, seed=0):
    return picture((colour, 30, 30, 60), seed=seed)


def fill(database, photos=2):
    for number, colour in enumerate(COLOURS):
        for seed in range(photos):
            database.add(colour, photo(colour, 10 * number + seed))


def soon(condition, seconds=2.0):
    """Tell how long it takes till something is so; fail after the two seconds that are promised."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


def knows(database, colour, name):
    database.refresh()
    return who(database, colour) == name


def counts(server):
    tables = "people", "photos", "descriptions", "centres", "merges"
    return {table: server.execute(f"SELECT count(*) FROM recognition.{table}")[0][0] for table in tables}


def test_an_empty_gallery_names_nobody(people):
    assert people.names() == people.gallery().names == people.photos("Ada") == people.describe() == []
    assert people.is_empty() and people.unusable() == []
    assert who(people, "red") is None
    assert people.gallery().match(np.zeros((2, 4), np.float32))[0].distance == np.inf


def test_who_is_enrolled_is_known(people):
    fill(people)
    assert people.names() == people.gallery().names == sorted(COLOURS)
    assert [who(people, colour) for colour in COLOURS] == list(COLOURS)
    assert people.embeddings("red").shape == (2, 4)
    assert [len(people.photos(colour)) for colour in COLOURS] == [2, 2, 2]
    assert not people.is_empty() and people.spelling("RED") == "red"


def test_it_answers_as_a_folder_does(people, tmp_path):
    folder = open_people(tmp_path / "faces")
    fill(people)
    fill(folder)
    rng = np.random.default_rng(0)
    probes = np.concatenate([folder.embeddings(colour) for colour in COLOURS])
    probes = np.concatenate([probes, probes + rng.normal(0, 0.1, probes.shape), rng.normal(size=(20, 4))])
    there, here = people.gallery().match(probes.astype(np.float32)), folder.gallery().match(probes.astype(np.float32))
    assert [one.name for one in there] == [one.name for one in here]
    assert [one.nearest for one in there] == [one.nearest for one in here]
    assert [one.distance for one in there] == pytest.approx([one.distance for one in here], abs=1e-5)
    assert [one.confidence for one in there] == pytest.approx([one.confidence for one in here], abs=1e-4)
    assert people.gallery().threshold == pytest.approx(folder.gallery().threshold, abs=1e-6)
    assert {row["name"]: row["photos"] for row in people.describe()} == dict.fromkeys(sorted(COLOURS), 2)
    assert people.describe() == folder.describe()  # the dates, too


def test_photos_are_kept_to_the_byte_and_do_not_tell_where_they_were_taken(people):
    content = cv2.imencode(".png", photo("red"))[1].tobytes()
    path = people.add("Ada", content)
    assert path.parent.name == "Ada" and path.suffix == ".png"
    assert list(people.pictures("ada")) == [(path, content)]


def test_the_same_photo_twice_and_one_without_a_face_are_refused(people, server):
    people.add("Ada", photo("red"))
    with pytest.raises(AlreadyThere):
        people.add("ada", photo("red"))
    with pytest.raises(UserError, match="no face"):
        people.add("Ben", np.full((100, 100, 3), 128, np.uint8))
    with pytest.raises(UserError, match="begins with a dot"):
        people.add(".Ben", photo("red", 1))
    assert people.names() == ["Ada"] and counts(server)["photos"] == 1


def test_what_one_machine_does_others_know_within_two_seconds(people, address):
    other = open_shared(address)
    other.refresh()
    assert not other.refresh()
    fill(people)
    soon(lambda: knows(other, "red", "red"))
    people.rename("red", "Ada")
    soon(lambda: knows(other, "red", "Ada"))
    people.merge("Ada", "blue", force=True)
    soon(lambda: other.gallery().names == ["blue", "green"])
    other.undo_merge()
    soon(lambda: knows(people, "red", "Ada"))
    other.forget("Ada")
    soon(lambda: not knows(people, "red", "Ada"))
    assert people.names() == ["blue", "green"]


def test_a_refresh_tells_once_that_something_changed(people, address):
    other = open_shared(address)
    assert other.refresh() and not other.refresh()
    people.add("Ada", photo("red"))
    people.gallery()
    assert other.refresh() and not other.refresh()
    assert people.refresh() and not people.refresh()  # its own change, too


def test_rename_keeps_photos_and_refuses_a_name_that_somebody_has(people, server):
    fill(people)
    with pytest.raises(UserError, match="there is a"):
        people.rename("red", "BLUE")
    assert people.rename("RED", "Red") == "Red"  # only the spelling
    assert people.rename("Red", "Ada Lovelace") == "Ada Lovelace"
    with pytest.raises(UserError, match="nobody is called 'red'"):
        people.rename("red", "x")
    with pytest.raises(UserError, match="device on Windows"):
        people.rename("blue", "CON")
    assert people.names() == ["Ada Lovelace", "blue", "green"] and who(people, "red") == "Ada Lovelace"
    assert counts(server)["photos"] == 6


def test_merge_undo_and_merges_of_merges(people, server):
    fill(people)
    people.add("blue", photo("red"))  # the same photo in both
    with pytest.raises(UserError, match="look like two people"):
        people.merge("red", "green")
    people.merge("red", "blue", force=True)
    assert people.names() == ["blue", "green"] and len(people.photos("blue")) == 4
    people.merge("blue", "green", force=True)
    assert people.merged_into("green") == {"blue", "red"}
    assert counts(server) == {"people": 1, "photos": 6, "descriptions": 6, "centres": 1, "merges": 2}
    assert people.undo_merge().source == "blue"
    undone = people.undo_merge()
    assert (undone.source, undone.into, len(undone.photos)) == ("red", "blue", 1)
    with pytest.raises(UserError, match="nobody was merged"):
        people.undo_merge()
    assert people.names() == sorted(COLOURS)
    assert {row["name"]: row["photos"] for row in people.describe()} == {"blue": 3, "green": 2, "red": 1}


def test_the_last_photo_taken_back_takes_the_person_with_it(people):
    paths = [people.add("Ada", photo("red", seed)) for seed in range(2)]
    assert people.remove("Ada", "nothing.jpg") == 0
    assert people.remove("ADA", paths[0].name) == 1 and people.names() == ["Ada"]
    assert people.remove("Ada", paths[1].name) == 1 and people.names() == []


def test_forget_leaves_no_row_and_nothing_in_the_index(people, server, capsys):
    fill(people)
    people.merge("red", "green", force=True)
    capsys.readouterr()
    assert people.forget("green") == 4
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "backups" in said[0] and "WAL" in said[0]
    assert counts(server) == {"people": 1, "photos": 2, "descriptions": 2, "centres": 1, "merges": 0}
    dead = "SELECT relname FROM pg_stat_all_tables WHERE schemaname = 'recognition' AND n_dead_tup > 0"
    server.execute("SELECT pg_stat_force_next_flush()")
    assert not {name for (name,) in server.execute(dead)} & {"people", "photos", "descriptions", "centres", "merges"}
    with pytest.raises(UserError, match="nobody is called 'green'"):
        people.forget("green")


def test_forget_leaves_no_number_and_no_name_in_the_files_of_the_tables_and_indexes(people, server):
    rng = np.random.default_rng(0)
    for k in range(40):
        embedding = rng.normal(size=4).astype(np.float32)
        people.add(f"person number {k}", photo("red", k), embedding)
        if k == 7:
            told = [embedding.tobytes(), b"person number 7"]
            centre = "SELECT centre::text FROM recognition.centres ORDER BY person DESC LIMIT 1"
            told.append(np.array(json.loads(server.execute(centre)[0][0]), np.float32).tobytes())

    def found():
        server.execute("CHECKPOINT")
        contents = [path.read_bytes() for path in (server.data / "base").rglob("*") if path.is_file()]
        return [any(one in content for content in contents) for one in told]

    assert found() == [True] * 3
    assert people.forget("person number 7") == 1
    assert found() == [False] * 3


def test_another_network_looks_at_the_photos_itself_and_compares_only_its_own_numbers(people, address, server):
    fill(people)
    other = open_shared(address, "others")
    assert [who(other, colour) for colour in COLOURS] == list(COLOURS)
    assert other.embedder.calls == 1 + 6  # one to know how many numbers there are
    again = open_shared(address, "others")
    assert who(again, "red") == "red" and again.embedder.calls == 0
    people.add("yellow", photo("yellow"))
    soon(lambda: knows(again, "yellow", "yellow"))
    assert again.embedder.calls == 1 and counts(server)["descriptions"] == 14


def test_photos_without_a_usable_face_are_told_once(people, address, server, capsys):
    people.add("Ada", photo("red"))
    server.execute("UPDATE recognition.photos SET content = 'no picture'")
    other = open_shared(address, "others")
    assert other.gallery().names == []
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [str(path) for path, _ in open_shared(address, "others").unusable()] == [str(people.photos("Ada")[0])]
    assert not capsys.readouterr().err
    assert other.describe()[0]["usable"] == 0 and people.describe()[0]["usable"] == 1


def test_no_merge_that_led_to_the_forgotten_is_kept(people, server):
    fill(people, 1)
    for name in ("yellow", "amber"):
        people.add(name, photo("yellow", len(name)))
    for source, into in (("red", "green"), ("amber", "yellow"), ("green", "blue")):
        people.merge(source, into, force=True)
    people.forget("blue")
    assert server.execute("SELECT source, target FROM recognition.merges") == [("amber", "yellow")]


@pytest.mark.parametrize("left", [2, 0])  # photos of the person into whom others were merged: without any he is gone
def test_a_merge_whose_photos_are_gone_blocks_no_other(people, left):
    fill(people)
    people.merge("red", "blue", force=True)
    before = people.photos("green")
    people.add("yellow", photo("yellow"))
    people.merge("yellow", "green", force=True)
    for path in [path for path in people.photos("green") if path not in before[:left]]:
        people.remove("green", path.name)
    with pytest.raises(UserError, match=r"the photos that green got from yellow are gone.* is about the one before"):
        people.undo_merge()
    undone = people.undo_merge()
    assert (undone.source, len(undone.photos)) == ("red", 2)
    assert ("green" in people.names()) == bool(left)
