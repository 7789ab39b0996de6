"""Videos are written whole, at the speed of what was filmed, whatever ends the run; read back by OpenCV alone."""

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_videos import number_of, numbered, save

from recognition.files import ROOT
from recognition.media import recording
from recognition.media.frames import Frame
from recognition.media.recording import VideoWriter
from recognition.media.sinks import VideoSink
from recognition.media.videos import VideoSource
from recognition.settings import UserError


class Clip:
    """What a writer needs to know of a source."""

    live = False

    def __init__(self, source: str = "folder/clip.avi", fps: float = 25.0):
        self.source, self.fps = source, fps


class Camera(Clip):
    live = True


def frame(number: int, seconds: float | None = None, width: int = 64, height: int = 48) -> Frame:
    return Frame("clip.avi", number, numbered(number, width, height), number / 25 if seconds is None else seconds)


def read(path: Path) -> tuple[list[np.ndarray], float]:
    """Return the frames of a video and its rate."""
    capture, images = cv2.VideoCapture(str(path)), []
    while (image := capture.read()[1]) is not None:
        images.append(image)
    return images, capture.get(cv2.CAP_PROP_FPS)


def test_what_a_camera_saw_is_never_written_over(tmp_path):
    for source, names in ((Camera(), {"camera_read.mp4", "camera_read-2.mp4"}), (Clip(), {"clip_read.mp4"})):
        folder = tmp_path / recording.name_of(source)
        for _ in range(2):
            with VideoSink(str(folder), False, source) as sink:
                sink.write(frame(0))
        assert {path.name for path in folder.iterdir()} == names


def test_two_cameras_that_are_recorded_at_once_get_a_file_each(tmp_path, capsys, monkeypatch):
    first = VideoWriter(str(tmp_path), Camera())
    monkeypatch.setattr(os, "getpid", lambda: 1)  # another program
    second = VideoWriter(str(tmp_path), Camera())
    for number in range(3):
        first.write(frame(number))
        second.write(frame(number + 10))
    first.close()
    second.close()
    assert "camera_read-2.mp4" in capsys.readouterr().err
    found = [[number_of(image) for image in read(tmp_path / f"camera_read{end}.mp4")[0]] for end in ("", "-2")]
    assert sorted(one[0] for one in found) == [0, 10]


@pytest.mark.parametrize("suffix", list(recording.CODECS))
@pytest.mark.parametrize("fps", [25, 30000 / 1001, 13.666, 71.42857, 120])
def test_every_kind_has_every_frame_in_order_at_its_rate(tmp_path, suffix, fps, capfd):
    path = tmp_path / f"ünï 数{suffix.upper() if suffix == '.avi' else suffix}"
    with VideoSink(str(path), False, Clip(fps=fps)) as sink:
        for number in range(40):
            sink.write(frame(number, number / fps))
            assert sink.show(frame(number)) == ""
    images, found = read(path)
    assert [number_of(image) for image in images] == list(range(40))
    assert found == pytest.approx(fps, rel=0.002)
    assert capfd.readouterr().err == f"saved {path}\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_video_that_is_read_and_written_again_is_the_same(tmp_path):
    source = VideoSource(str(save(tmp_path / "a.avi", fps=12.5)))
    with VideoSink(str(tmp_path / "b.avi"), False, source) as sink:
        for one in source:
            sink.write(one)
    images, fps = read(tmp_path / "b.avi")
    assert ([number_of(image) for image in images], fps) == (list(range(60)), 12.5)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_odd_sizes_lose_no_row_and_no_column(tmp_path, suffix):
    image = np.full((49, 65, 3), 90, np.uint8)
    image[-1] = image[:, -1] = 250
    with VideoSink(str(tmp_path / f"a{suffix}"), False, Clip()) as sink:
        for _ in range(5):
            sink.write(Frame("a", 0, image))
    found = read(tmp_path / f"a{suffix}")[0][-1].astype(int)
    assert found.shape == (50, 66, 3)
    assert np.abs(found[:49, :65] - image).mean() < 12
    assert found[48:].mean() > 220
    assert found[:, 64:].mean() > 220


def test_frames_too_large_for_the_kind_of_video(tmp_path, capfd):
    limit = r"a\.mp4: cannot hold 9000x20 pixels"
    with pytest.raises(UserError, match=limit), VideoSink(str(tmp_path / "a.mp4"), False, Clip()) as sink:
        sink.write(frame(0, width=9000, height=20))
    assert (list(tmp_path.iterdir()), capfd.readouterr().err) == ([], "")


def test_other_sizes_are_fitted_with_black_borders_and_said_once(tmp_path, capfd):
    with VideoSink(str(tmp_path / "a.avi"), False, Clip()) as sink:
        sink.write(frame(0, width=160, height=80))
        for number in range(1, 4):
            sink.write(Frame("a", number, np.full((160, 160, 3), 200, np.uint8), number / 25))
    found = read(tmp_path / "a.avi")[0][2].astype(int)
    assert found.shape == (80, 160, 3)
    assert np.abs(found[:, 44:116] - 200).max() < 20
    assert max(found[:, :36].max(), found[:, 124:].max()) < 20
    assert capfd.readouterr().err.count("frames of other sizes than 160x80") == 1


