"""Frames of cameras over /live: the newest is answered, each camera for itself, and what is no frame is told."""

import json
import time

import pytest
from web_program import Program, Sizes, ask, live, png, served
from websockets.exceptions import ConnectionClosed

from recognition.files import ROOT
from recognition.web import app


@pytest.fixture(scope="module")
def port():
    with served(Sizes()) as number:
        yield number


def test_frames_are_answered_each_camera_for_itself(port):
    with live(port, "?model=own") as one, live(port) as other:
        for socket in (one, other):
            assert json.loads(socket.recv()) == {"ready": True, "page": "digits"}
            socket.send(png(30, 20))
        assert json.loads(one.recv()) == {"source": "camera", "frame": 0, "size": [30, 20], "model": "own"}
        assert json.loads(other.recv()) == {"source": "camera", "frame": 0, "size": [30, 20]}
        one.send(b"nothing")
        assert json.loads(one.recv()) == {"error": "camera: no image that can be read: is it damaged?", "frame": 1}
        for nothing in (b"", "words"):
            one.send(nothing)
            assert json.loads(one.recv())["error"] == "no picture: send one as a binary message"
        one.send(png())
        assert json.loads(one.recv())["frame"] == 4


def test_so_many_cameras_and_no_more(monkeypatch):
    monkeypatch.setattr(app, "CAMERAS", 1)
    with served(Sizes()) as port:
        with live(port) as one:
            assert json.loads(one.recv()) == {"ready": True, "page": "digits"}
            with live(port) as other, pytest.raises(Exception, match="1013"):
                other.recv()
        time.sleep(0.2)
        with live(port) as one:
            assert json.loads(one.recv()) == {"ready": True, "page": "digits"}


def test_a_fault_of_the_program_is_told_and_the_camera_goes_on(port, capfd):
    with live(port, "?broken=1") as socket:
        socket.recv()
        for number in range(2):
            socket.send(png())
            told = json.loads(socket.recv())
            assert told == {"error": "the program made a mistake, which its terminal names", "frame": number}
    assert capfd.readouterr().err == 2 * "error: /live: ZeroDivisionError: a fault\n"


def test_the_newest_frame_wins_and_none_waits_in_a_queue():
    with served(Sizes(0.3)) as port, live(port) as socket:
        assert json.loads(socket.recv()) == {"ready": True, "page": "digits"}
        for k in range(30):
            socket.send(png(20 + k))
        answers = [json.loads(socket.recv()) for _ in range(2)]
        assert answers[-1]["frame"] == 29 and answers[-1]["size"] == [49, 10]
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.6)


def test_a_frame_that_is_too_large_ends_the_camera_alone(port):
    with live(port) as socket:
        socket.recv()
        with pytest.raises(ConnectionClosed):  # with code 1009, unless it is closed while the frame is still being sent
            socket.send(b"x" * (app.MOST_LIVE + 1))
            socket.recv()
    assert ask(port, "/read", png())[0] == 200


def test_faces_keep_their_numbers_when_somebody_is_enrolled(tmp_path):
    samples = ROOT / "data" / "samples"
    party = (samples / "party.jpg").read_bytes()  # four people, one of them Ada
    (tmp_path / "faces").mkdir()
    with (
        Program("face_recognition", "--faces", tmp_path / "faces", cwd=tmp_path, port=8390) as program,
        live(program.port) as socket,
    ):
        while "ready" not in json.loads(socket.recv()):
            pass

        def names(picture: bytes = party) -> dict[int, str | None]:
            socket.send(picture)
            return {one["track"]: one["name"] for one in json.loads(socket.recv())["faces"]}

        assert names() and not names(png(1280, 320))  # a cut: they have other numbers when they come again
        before = [names() for _ in range(9)][-1]
        assert before and 1 not in before and not any(before.values())
        photo = (samples / "people" / "Ada" / "1.jpg").read_bytes()
        assert ask(program.port, "/enroll?name=Ada&consent=yes", photo)[0] == 200
        limit = time.monotonic() + 20
        while "Ada" not in (now := names()).values() and time.monotonic() < limit:
            time.sleep(0.05)
        assert before.keys() <= now.keys() and 1 not in now and "Ada" in now.values()
