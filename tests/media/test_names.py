"""Names of files that OpenCV, or the disk, cannot take: bytes that are no UTF-8, and very long ones."""

import sys

import numpy as np
import pytest
from test_frames import picture, sources
from test_frames import save as save_image
from test_videos import save

from recognition.media import frames, sinks
from recognition.media.frames import Frame
from recognition.media.recording import VideoWriter
from recognition.media.videos import VideoSource
from recognition.settings import UserError

needs_names_of_bytes = pytest.mark.skipif(sys.platform != "linux", reason="names are no bytes here")


@needs_names_of_bytes
def test_names_that_are_no_utf8_are_written_and_refused_like_others(tmp_path):
    """From an old zip; OpenCV crashes when it is given one."""
    sink = sinks.FrameSink(str(tmp_path), show=False)
    path = sink.write(Frame("caf\udce9.jpg", 0, picture()))
    assert (tmp_path / "caf\udce9_read.png") == path
    assert path.read_bytes()[1:4] == b"PNG"
    with pytest.raises(UserError, match="cannot be written"):
        sinks.save_picture(tmp_path / "a.p\udce9g", picture())


@pytest.mark.parametrize("name", ["n" * 250, "é" * 120, "数" * 80])
def test_a_long_name_is_shortened_to_what_a_file_can_have(tmp_path, name):
    sink = sinks.FrameSink(str(tmp_path), show=False)
    first, second = (sink.write(Frame(f"{name}.jpg", 0, picture())) for _ in range(2))
    assert first != second
    assert name.startswith(first.name[:20])


@needs_names_of_bytes
def test_a_name_that_is_no_utf8(tmp_path):
    """From an old zip; OpenCV crashes when it is given one."""
    save(tmp_path / "plain.mp4", codec="mp4v", frames=5).rename(tmp_path / "caf\udce9.mp4")
    source = VideoSource(str(tmp_path / "caf\udce9.mp4"))
    assert len(list(source)) == 5
    writer = VideoWriter(str(tmp_path), source)
    for frame in source:
        writer.write(frame)
    writer.close()
    assert len(list(VideoSource(str(tmp_path / "caf\udce9_read.mp4")))) == 5


def test_non_ascii_name(tmp_path):
    path = tmp_path / "számok 数字 ١٢٣.png"
    path.write_bytes(save_image(tmp_path / "a.png", picture()).read_bytes())
    assert np.array_equal(frames.read_image(path), picture())


def test_name_too_long_for_the_disk_does_not_stop_the_rest(tmp_path, capsys):
    save_image(tmp_path / "a.png", picture())
    assert sources(tmp_path / ("x" * 300 + ".png"), tmp_path / "a.png") == ["a.png"]
    assert "xxx.png" in capsys.readouterr().err
