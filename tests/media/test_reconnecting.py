"""A stream from the network that drops is taken up again, and what reads and records it goes on."""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

import camera_server
import cv2
import numpy as np
import pytest
from conftest import script_environment
from test_cameras import taken
from test_videos import number_of, save

from recognition.files import ROOT
from recognition.media import cameras, sinks, videos
from recognition.media.frames import Frame


def test_stream_that_closes_again_and_again_goes_on(capfd):
    """A second of pictures for each connection: three of them, without a word, for no gap takes three seconds."""
    with camera_server.serve() as address:
        source = cameras.CameraSource(f"{address}/closes/30", reconnect=True)
        began, times = time.monotonic(), []
        for frame in source:
            assert not frame.note
            times.append(taken(frame.image))
            if time.monotonic() - began > 8:
                break
    gaps = np.diff(times)
    assert 2 <= (gaps > 0.9).sum() <= 5
    assert gaps.max() < cameras.STALL_SECONDS
    assert len(times) > 40
    assert (source.failed, capfd.readouterr().err) == ([], "")


def test_stream_that_is_away_gives_dark_frames_until_it_is_back(capfd):
    with camera_server.serve() as address:
        source = cameras.CameraSource(f"{address}/closes/100000", reconnect=True)
        frames = iter(source)
        for _ in range(20):
            assert not next(frames).note
    gone = time.monotonic()
    away = [next(frames) for _ in range(20)]
    assert 2.5 < time.monotonic() - gone - 19 * cameras.AWAY < 4.5
    assert all(frame.note and not frame.image.any() and frame.image.shape == (240, 480, 3) for frame in away)
    assert [frame.index for frame in away] == list(range(20, 40))
    assert np.diff([frame.seconds for frame in away]) == pytest.approx(cameras.AWAY, abs=0.1)
    with camera_server.serve(port=int(address.rpartition(":")[2])):
        back = next(frame for frame in frames if not frame.note)
        assert abs(back.seconds - taken(back.image)) < 0.5
        assert back.seconds - gone < 16  # tried after 1, 3, 7 and 15 seconds
        assert not next(frames).note
    frames.close()
    first, second = capfd.readouterr().err.splitlines()
    assert first == f"camera {source.source}: no picture for 3 seconds: trying again after 1, 2, 4 ... 30 seconds"
    assert second.startswith(f"camera {source.source}: goes on after ")
    assert abs(int(second.split()[-2]) - (back.seconds - gone)) < 2
    assert "OPENCV_FFMPEG_CAPTURE_OPTIONS" not in os.environ  # else files would be read as streams are


def test_the_longer_a_stream_is_away_the_less_it_is_asked():
    source, waits = cameras.CameraSource.__new__(cameras.CameraSource), []

    class Stop:
        def wait(self, seconds: float) -> bool:
            waits.append(seconds)
            return len(waits) == 8

    source._stop, source._open = Stop(), cv2.VideoCapture
    assert not source._open_again().isOpened()
    assert waits == [2, 4, 8, 16, 30, 30, 30, 30]  # the first try is a second after the last picture


def test_a_script_goes_on_when_its_stream_is_back(tmp_path):
    """Live, with a recording: the server is killed, and comes back; nothing is read of the dark frames in between."""
    output = tmp_path / "seen.mp4"
    with camera_server.serve() as address:
        url = f"{address}/closes/100000"
        command = [sys.executable, ROOT / "digit_recognition" / "webcam.py", "--source", url, "--json"]
        process = subprocess.Popen(
            [*map(str, command), "--output", str(output)],
            cwd=tmp_path,
            env=script_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        numbers = [json.loads(process.stdout.readline())["frame"] for _ in range(10)]
        began = time.monotonic()
    time.sleep(cameras.STALL_SECONDS + 2)
    with camera_server.serve(port=int(address.rpartition(":")[2])):
        while numbers[-1] == (number := json.loads(process.stdout.readline())["frame"]) - 1:
            numbers.append(number)  # those on the way when it was killed
        gap = time.monotonic() - began
        for _ in range(10):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        lasted = time.monotonic() - began
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert [line.split(": ")[0] for line in errors.splitlines()[1:3]] == [f"camera {url}"] * 2
    assert f"saved {output}" in errors
    capture, dark = cv2.VideoCapture(str(output)), []
    while (image := capture.read()[1]) is not None:
        dark.append(image[:200].max() < 40)
    assert not dark[0]
    assert not dark[-1]
    assert 0 < sum(dark) / capture.get(cv2.CAP_PROP_FPS) < gap
    assert abs(len(dark) / capture.get(cv2.CAP_PROP_FPS) - lasted) < 3  # it plays in real time


@pytest.mark.parametrize("leave", [False, True])
def test_dark_frames_are_shown_and_recorded_but_not_read(monkeypatch, leave):
    class Source:
        source, live, fps = "http://host/video", True, 30.0

    frames = [Frame("0", n, np.zeros((240, 320, 3), np.uint8), n / 5, "no picture" * (1 < n < 5)) for n in range(8)]
    with sinks.VideoSink(None, False, Source) as sink:
        put = []
        monkeypatch.setattr(sink, "put", lambda frame: put.append(frame) or leave)
        assert [frame.index for frame in sink.present(frames)] == ([0, 1] if leave else [0, 1, 5, 6, 7])
    assert put == (frames[2:3] if leave else frames[2:5])
    assert all(frame.image.max() > 200 for frame in put)  # the note


class Film(http.server.BaseHTTPRequestHandler):
    """Serves a film, in parts of 5,000 bytes: each connection drops after one."""

    protocol_version = "HTTP/1.1"
    content, began = b"", []

    def do_GET(self) -> None:
        begin = int(self.headers.get("Range", "bytes=0-").split("=")[1].partition("-")[0])
        self.began.append(begin)
        self.send_response(206 if begin else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(self.content) - begin))
        self.send_header("Content-Range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):  # whoever wants another part hangs up
            self.wfile.write(self.content[begin : begin + 5_000])

    def log_message(self, *_: object) -> None:
        """Print nothing about requests."""


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_a_film_from_the_network_goes_on_where_its_connection_dropped(tmp_path, suffix):
    codec = "MJPG" if suffix == ".avi" else "mp4v"
    Film.content, Film.began = save(tmp_path / f"a{suffix}", codec=codec, size=(320, 240)).read_bytes(), []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Film)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        source = videos.VideoSource(f"http://127.0.0.1:{server.server_address[1]}/a{suffix}")
        assert [number_of(frame.image) for frame in source] == list(range(60))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert source.failed == []
    assert len(Film.began) > len(Film.content) // 5_000
    assert "OPENCV_FFMPEG_CAPTURE_OPTIONS" not in os.environ
