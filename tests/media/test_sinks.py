"""Annotated pictures are written under names of their own, and the rate shown is the rate of frames."""

import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_frames import picture

from recognition.media import sinks, windows
from recognition.media.frames import Frame
from recognition.settings import UserError


def test_sink_never_writes_over_its_own_pictures(tmp_path):
    """Photos of the same name from two folders, and one output file for several photos."""
    for output, expected in (
        (tmp_path / "folder", ["a-2_read.png", "a_read.png"]),
        (tmp_path / "one" / "b.png", ["b-2.png", "b.png"]),
    ):
        sink = sinks.FrameSink(str(output), show=False)
        written = [sink.write(Frame(name, 0, picture())) for name in ("x/a.jpg", "y/a.jpg")]
        assert sorted(path.name for path in written) == expected
        for path in written:
            assert np.array_equal(cv2.imread(str(path)), picture())


def test_another_photo_of_the_same_folder_is_not_written_over(tmp_path):
    for name in ("a.png", "a_read.png"):
        cv2.imwrite(str(tmp_path / name), picture())
    sink = sinks.FrameSink(str(tmp_path), show=False)
    with pytest.raises(UserError, match=r"a_read\.png: is there already, among the photos: choose another --output"):
        sink.write(Frame(str(tmp_path / "a.png"), 0, 255 - picture()))
    assert np.array_equal(cv2.imread(str(tmp_path / "a_read.png")), picture())
    named = sinks.FrameSink(str(tmp_path / "a_read.png"), show=False)  # which the user named
    assert named.write(Frame(str(tmp_path / "a.png"), 0, 255 - picture())) == tmp_path / "a_read.png"


@pytest.mark.parametrize("name", ["a.pgm", "a.heic"])
def test_sink_refuses_kinds_of_image_that_it_cannot_write(tmp_path, name):
    with pytest.raises(UserError, match="cannot be written") as caught:
        sinks.FrameSink(str(tmp_path / name), show=False).write(Frame("a.jpg", 0, picture()))
    assert caught.value.code == 2


def test_a_picture_that_cannot_be_written_does_not_end_the_run(tmp_path, monkeypatch, capsys):
    def full(path, *_, **__):
        raise OSError(28, "No space left on device", str(path))

    sink = sinks.FrameSink(str(tmp_path), show=False)
    with monkeypatch.context() as patch:
        patch.setattr(sinks, "write_atomically", full)
        sink.put(Frame("a.jpg", 0, picture()), "42")
    sink.put(Frame("b.jpg", 0, picture()), "43")
    said = capsys.readouterr()
    assert said.err == f"error: {tmp_path / 'a_read.png'}: No space left on device\n"
    assert said.out == f"a.jpg: 42\nb.jpg: 43   -> {tmp_path / 'b_read.png'}\n"
    assert sink.failed == ["a.jpg"]


def test_a_picture_that_the_key_cannot_save_does_not_end_the_run(tmp_path, monkeypatch, capsys):
    class Window:
        title, closed, keys = "", False, ["s", "n", "s", "n"]

        def show(self, *_):
            pass

        def key(self, _):
            return self.keys.pop(0)

    monkeypatch.chdir(tmp_path)
    sink = sinks.FrameSink(None, show=False)
    sink._window = Window()
    (tmp_path / "output").write_text("no folder")
    sink.show(Frame("a.jpg", 0, picture()))
    (tmp_path / "output").unlink()
    sink.show(Frame("b.jpg", 0, picture()))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ") and second == f"saved {Path('output') / 'b_read.png'}"


def test_fps_meter(monkeypatch):
    meter, now = sinks.FpsMeter(frames=5), 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert meter.tick() == 0
    for step in (0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05):
        now += step
        rate = meter.tick()
    assert rate == pytest.approx(20)  # the slow ones are forgotten


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells by DISPLAY where windows go")
@pytest.mark.parametrize("address", ["", "nonsense", ":9999", "localhost:9999.0"])
def test_a_display_that_does_not_answer_is_none(monkeypatch, capfd, address):
    monkeypatch.setenv("DISPLAY", address)
    assert not windows.has_display()
    said = f"DISPLAY={address} does not answer: no window is opened\n" if address else ""
    assert capfd.readouterr().err == said


def test_a_display_that_answers(display, monkeypatch):
    for suffix in ("", ".0"):
        monkeypatch.setenv("DISPLAY", display.environment["DISPLAY"] + suffix)
        assert windows.has_display()


def test_a_photo_is_never_overwritten_by_its_annotated_picture(tmp_path, monkeypatch):
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((20, 20, 3), np.uint8))
    before = photo.read_bytes()
    monkeypatch.chdir(tmp_path)
    for output in (photo, "photo.png", "./photo.png"):
        with sinks.FrameSink(str(output), show=False) as sink, pytest.raises(UserError, match="overwritten"):
            sink.write(Frame(str(photo), 0, np.full((20, 20, 3), 9, np.uint8)))
    assert photo.read_bytes() == before
