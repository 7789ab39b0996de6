"""Who was seen when: spans joined over gaps, named by what was known in the end, as a table and a picture."""

import csv

import cv2
import numpy as np
import pytest

from recognition.faces.live import Seen
from recognition.faces.timeline import Timeline, rows_of
from recognition.faces.tracks import Identity
from recognition.settings import UserError

FPS = 10


class Who(Identity):
    """Somebody whose name is said."""

    name, confidence, distance = None, 0.0, 1.0

    def __init__(self, name=None, confidence=0.0):
        super().__init__()
        self.name, self.confidence = name, confidence


def gather(*stays, path=None, start=0.0):
    """Return the timeline of stays (who, first frame, last frame), frames numbered from 0."""
    timeline = Timeline(FPS, path)
    for index in range(max((last for *_, last in stays), default=0) + 1):
        seen = [Seen((0, 0, 9, 9), who) for who, first, last in stays if first <= index <= last]
        timeline.add(start + index / FPS, seen)
    return timeline


def rows(timeline):
    return [(span.name, round(span.start, 3), round(span.end, 3), span.frames) for span in timeline.spans()]


def test_worked_case():
    timeline = gather(
        (Who("Ada", 0.7), 5, 14), (Who("Ben", 0.9), 10, 19), (Who("Ada", 0.8), 20, 29), (Who("Ada"), 45, 45)
    )
    assert rows(timeline) == [("Ada", 0.5, 3.0, 20), ("Ben", 1.0, 2.0, 10), ("Ada", 4.5, 4.6, 1)]
    assert [span.confidence for span in timeline.spans()] == [0.8, 0.9, 0.0]
    assert timeline.text() == "0.5-3.0 s: Ada\n1.0-2.0 s: Ben\n4.5-4.6 s: Ada"


def test_time_counts_from_the_first_frame():
    assert rows(gather((Who("Ada"), 0, 9), start=1e6)) == [("Ada", 0.0, 1.0, 10)]


def test_strangers_are_numbered_and_glimpses_left_out():
    timeline = gather((Who(), 0, 9), (Who(), 3, 5), (Who(), 4, 20))
    assert rows(timeline) == [("unknown 1", 0.0, 1.0, 10), ("unknown 2", 0.4, 2.1, 17)]
    assert timeline.text() == "2 unknown\n1 unknown for less than 0.5 s"
    assert gather().text() == "no faces"


def test_glimpses_are_counted():
    """Two faces in the only frame of a film are not no faces."""
    assert gather((Who(), 0, 0), (Who(), 0, 0)).text() == "2 unknown for less than 0.5 s"
    assert gather((Who("Ada"), 0, 0), (Who(), 0, 0)).text() == "0.0-0.1 s: Ada\n1 unknown for less than 0.5 s"


def test_a_name_that_came_late_counts_from_the_start():
    timeline, who = Timeline(FPS), Who()
    for index in range(20):
        who.name = "Ada" if index > 10 else None
        timeline.add(index / FPS, [Seen((0, 0, 9, 9), who)])
    assert rows(timeline) == [("Ada", 0.0, 2.0, 20)]


def test_table_and_picture(tmp_path):
    timeline = gather((Who('Zoë, "Z" $x$ 山', 0.91234), 0, 9), (Who(), 20, 39), path=str(tmp_path / "new" / "seen.csv"))
    timeline.__exit__()
    with (tmp_path / "new" / "seen.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert table == [
        ["name", "start", "end", "frames", "best_confidence"],
        ['Zoë, "Z" $x$ 山', "0.000", "1.000", "10", "0.9123"],
        ["unknown 1", "2.000", "4.000", "20", ""],
    ]
    image = cv2.imread(str(tmp_path / "new" / "seen.png")).astype(int)
    blue, gray = ((np.abs(image - colour) < 3).all(-1) for colour in ((178, 115, 1), (148, 148, 148)))
    rows_of_bars = [np.flatnonzero(colour.sum(1) > 200) for colour in (blue, gray)]
    assert rows_of_bars[0].max() < rows_of_bars[1].min()
    widths = [colour.sum(1).max() for colour in (blue, gray)]
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.05)  # one second and two
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["seen.csv", "seen.png"]


def test_of_many_strangers_those_seen_longest_have_rows():
    few, many = ([(Who("Ada"), 30, 39), *((Who(), k, 2 * k + 5) for k in range(count))] for count in (12, 40))
    assert list(rows_of(gather(*few).spans())) == ["Ada", *(f"unknown {k}" for k in range(1, 13))]
    rows = rows_of(gather(*many).spans())
    assert list(rows) == ["Ada", *(f"unknown {k}" for k in range(30, 41)), "29 more unknown"]
    assert [span.name for span in rows["29 more unknown"]] == [f"unknown {k}" for k in range(1, 30)]


@pytest.mark.parametrize("name", ["seen.txt", "seen", "file/seen.csv"])
def test_a_path_that_cannot_be_written_is_refused_before_the_work(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as error:
        Timeline(FPS, str(tmp_path / name))
    assert error.value.code == 2


def test_hours_do_not_fill_the_memory():
    timeline = Timeline(FPS)
    for index in range(3000):
        timeline.add(index / FPS, [Seen((0, 0, 9, 9), Who())])
    assert len(timeline._open) <= 12
