"""Recordings that are killed can be read but for their last moments, and the next one in that folder mends them."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import script_environment
from test_recording import Clip, frame, read
from test_videos import number_of

from recognition.files import ROOT
from recognition.media import recording
from recognition.media.frames import Frame
from recognition.media.partials import mending, remuxing
from recognition.media.recording import VideoWriter
from recognition.media.videos import VideoSource
from recognition.settings import UserError

BLOCK = 262_144  # bytes
# Records numbered frames, each with noise, till it is killed
RECORD = """
import sys
import numpy as np
from recognition.media.frames import Frame
from recognition.media.recording import VideoWriter
from test_recording import Clip, frame

writer, noise = VideoWriter(sys.argv[1], Clip(fps=20.0)), np.random.default_rng(0)
for number in range(10**6):
    image = frame(number % 256, width=320, height=240).image
    image[96:] = noise.integers(0, 255, (144, 320, 3))
    writer.write(Frame("clip.avi", number, image, number / 20))
    print(number, flush=True)
"""


def start(folder: Path, *arguments: object) -> subprocess.Popen:
    environment = script_environment() | {"PYTHONPATH": f"{Path(__file__).parent}:{ROOT}"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def kill_after(lines: int, process: subprocess.Popen) -> int:
    """Kill a program after it printed so many lines, and return how many there were."""
    for _ in range(lines):
        assert process.stdout.readline()
    process.kill()
    rest = process.communicate()[0]
    assert process.returncode == (1 if os.name == "nt" else -signal.SIGKILL)
    return lines + len(rest.splitlines())


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def full_disk(monkeypatch):
    """Let what is finished lose the half of its frames, as on a disk that gets full meanwhile."""
    whole = mending.remux

    def half(source, target, *how):
        shutil.copy(source, half_of := source.with_stem(f"half{source.stem}"))
        os.truncate(half_of, half_of.stat().st_size // 2)
        whole(half_of, target, *how)
        half_of.unlink()
        return whole(source, target.with_stem(f"whole{target.stem}"), *how)

    monkeypatch.setattr(mending, "remux", half)


@pytest.mark.parametrize("suffix", list(recording.CODECS))
def test_where_there_is_no_room_to_finish_nothing_of_a_recording_is_lost(tmp_path, suffix, monkeypatch, capsys):
    path = tmp_path / "films" / f"a{suffix}"
    writer = VideoWriter(str(path), Clip())
    for number in range(60):
        writer.write(frame(number))
    with monkeypatch.context() as patch:
        full_disk(patch)
        with pytest.raises(UserError, match=r"could not be written: is the disk full.*what was recorded is in"):
            writer.close()
        for left in path.parent.glob("*whole*"):
            left.unlink()
        VideoWriter(str(path.parent / "b.mp4"), Clip())  # the next recording mends, if there is room
        assert "no room to mend it" in capsys.readouterr().err and not list(path.parent.glob("*mended*"))
    VideoWriter(str(path.parent / "b.mp4"), Clip())
    assert [number_of(image) for image in read(path.with_stem("a_mended"))[0]] == list(range(60))


@pytest.mark.parametrize("suffix", list(recording.CODECS))
def test_what_a_kill_leaves_is_mended_by_the_next_recording(tmp_path, suffix, capsys):
    count = kill_after(200, start(tmp_path, "-c", RECORD, f"a{suffix}"))
    partial = only(tmp_path, ".*.partial.*")
    before, _ = read(partial)  # without being mended, too
    assert [number_of(image) for image in before[:-1]] == list(range(len(before) - 1))
    assert len(before) > 50
    missing = count - len(before) - recording.BEHIND - 2  # but for those that waited to be encoded
    assert missing <= mending.PART * 20
    (tmp_path / f"a{suffix}").write_text("of another run")
    VideoWriter(str(tmp_path / "b.mp4"), Clip())
    mended = tmp_path / f"a_mended{suffix}"
    assert capsys.readouterr().err == f"mended {mended}: its recording was killed\n"
    images, fps = read(mended)
    assert len(images) == len(before)
    assert fps == pytest.approx(20, rel=0.002)
    assert all(np.array_equal(*pair) for pair in zip(images, before, strict=True))
    assert sum(1 for _ in VideoSource(str(mended))) == len(images)
    assert {path.name for path in tmp_path.iterdir()} == {f"a{suffix}", mended.name}


def test_a_script_that_is_killed(tmp_path):
    """Two runs of video.py: the first is killed, the second one mends what it left and makes its own film."""
    noise = np.random.default_rng(1)
    clip = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (640, 480))
    for _ in range(60):
        clip.write(noise.integers(0, 255, (480, 640, 3), np.uint8))
    clip.release()
    command = ROOT / "digit_recognition" / "video.py", "clip.avi", "--json", "--output"
    lines = kill_after(40, start(tmp_path, *command, "out/read.mp4"))
    second = start(tmp_path, *command, "out/again.mp4")
    second.communicate(timeout=240)
    assert second.returncode == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"read_mended.mp4", "again.mp4"}
    mended, again = (read(tmp_path / "out" / name)[0] for name in ("read_mended.mp4", "again.mp4"))
    assert len(again) == 60
    assert lines - 25 < len(mended) <= lines  # a second of it
    apart = min(np.abs(one.astype(int) - other).mean() for one, other in itertools.pairwise(again))
    differences = [np.abs(one.astype(int) - other).mean() for one, other in zip(mended, again, strict=False)]
    assert max(differences) < 0.6 * apart  # where one second ends and the next one begins depends on the machine


def test_recordings_that_go_on_are_left_alone(tmp_path):
    process = start(tmp_path, "-c", RECORD, "a.mp4")
    for _ in range(100):
        process.stdout.readline()
    partial = only(tmp_path, ".*.partial.ts")
    mending.mend(tmp_path)
    assert list(tmp_path.glob("*.partial.*")) == [partial]
    assert not list(tmp_path.glob("*mended*"))
    kill_after(1, process)
    mending.mend(tmp_path)
    mending.mend(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a_mended.mp4"]


def test_killed_before_anything_was_written_or_damaged(tmp_path, capsys):
    for name in (".a.mp4.25.0fps.12.partial.ts", ".a.mp4.25.0fps.12.part.ts"):
        (tmp_path / name).touch()
    (tmp_path / ".b.mp4.25fps.13.partial.ts").write_bytes(b"no video")
    for name in (".c.mp4.14.partial.mp4", ".d.json.25fps.15.partial.ts", ".e.16.partial", "f.avi.9fps.17.partial.avi"):
        (tmp_path / name).write_bytes(b"of something else")
    before = {path.name for path in tmp_path.iterdir()}
    mending.mend(tmp_path)
    gone = {".a.mp4.25.0fps.12.partial.ts", ".a.mp4.25.0fps.12.part.ts", ".b.mp4.25fps.13.partial.ts"}
    left = {f".b.mp4.25.0fps.{os.getpid()}.partial.ts"}
    assert {path.name for path in tmp_path.iterdir()} == before - gone | left
    assert capsys.readouterr().err.count("no picture can be read: delete it") == 1


@pytest.mark.parametrize("suffix", sorted(remuxing.MP4))
@pytest.mark.parametrize(("fps", "size"), [(25.0, (640, 480)), (23.976, (322, 240))])
def test_what_is_copied_is_as_opencv_writes_it_at_once(tmp_path, suffix, fps, size):
    """Byte for byte: with the index, the head for decoders in it, and the list of key frames."""
    direct, partial, finished = (tmp_path / name for name in (f"direct{suffix}", "partial.mkv", f"finished{suffix}"))
    for path in (direct, partial):
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"mp4v"), fps, size)
        for number in range(100):
            writer.write(frame(number, width=size[0], height=size[1]).image)
        writer.release()
    assert remuxing.remux(partial, finished, "mp4v", fps, size) == 100
    assert finished.read_bytes() == direct.read_bytes()


def test_there_has_to_be_room_to_finish_what_was_recorded(tmp_path, monkeypatch):
    usage, free = namedtuple("Usage", "free"), recording.MIN_FREE + 2 * BLOCK
    monkeypatch.setattr(recording.shutil, "disk_usage", lambda _: usage(free))
    noise, writer = np.random.default_rng(0), VideoWriter(str(tmp_path / "a.mp4"), Clip())
    with pytest.raises(UserError, match="the disk is full"):
        for number in range(1000):
            writer.write(Frame("a", number, noise.integers(0, 255, (240, 320, 3), np.uint8), number / 25))
    writer.close()
    assert (tmp_path / "a.mp4").stat().st_size > 2 * BLOCK