def test_a_cameras_video_plays_in_real_time(tmp_path):
    """Frames come twice as fast for a second, then not for a second, then slowly."""
    times = 500 + np.concatenate([np.arange(50) / 50, 2 + np.arange(20) / 10])
    path = tmp_path / "a.avi"
    with VideoSink(str(path), False, Camera("0")) as sink:
        for number, seconds in enumerate(times):
            sink.write(frame(number, seconds))
    images, fps = read(path)
    assert fps == 25
    assert abs(len(images) - (times[-1] - times[0]) * fps) <= 1.01
    for position, image in enumerate(images):
        at, half = 500 + position / fps, 0.021
        assert times[times <= at - half].max(initial=500) <= times[number_of(image)] <= at + half


def test_a_pause_is_left_out_of_a_cameras_video(tmp_path):
    writer = VideoWriter(str(tmp_path / "a.avi"), Camera("0"))
    writer.write(frame(0, 10))
    writer.pause(60)
    writer.write(frame(1, 71))
    writer.close()
    assert len(read(tmp_path / "a.avi")[0]) == 26


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_was_done_is_kept_when_a_run_ends_early(tmp_path, error):
    path = tmp_path / "a.mp4"
    path.write_text("the old one")
    with pytest.raises(error), VideoSink(str(path), False, Clip()) as sink:
        for number in range(10):
            sink.write(frame(number))
            assert path.read_text(errors="replace") == "the old one"
        raise error
    assert len(read(path)[0]) == 10
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_if_no_frame_came(tmp_path):
    with VideoSink(str(tmp_path / "new" / "a.mp4"), False, Clip()):
        pass
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("output", "source", "name"),
    [
        ("folder", Clip("x/clip.avi"), "folder/clip_read.mp4"),
        ("v1.2/", Clip("x/clip.avi"), "v1.2/clip_read.mp4"),
        ("folder", Clip("http://host/a:b.mp4?x=1"), "folder/a_b_read.mp4"),
        ("folder", Camera("rtsp://host:554/"), "folder/camera_read.mp4"),
    ],
)
def test_a_folder_as_output(tmp_path, output, source, name):
    with VideoSink(f"{tmp_path}/{output}", False, source) as sink:
        sink.write(frame(0))
    assert (tmp_path / name).exists()


def refusal(output: Path | str, source: Clip) -> str:
    """Return the one line with which an output is refused before any frame comes."""
    with pytest.raises(UserError) as caught:
        VideoSink(str(output), False, source)
    assert caught.value.code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.gif", "a.txt", "a.mp3"])
def test_kinds_that_are_no_video(tmp_path, name):
    assert f"{name}: this kind of video cannot be written: name it .avi" in refusal(tmp_path / name, Clip())


def test_codec_that_this_opencv_lacks(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(recording.CODECS, ".mp4", "THEO")
    assert "a.mp4: cannot be written" in refusal(tmp_path / "a.mp4", Clip())
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_input_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(Path("a.avi"))
    assert "is the video that is read" in refusal(tmp_path / "a.avi", Clip("a.avi"))


def test_places_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be made" in refusal(tmp_path / "file" / "a.mp4", Clip())
    if sys.platform.startswith("linux"):
        assert "cannot be" in refusal("/proc/a.mp4", Clip())


def test_full_disk_ends_the_run_while_there_is_room_to_end_the_file(tmp_path, monkeypatch):
    free = namedtuple("Usage", "free")
    monkeypatch.setattr(recording.shutil, "disk_usage", lambda _: free(10**9))
    with pytest.raises(UserError, match="the disk is full") as caught, VideoSink(str(tmp_path), False, Clip()) as sink:
        sink.write(frame(0))
        monkeypatch.setattr(recording.shutil, "disk_usage", lambda _: free(10**6))
        sink.write(frame(1))
    assert caught.value.code == 1
    assert len(read(tmp_path / "clip_read.mp4")[0]) == 1


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_disk_that_takes_no_more_is_noticed_at_the_end(tmp_path, suffix):
    """The size of files is limited, which a full disk's last bytes look like to FFmpeg."""
    pytest.importorskip("resource", reason="the size of files can be limited on Linux and macOS only")
    code = f"""
import resource, signal
import numpy as np
from recognition import settings
from recognition.media import frames, sinks
from test_recording import Clip

def main():
    with sinks.VideoSink("a{suffix}", False, Clip()) as sink:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        for number in range(30):
            noise = np.random.default_rng(number).integers(0, 255, (240, 320, 3), np.uint8)
            sink.write(frames.Frame("a", number, noise, number / 25))

try:
    main()
except settings.UserError as error:
    print(error)
"""
    environment = {"PYTHONPATH": f"{Path(__file__).parent}:{ROOT}", "PATH": ""}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.stderr == ""
    assert run.stdout.count("\n") == 1
    assert f"a{suffix}: " in run.stdout
    assert "is the disk full?" in run.stdout
