"""A camera's frames are the newest ones; cameras that are not there, hang, stall or go away end with one line."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import camera_server
import cv2
import numpy as np
import pytest

from recognition.media import cameras, recording, videos
from recognition.settings import UserError


@pytest.fixture(scope="module")
def server():
    """Return the address of a camera; append MODE/FRAMES, the mode one of closes, stalls, hangs."""
    with camera_server.serve() as address:
        yield address


def taken(image: np.ndarray) -> float:
    """Return when the frame was taken, seconds of time.monotonic() modulo 2**32 milliseconds."""
    bits = image[30::60, 30::60, 0].reshape(-1) > 127
    return sum(1 << number for number, bit in enumerate(bits) if bit) / 1000


def refusal(source: str) -> str:
    """Return the one line with which the camera is refused; it names the camera."""
    with pytest.raises(UserError) as caught:
        cameras.CameraSource(source)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"camera {source}: ")
    assert caught.value.code == 1
    return message


def test_slow_work_gets_the_newest_frame(server):
    """Frames that queued would be a second old at the end."""
    ages, own, numbers = [], [], []
    source = cameras.CameraSource(f"{server}/closes/300")
    for frame in source:
        now = time.monotonic()
        ages.append(now - taken(frame.image))
        own.append(frame.seconds - taken(frame.image))
        numbers.append(frame.index)
        if len(ages) == 10:
            break
        time.sleep(0.2)
    assert np.median(ages) < 0.067
    assert max(ages) < 0.5  # on a machine that is busy with other things
    assert min(ages) > 0
    assert min(own) > 0
    assert numbers == list(range(10))


def test_every_frame_is_given_once_and_rate_and_size_are_measured(server):
    source = cameras.CameraSource(f"{server}/closes/300")
    assert source.size == (480, 240)
    assert 26 < source.fps < 34  # FFmpeg says 25
    assert source.live
    times = [taken(frame.image) for _, frame in zip(range(15), source, strict=False)]
    assert (np.diff(times) > 0.005).all()


def test_leaving_the_loop_stops_the_reader(server):
    before = threading.active_count()
    for _ in cameras.CameraSource(f"{server}/closes/300"):
        assert threading.active_count() == before + 1
        break
    assert threading.active_count() == before


@pytest.mark.parametrize("mode", ["stalls", "closes"])
def test_camera_that_goes_away_ends_the_loop_with_one_line(server, mode, capfd):
    source = cameras.CameraSource(f"{server}/{mode}/30")
    frames = iter(source)
    next(frames)
    wall, used = time.monotonic(), time.process_time()
    assert sum(1 for _ in frames) < 30
    assert 2.5 < time.monotonic() - wall < 8
    assert time.process_time() - used < 1  # it waits, it does not ask without a pause
    assert source.failed == [source.source]
    assert capfd.readouterr().err == (
        f"error: camera {source.source}: no picture for 3 seconds: was it unplugged or switched off?\n"
    )


@pytest.mark.parametrize("mode", ["stalls", "closes", "hangs"])
def test_camera_that_never_sends_a_picture(server, mode, monkeypatch, capfd):
    monkeypatch.setattr(cameras, "FIRST_SECONDS", 1)
    start = time.monotonic()
    assert "cannot be opened: check the address" in refusal(f"{server}/{mode}/0")
    assert time.monotonic() - start < 4
    assert capfd.readouterr().err == ""


def test_nobody_at_the_address(capfd):
    assert "check the address" in refusal("http://127.0.0.1:9/video")
    assert capfd.readouterr().err == ""


def test_python_ends_while_a_camera_is_open(server):
    """Neither a stalled nor a running camera keeps a script that is done, or failed elsewhere, from ending."""
    for mode in ("stalls/17", "closes/900"):
        code = f"from recognition.media import cameras; cameras.CameraSource('{server}/{mode}')"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20)
        assert (ended.returncode, ended.stderr) == (0, b"")


class Driver:
    """A webcam as OpenCV shows it: `pictures` of brightness 0 to 255, None for a failed read, the last one for ever."""

    def __init__(self, *pictures, fps: float = 30.0, opened: bool = True):
        self.pictures, self.fps, self.opened = list(pictures), fps, opened

    def isOpened(self) -> bool:
        return self.opened

    def grab(self) -> bool:
        time.sleep(0.01)
        self.picture = self.pictures.pop(0) if len(self.pictures) > 1 else self.pictures[0]
        return self.picture is not None

    def retrieve(self):
        return True, np.full((48, 64, 3), self.picture, np.uint8)

    def get(self, what: int) -> float:
        return self.fps if what == cv2.CAP_PROP_FPS else 0.0

    def set(self, *_) -> bool:
        return True

    def release(self) -> None:
        self.opened = False


@pytest.fixture
def plug_in(monkeypatch):
    """Return a function that plugs in webcams, one for each of the system's backends."""
    monkeypatch.setattr(cameras, "_check_device", lambda _: None)
    monkeypatch.setattr(cameras, "FIRST_SECONDS", 0.3)

    def plug(*drivers) -> None:
        monkeypatch.setattr(cameras, "BACKENDS", {sys.platform: list(range(len(drivers) - 1))})
        left = list(drivers)
        monkeypatch.setattr(cameras, "open_capture", lambda *_: left.pop(0))

    return plug


