"""Films keep their sound, in time with the pictures, where FFmpeg's program or PyAV is there; else that is told."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_recording import Clip, frame, read

from recognition.media.sinks import VideoSink
from recognition.media.sound import containers, copying
from recognition.media.videos import VideoSource

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(not FFMPEG, reason="films with sound are made, and heard, by ffmpeg")
KINDS = {".mp4": "aac", ".mov": "aac", ".avi": "libmp3lame", ".mkv": "libopus", ".webm": "libopus", ".mpg": "mp2"}
KINDS |= {".ts": "mp2", ".m2ts": "ac3", ".wmv": "wmav2", ".flv": "aac"}
FLASH, SECONDS, RATE = 1.2, 3.0, 8000


def ffmpeg(*arguments: object) -> bytes:
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def make_film(path: Path, sound: bool = True, rate: str = "25") -> Path:
    """Write a film that is black, and white from the flash on, when a tone begins."""
    light = f"geq=lum=if(gt(T\\,{FLASH - 0.001})\\,235\\,16):cb=128:cr=128"
    pictures = f"color=black:size=160x120:rate={rate}:duration={SECONDS},{light}"
    tone = f"sine=440:duration={SECONDS}:sample_rate=48000,volume=if(gt(t\\,{FLASH})\\,1\\,0):eval=frame"
    others = {".webm": "libvpx", ".mpg": "mpeg1video", ".ts": "mpeg2video", ".m2ts": "mpeg2video", ".flv": "flv1"}
    codec = others.get(path.suffix, "mpeg4")
    audio = ["-f", "lavfi", "-i", tone, "-c:a", KINDS[path.suffix]] if sound else []
    ffmpeg("-f", "lavfi", "-i", pictures, *audio, "-c:v", codec, path)
    return path


def heard(path: Path) -> np.ndarray:
    """Return the sound of a film, float (N,), 8000 a second, counted from the first picture."""
    raw = ffmpeg(
        "-i", path, "-map", "0:a?", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", RATE, "-f", "s16le", "-"
    )
    return np.frombuffer(raw, np.int16).astype(float)


def check_in_time(path: Path, slack: float = 0.1) -> None:
    sound, (images, fps) = heard(path), read(path)
    assert len(sound) / RATE == pytest.approx(SECONDS, abs=0.15)
    assert len(images) / fps == pytest.approx(SECONDS, abs=0.15)
    begun = np.flatnonzero(np.abs(sound) > 1000)[0] / RATE
    light = np.array([image.mean() for image in images])
    white = np.flatnonzero(light > (light.min() + light.max()) / 2)[0] / fps
    assert begun == pytest.approx(FLASH, abs=slack) and white == pytest.approx(FLASH, abs=slack)


def copy(source: Path, output: Path, most: int = 10**6) -> None:
    """Read a film and write it again."""
    film = VideoSource(str(source))
    with VideoSink(str(output), False, film) as sink:
        for one in film:
            sink.write(one)
            if one.index + 1 == most:
                break


@needs_ffmpeg
@pytest.mark.parametrize("suffix", KINDS)
def test_sound_is_recognised_in_every_kind_of_film(tmp_path, suffix):
    assert containers.has_sound(make_film(tmp_path / f"a{suffix}"))
    assert not containers.has_sound(make_film(tmp_path / f"b{suffix}", sound=False))


def test_what_is_no_film_has_no_sound(tmp_path):
    for name, content in {
        "empty.mp4": b"",
        "noise.mp4": np.random.default_rng(0).bytes(10_000),
        "around.mp4": b"\0\0\0\x08ftyp" + b"\0\0\0\0free" * 3,
        "far.mp4": b"\0\0\0\x01mdat" + b"\xff" * 8,
        "text.txt": b"hdlr--------soun",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert not containers.has_sound(tmp_path / name), name
    assert not containers.has_sound(tmp_path) and not containers.has_sound(tmp_path / "none")
    index = b"\0\0\0\x20moov" + b"hdlr" + bytes(8) + b"soun" + bytes(8)
    (tmp_path / "late.mp4").write_bytes(b"\0\0\0\x08ftyp" + b"\0\0\0\x10mdat" + bytes(8) + index)
    assert containers.has_sound(tmp_path / "late.mp4")


@needs_ffmpeg
@pytest.mark.parametrize(
    "names",
    ["a.mp4 b.mp4", "a.mov b.avi", "a.avi b.mkv", "a.mkv b.webm", "a.mpg b.mp4", "a.m2ts b.mp4", "ünï数.mp4 -i.mov"],
)
def test_the_sound_stays_in_time(tmp_path, names, capfd):
    source, output = names.split()
    copy(make_film(tmp_path / source), tmp_path / output)
    assert capfd.readouterr().err == f"saved {tmp_path / output}\n"
    check_in_time(tmp_path / output)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source, output])


@needs_ffmpeg
def test_frames_at_uneven_times_are_in_time_with_the_sound(tmp_path):
    """Telephones leave frames out where it is dark."""
    even = make_film(tmp_path / "even.mp4", rate="50")
    kept = "select=if(lt(t\\,1)\\,not(mod(n\\,5))\\,1)"
    ffmpeg("-i", even, "-vf", kept, "-fps_mode", "vfr", "-c:a", "copy", "-c:v", "mpeg4", tmp_path / "a.mp4")
    copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    check_in_time(tmp_path / "b.mp4")


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("way", ["ffmpeg", "av"])
def test_pictures_that_begin_after_the_sound_are_in_time(tmp_path, suffix, way, monkeypatch):
    """As in broadcasts, and in films that were cut without being encoded anew."""
    if way == "av":
        pytest.importorskip("av")
        monkeypatch.setattr(copying.shutil, "which", lambda _: None)
    whole, source = make_film(tmp_path / f"whole{suffix}"), tmp_path / f"a{suffix}"
    begin = ["-ss", "0.8", "-i", whole, "-i", whole, "-filter_complex", "[0:v]setpts=PTS+0.8/TB[v]"]
    ffmpeg(
        *begin, "-map", "[v]", "-map", "1:a", "-c:v", "mpeg2video", "-c:a", "copy", "-fps_mode", "passthrough", source
    )
    copy(source, tmp_path / "b.mp4")
    sound, (images, fps) = heard(tmp_path / "b.mp4"), read(tmp_path / "b.mp4")
    assert np.flatnonzero(np.abs(sound) > 1000)[0] / RATE == pytest.approx(FLASH - 0.8, abs=0.1)
    assert [image.mean() > 128 for image in images].index(True) / fps == pytest.approx(FLASH - 0.8, abs=0.1)


@needs_ffmpeg
def test_a_run_that_ends_early_keeps_the_sound_so_far(tmp_path):
    copy(make_film(tmp_path / "a.mp4"), tmp_path / "b.mp4", most=40)
    assert len(heard(tmp_path / "b.mp4")) / RATE == pytest.approx(1.6, abs=0.1)


@needs_ffmpeg
def test_a_kind_that_cannot_hold_the_sound_is_told_and_the_film_is_whole(tmp_path, capfd):
    copy(make_film(tmp_path / "a.mp4"), tmp_path / "b.webm")
    first, second = capfd.readouterr().err.splitlines()
    assert first.startswith(f"{tmp_path / 'b.webm'}: without the sound of {tmp_path / 'a.mp4'} (") and ".mkv" in first
    assert second == f"saved {tmp_path / 'b.webm'}" and len(read(tmp_path / "b.webm")[0]) == 75
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.webm"]


@needs_ffmpeg
@pytest.mark.skipif(not importlib.util.find_spec("av"), reason="PyAV is not installed")
@pytest.mark.parametrize(("source", "output"), [("a.mp4", "b.mp4"), ("a.mpg", "b.mp4"), ("a.avi", "b.mkv")])
def test_pyav_does_the_same(tmp_path, source, output, monkeypatch, capfd):
    monkeypatch.setattr(copying.shutil, "which", lambda _: None)
    copy(make_film(tmp_path / source), tmp_path / output)
    assert capfd.readouterr().err == f"saved {tmp_path / output}\n"
    check_in_time(tmp_path / output)


def test_without_both_one_line_says_that_the_sound_is_lost(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(copying.shutil, "which", lambda _: None)
    monkeypatch.setattr(copying.importlib.util, "find_spec", lambda _: None)
    source = tmp_path / "a.avi"
    copy_of = cv2.VideoWriter(str(source), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for k in range(5):
        copy_of.write(frame(k).image)
    copy_of.release()
    copy(source, tmp_path / "silent.mp4")
    assert capfd.readouterr().err == f"saved {tmp_path / 'silent.mp4'}\n"  # nothing was lost
    monkeypatch.setattr(containers, "has_sound", lambda _: True)
    copy(source, tmp_path / "b.mp4")
    first, second = capfd.readouterr().err.splitlines()
    assert "b.mp4: without the sound of" in first and "install ffmpeg" in first and second.startswith("saved ")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_film_is_kept_whatever_stops_the_copying(tmp_path, monkeypatch, error, capfd):
    def stopped(*_, **__):
        raise error

    monkeypatch.setattr(copying.shutil, "which", lambda _: "ffmpeg")
    monkeypatch.setattr(copying.subprocess, "run", stopped)
    monkeypatch.setattr(containers, "has_sound", lambda _: True)
    sink = VideoSink(str(tmp_path / "b.mp4"), False, Clip("a.avi"))
    sink.write(frame(0, 0.0))
    sink.write(frame(1, 0.04))
    if error is OSError:
        sink.__exit__(None, None, None)
        assert "ffmpeg does not answer" in capfd.readouterr().err
    else:
        with pytest.raises(KeyboardInterrupt):
            sink.__exit__(None, None, None)
    assert len(read(tmp_path / "b.mp4")[0]) == 2 and os.listdir(tmp_path) == ["b.mp4"]


@needs_ffmpeg
def test_a_list_of_addresses_that_is_called_a_film_is_not_followed(tmp_path, capfd):
    film = make_film(tmp_path / "a.mp4")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{film}'\n")
    shutil.copy(film, tmp_path / "b.mp4")
    copying.add_sound(tmp_path / "b.mp4", tmp_path / "list.mp4", 1.0, Path("b.mp4"))
    assert "without the sound of" in capfd.readouterr().err
    assert (tmp_path / "b.mp4").read_bytes() == film.read_bytes()


@needs_ffmpeg
@pytest.mark.parametrize("part", ["digit", "face", "cifar"])
def test_films_of_every_part_keep_their_sound(script, tmp_path, part):
    make_film(tmp_path / "a.mp4")
    (tmp_path / "nobody").mkdir()
    more = ("--detector", "hog", "--recognizer", "dlib", "--faces", "nobody") if part == "face" else ()
    done = script(f"{part}_recognition/video.py", "a.mp4", "--output", "b.mp4", *more)
    assert done.returncode == 0, done.stderr
    check_in_time(tmp_path / "b.mp4")


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mkv", ".mpg", ".wmv"])
def test_a_film_whose_sound_is_longer_is_not_called_cut_short(tmp_path, suffix):
    make_film(tmp_path / f"a{suffix}")
    longer = ["-f", "lavfi", "-i", "sine=440:duration=3.9", "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a"]
    ffmpeg("-i", tmp_path / f"a{suffix}", *longer, KINDS[suffix], tmp_path / f"b{suffix}")
    film = VideoSource(str(tmp_path / f"b{suffix}"))
    assert len(list(film)) >= 74 and film.failed == []


@needs_ffmpeg
def test_pixels_that_are_not_square_are_made_so(tmp_path):
    """HDV has 1440 columns for 1920."""
    ffmpeg("-i", make_film(tmp_path / "a.mp4"), "-vf", "setsar=4/3", "-c:v", "mpeg4", tmp_path / "b.mp4")
    film = VideoSource(str(tmp_path / "b.mp4"))
    assert film.size == (213, 120) and {frame.image.shape for frame in film} == {(120, 213, 3)}
