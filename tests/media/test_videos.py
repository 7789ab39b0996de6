"""Every video that people have is read to its end or refused by name, whatever its header claims."""

import functools
import http.server
import struct
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition.media import videos
from recognition.media.sinks import VideoSink
from recognition.media.videos import VideoSource
from recognition.settings import UserError


def numbered(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a frame, BGR, that tells its number by eight black or white columns."""
    bits = np.uint8([255 * (number >> bit & 1) for bit in range(8)])
    return cv2.resize(np.repeat(bits[None, :, None], 3, axis=2), (width, height), interpolation=cv2.INTER_NEAREST)


def number_of(image: np.ndarray) -> int:
    columns = cv2.resize(image, (8, 1), interpolation=cv2.INTER_AREA)[0, :, 1] > 127
    return sum(1 << bit for bit, white in enumerate(columns) if white)


def save(path: Path, frames: int = 60, fps: float = 25, codec: str = "MJPG", size: tuple[int, int] = (64, 48)) -> Path:
    file = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), fps, size)
    for number in range(frames):
        file.write(numbered(number, *size))
    file.release()
    return path


def chunks(path: Path) -> list[tuple[int, int]]:
    """Return where the frames of an AVI lie, the first byte of each and the one after its last."""
    content, found = path.read_bytes(), []
    place = content.index(b"movi") + 4
    while content[place : place + 4] == b"00dc":
        end = place + 8 + struct.unpack("<I", content[place + 4 : place + 8])[0]
        found.append((place, end))
        place = end + end % 2
    return found


def patch(path: Path, chunk: bytes, offset: int, value: int) -> Path:
    """Overwrite four bytes of an AVI's header, counted from a chunk's content."""
    content = bytearray(path.read_bytes())
    start = content.index(chunk) + 8 + offset
    content[start : start + 4] = struct.pack("<I", value)
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    """Return the one line with which the video is refused; it names the file."""
    with pytest.raises(UserError) as caught:
        list(VideoSource(str(path)))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    assert caught.value.code == 1
    return message


@pytest.mark.parametrize(("suffix", "codec"), [(".avi", "MJPG"), (".mp4", "mp4v"), (".mkv", "mp4v"), (".mov", "mp4v")])
def test_every_frame_comes_in_order_with_its_time(tmp_path, capfd, suffix, codec):
    source = VideoSource(str(save(tmp_path / f"a{suffix}", codec=codec)))
    assert (source.fps, source.size, source.count, source.live) == (25, (64, 48), 60, False)
    for _ in range(2):  # it can be read again
        frames = list(source)
        assert [number_of(frame.image) for frame in frames] == list(range(60))
        assert [frame.index for frame in frames] == list(range(60))
        assert np.allclose([frame.seconds for frame in frames], np.arange(60) / 25, atol=0.001)
    assert source.failed == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["számok 数字 ١٢٣.mp4", "a:b.mp4", "-y.mp4", "clip%03d.mp4", "~nobody.mp4"])
def test_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    save(Path("plain.mp4"), codec="mp4v", frames=5).rename(name)
    assert len(list(VideoSource(name))) == 5


def test_a_file_with_frames_at_uneven_times(tmp_path):
    """Phones and GIFs have them: the mean rate counts, and every frame has its own time."""
    times = [40, 200, 40, 40, 300, 40, 40, 100]
    pictures = [Image.fromarray(numbered(number)) for number in range(8)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=times, loop=0)
    source = VideoSource(str(tmp_path / "a.gif"))
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == list(range(8))
    assert np.allclose([frame.seconds for frame in frames], np.cumsum([0, *times[:-1]]) / 1000, atol=0.011)
    assert source.fps == pytest.approx(7 / sum(times[:-1]) * 1000, rel=0.02)
    assert source.failed == []


@pytest.mark.parametrize("times", [[300] * 35 + [40] * 100, [40] * 100 + [300] * 35, [40] * 60 + [15000] + [40] * 60])
def test_what_is_written_lasts_as_long_as_a_film_that_is_sparse_or_stands_still(tmp_path, times):
    """As screens are recorded: no frame comes while nothing moves."""
    pictures = [Image.fromarray(numbered(number)) for number in range(len(times))]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=times, loop=0)
    source = VideoSource(str(tmp_path / "a.gif"))
    begins = np.cumsum([0, *times[:-1]]) / 1000
    with VideoSink(str(tmp_path / "b.mp4"), False, source) as sink:
        for frame in source:
            assert frame.seconds == pytest.approx(begins[frame.index], abs=0.011)
            sink.write(frame)
    written = VideoSource(str(tmp_path / "b.mp4"))
    assert written.count / written.fps == pytest.approx(begins[-1], abs=0.2)
    assert len({number_of(frame.image) for frame in written}) > 0.5 * len(times)  # its mean rate is all that it tells
    assert source.failed == []


@pytest.mark.parametrize(("suffix", "codec"), [(".avi", "MJPG"), (".mp4", "mp4v")])
def test_video_without_frames(tmp_path, suffix, codec):
    assert "is it" in refusal(save(tmp_path / f"a{suffix}", frames=0, codec=codec))


@pytest.mark.parametrize(("suffix", "codec"), [(".avi", "MJPG"), (".mkv", "mp4v")])
def test_cut_short_gives_what_there_is_and_one_line(tmp_path, capfd, suffix, codec):
    path = save(tmp_path / f"a{suffix}", frames=200, codec=codec)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    source = VideoSource(str(path))
    frames = list(source)
    assert 80 < len(frames) < 120
    assert [number_of(frame.image) for frame in frames[:-1]] == list(range(len(frames) - 1))
    assert source.failed == [str(path)]
    line = f"error: {path}: ended after {len(frames)} of 200 frames: is it cut short?\n"
    assert capfd.readouterr().err == line


def test_cut_short_without_the_table_at_the_end(tmp_path):
    path = save(tmp_path / "a.mp4", codec="mp4v")
    path.write_bytes(path.read_bytes()[:-200])
    assert "cut short" in refusal(path)


def test_much_damage_here_and_there_and_at_the_begin_costs_the_damaged_frames_only(tmp_path):
    path = save(tmp_path / "a.avi", frames=200)
    content = bytearray(path.read_bytes())
    damaged = {0, 1, *range(5, 200, 5)}
    for start, end in (chunks(path)[number] for number in damaged):
        content[start + 8 : end] = bytes(end - start - 8)
    path.write_bytes(content)
    assert {number_of(frame.image) for frame in VideoSource(str(path))} >= set(range(200)) - damaged


def test_damage_in_the_middle_costs_the_damaged_frames_only(tmp_path, capfd):
    path, rng = save(tmp_path / "a.avi", frames=100), np.random.default_rng(0)
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    places = rng.integers(len(content) // 3, len(content) * 2 // 3, 60)
    content[places] = rng.integers(0, 256, 60)
    whole = {
        number for number, (start, end) in enumerate(chunks(path)) if not ((start <= places) & (places < end)).any()
    }
    assert len(whole) == 67
    path.write_bytes(content.tobytes())
    capture, unbroken = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        unbroken += 1
    source = VideoSource(str(path))
    numbers = [number_of(frame.image) for frame in source]
    assert unbroken < 60  # OpenCV stops at the first damage that confuses it
    assert whole <= set(numbers)
    assert numbers[-1] == 99
    assert capfd.readouterr().err.count("\n") == len(source.failed)


@pytest.mark.parametrize(("claimed", "count"), [(0, None), (10**9, None), (20, 20)])
def test_header_that_lies_about_the_length(tmp_path, capfd, claimed, count):
    path = patch(save(tmp_path / "a.avi"), b"strh", 32, claimed)
    source = VideoSource(str(patch(path, b"avih", 16, claimed)))
    assert source.count == count
    assert len(list(source)) == 60
    assert (source.failed, capfd.readouterr().err) == ([], "")


@pytest.mark.parametrize("missing", [0, 2, 3])
def test_one_or_two_frames_less_than_claimed_are_no_failure(tmp_path, missing):
    path = patch(save(tmp_path / "a.avi"), b"strh", 32, 60 + missing)
    source = VideoSource(str(patch(path, b"avih", 16, 60 + missing)))
    assert len(list(source)) == 60
    assert bool(source.failed) == (missing > 2)


@pytest.mark.parametrize("rate", [1000, 90_000])
def test_header_that_lies_about_the_rate(tmp_path, capfd, rate):
    path = patch(save(tmp_path / "a.avi"), b"strh", 20, 1)
    source = VideoSource(str(patch(path, b"strh", 24, rate)))
    assert source.fps == 30
    assert capfd.readouterr().err == f"{path}: says {rate} frames a second, which cannot be: taken as 30\n"
    assert np.allclose([frame.seconds for frame in source], np.arange(60) / 30)


def test_impossible_rate_is_replaced_by_the_times_of_the_frames(monkeypatch, tmp_path, capfd):
    path = save(tmp_path / "a.mp4", codec="mp4v")
    real = videos.open_capture

    class Capture:
        def __init__(self, *arguments):
            self.real = real(*arguments)

        def __getattr__(self, name: str):
            return getattr(self.real, name)

        def get(self, what: int) -> float:
            return float("nan") if what == cv2.CAP_PROP_FPS else self.real.get(what)

    monkeypatch.setattr(videos, "open_capture", Capture)
    source = VideoSource(str(path))
    assert source.fps == pytest.approx(25)
    assert "says nan frames a second, which cannot be: taken as 25\n" in capfd.readouterr().err
    assert np.allclose([frame.seconds for frame in source], np.arange(60) / 25, atol=0.001)


def test_size_that_changes_midway_and_no_length_at_all(tmp_path):
    path = tmp_path / "a.mjpeg"
    frames = [numbered(number, *((64, 48) if number < 20 else (160, 80))) for number in range(40)]
    path.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames))
    source = VideoSource(str(path))
    assert source.count is None
    assert [number_of(frame.image) for frame in source] == list(range(40))
    assert source.failed == []


@pytest.mark.parametrize(("matrix", "turns"), [((0, 1, -1, 0), -1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)])
def test_phone_videos_are_upright(tmp_path, matrix, turns):
    """A phone held upright films lying and writes how to turn it into the track's header."""
    path = save(tmp_path / "a.mp4", codec="mp4v", frames=3)
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    upright = np.rot90(numbered(2), turns)
    source = VideoSource(str(path))
    frame = list(source)[2]
    assert source.size == upright.shape[1::-1]
    assert np.abs(frame.image.astype(int) - upright).mean() < 20


def test_damaged_bytes_never_crash_hang_or_chatter(tmp_path, capfd):
    rng = np.random.default_rng(0)
    for suffix, codec in ((".avi", "MJPG"), (".mp4", "mp4v"), (".mkv", "mp4v")):
        path = save(tmp_path / f"a{suffix}", codec=codec)
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for part in (400, len(content)):
            for _ in range(10):
                damaged = content.copy()
                damaged[rng.integers(0, part, 8)] = rng.integers(0, 256, 8)
                path.write_bytes(damaged.tobytes())
                try:
                    source = VideoSource(str(path))
                    assert len(list(source)) <= 60
                except UserError as error:
                    assert path.name in str(error)
    assert all(line.startswith((f"error: {tmp_path}", f"{tmp_path}")) for line in capfd.readouterr().err.splitlines())


def test_leaving_the_loop_lets_the_file_go(tmp_path):
    open_files = Path("/proc/self/fd")
    if not open_files.exists():
        pytest.skip("open files are listed in /proc, which only Linux has")
    path = save(tmp_path / "a.mp4", codec="mp4v")
    before = len(list(open_files.iterdir()))
    for _ in VideoSource(str(path)):
        break
    assert len(list(open_files.iterdir())) == before


def test_a_stream_is_read_to_its_end(tmp_path, capfd):
    path = save(tmp_path / "a b.mp4", codec="mp4v")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        source = VideoSource(f"http://127.0.0.1:{server.server_address[1]}/a%20b.mp4")
        numbers = [number_of(frame.image) for frame in source]
        server.shutdown()
    assert numbers == list(range(60))
    assert (source.size, source.fps, source.failed) == ((64, 48), 25, [])
    assert "error" not in capfd.readouterr().err
    assert path.exists()