def test_next_backend_is_tried_and_dark_pictures_pass(plug_in):
    plug_in(Driver(None, opened=False), Driver(None), Driver(None, *[0] * 60, 200, fps=0))
    source = cameras.CameraSource("0")
    frame = next(iter(source))
    assert frame.image.mean() == 200
    assert source.size == (64, 48)
    assert 50 < source.fps < 110  # the driver does not say, so it is measured


def test_covered_lens_is_not_waited_for(plug_in):
    plug_in(Driver(0))
    assert next(iter(cameras.CameraSource("0"))).image.max() == 0


def test_camera_that_opens_but_sends_nothing(plug_in):
    plug_in(Driver(None), Driver(None))
    assert "opens but sends no picture: " in refusal("0")


def test_webcams_are_not_taken_up_again(plug_in, capfd):
    plug_in(Driver(*[100] * 100, None))
    source = cameras.CameraSource("0", reconnect=True)
    assert not [frame for frame in source if frame.note]
    assert source.failed == ["0"]
    assert "was it unplugged or switched off?" in capfd.readouterr().err


def test_open_that_never_returns(plug_in, monkeypatch):
    plug_in(Driver(0))
    over = threading.Event()
    monkeypatch.setattr(cameras, "OPEN_SECONDS", 0.2)
    monkeypatch.setattr(cameras, "open_capture", lambda *_: over.wait(30) and Driver(0))
    start = time.monotonic()
    assert "does not answer" in refusal("0")
    assert time.monotonic() - start < 5
    over.set()


@pytest.mark.parametrize(
    ("platform", "hint"), [("linux", "group video"), ("darwin", "System Settings"), ("win32", "--source 1")]
)
def test_hints_fit_the_system(plug_in, monkeypatch, platform, hint):
    plug_in(*[Driver(None, opened=False)] * 4)
    monkeypatch.setattr(cameras.sys, "platform", platform)
    assert hint in refusal("0")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has a file for each camera")
def test_number_out_of_range():
    assert "there is no /dev/video97" in refusal("97")
    assert "there is no /dev/video97" in refusal("/dev/video97")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists the names of cameras")
def test_list_of_cameras(tmp_path, monkeypatch):
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    assert cameras.list_cameras()[0].startswith("no camera found: ")
    for device, index, name in (("video10", 0, "Microscope"), ("video2", 0, "Webcam"), ("video3", 1, "Webcam")):
        (tmp_path / device).mkdir()
        (tmp_path / device / "index").write_text(f"{index}\n")
        (tmp_path / device / "name").write_text(f"{name}\n")
    assert cameras.list_cameras() == ["2: Webcam (/dev/video2)", "10: Microscope (/dev/video10)"]


@pytest.mark.parametrize(("platform", "backend"), [("win32", cv2.CAP_MSMF), ("darwin", cv2.CAP_AVFOUNDATION)])
def test_other_systems_list_cameras_without_opening_them(monkeypatch, platform, backend):
    there = [SimpleNamespace(index=0, name="FaceTime HD\n"), SimpleNamespace(index=2, name="Kamera é")]
    module = SimpleNamespace(enumerate_cameras={backend: there}.__getitem__)
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", module)
    monkeypatch.setattr(cameras.sys, "platform", platform)
    monkeypatch.setattr(cameras, "open_capture", None)
    assert cameras.list_cameras() == ["0: FaceTime HD?", "2: Kamera é"]
    there.clear()
    assert cameras.list_cameras()[0].startswith("no camera found: ")
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", None)
    with pytest.raises(UserError, match="pip install cv2-enumerate-cameras"):
        cameras.list_cameras()


def test_source_is_a_camera_or_a_file(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = cv2.VideoWriter("clip.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 30, (64, 48))
    file.write(np.zeros((48, 64, 3), np.uint8))
    file.release()
    assert isinstance(cameras.open_source("clip.mp4"), videos.VideoSource)
    camera = cameras.open_source(f"{server}/closes/300")
    camera.close()
    assert isinstance(camera, cameras.CameraSource)
    assert recording.name_of(camera) == "camera"
    with pytest.raises(UserError, match=r"none\.mp4: not found"):
        cameras.open_source("none.mp4")
