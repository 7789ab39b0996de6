"""Read live cameras: webcams by number, devices, and the network streams of phones and IP cameras."""

import atexit
import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from recognition.media.frames import Frame
from recognition.media.videos import DEFAULT_FPS, VideoSource, forget, is_plausible, open_capture, open_url
from recognition.names import printable
from recognition.settings import UserError, quiet, say

os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")  # with them Windows takes half a minute to open
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")  # seconds; instead of 10

OPEN_SECONDS = 20  # some drivers never return from opening
FIRST_SECONDS = 5  # from opening to the first picture
STALL_SECONDS = 3  # without a picture: the camera is gone
AGAIN = (1, 2, 4, 8, 16, 30)  # seconds after which a stream that dropped is tried again, then the last one for ever
AWAY = 0.2  # seconds from one dark frame to the next meanwhile
WARM_UP, DARK_WARM_UP = 0.5, 1.5  # seconds that the exposure settles, and at most while the picture is black
BLACK = 8  # mean brightness, of 255
BACKENDS = {"linux": [cv2.CAP_V4L2], "darwin": [cv2.CAP_AVFOUNDATION], "win32": [cv2.CAP_MSMF, cv2.CAP_DSHOW]}
HINTS = {
    "darwin": "allow the terminal in System Settings > Privacy & Security > Camera, or try --source 1",
    "win32": "close other programs that use it, allow it in Settings > Privacy > Camera, or try --source 1",
}
LINUX_HINT = "see `ls /dev/video*`, join the group video, and close other programs that use it"
URL_HINT = "check the address in a browser, and that the app is streaming"
DEVICES = Path("/sys/class/video4linux")
# Little probing and no buffers, for a stream must not lag; FFmpeg's rtsp loses packets unless it goes over tcp
URL_OPTIONS = "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay|probesize;500000|analyzeduration;500000"


class CameraSource:
    """The newest frame of a camera, each time one is asked for; those in between are dropped, so none is ever late.

    `source`: a number such as "0", a device such as "/dev/video0" or a URL (http, rtsp). `size`: (width, height), asked
    of a webcam and then what it delivers. `fps`: frames a second. Raises UserError, with a hint for this system,
    if no picture comes. One that stops later ends the iteration and is listed in `failed`; but with `reconnect` a
    stream from the network is taken up again, and gives dark frames, with a note, until it is back.
    """

    live = True

    def __init__(self, source: str, size: tuple[int, int] = (1280, 720), reconnect: bool = False):
        self.source, self.failed, self.size, self.fps = source, [], size, DEFAULT_FPS
        self._address = int(source) if source.isdecimal() else source
        self._is_url = "://" in source
        self._reconnect = reconnect and self._is_url
        self._newest: tuple[np.ndarray, float] | None = None  # and when it was captured
        self._fresh, self._stop, self._ready = threading.Condition(), threading.Event(), threading.Event()
        self._trouble = "cannot be opened"  # until a picture came
        _check_device(self._address)
        if sys.platform == "darwin" and not self._is_url:
            with quiet():  # macOS lets only the main thread ask the user for permission
                open_capture(self._address, cv2.CAP_AVFOUNDATION).release()
        self._reader = threading.Thread(target=self._read, daemon=True)  # it may hang in a driver
        self._reader.start()
        atexit.register(self.close)  # a thread that is in OpenCV when Python ends can crash it
        trouble = self._trouble if self._ready.wait(OPEN_SECONDS) else "does not answer"
        if trouble:
            self.close()
            raise UserError(f"camera {source}: {trouble}: {self._hint()}")

    def __iter__(self) -> Iterator[Frame]:
        lost, since = f"no picture for {STALL_SECONDS} seconds", None  # when a stream dropped, till it is back
        try:
            for index in itertools.count():
                newest = self._next(STALL_SECONDS if since is None else AWAY)
                now = time.monotonic()
                if newest:
                    if since is not None:
                        say(f"camera {self.source}: goes on after {now - since:.0f} seconds")
                    since = None
                    yield Frame(self.source, index, *newest)
                elif self._reconnect and self._reader.is_alive():
                    if since is None:
                        since = now - STALL_SECONDS
                        say(f"camera {self.source}: {lost}: trying again after 1, 2, 4 ... {AGAIN[-1]} seconds")
                    dark = np.zeros((*self.size[::-1], 3), np.uint8)
                    yield Frame(self.source, index, dark, now, "no picture: trying again")
                else:
                    self.failed.append(self.source)
                    say(f"error: camera {self.source}: {lost}: was it unplugged or switched off?")
                    return
        finally:
            self.close()

    def _next(self, patience: float) -> tuple[np.ndarray, float] | None:
        """Return the next frame and when it was captured; None if so many seconds pass without one."""
        with self._fresh:
            if self._newest and time.monotonic() - self._newest[1] > 0.5 / self.fps:
                self._newest = None  # the next one is due: some streams are a frame late already
            self._fresh.wait_for(lambda: self._newest, patience)
            newest, self._newest = self._newest, None
            return newest

    def close(self) -> None:
        """Let the camera go."""
        self._stop.set()
        self._reader.join(1.0)
        forget(URL_OPTIONS)  # it may be opening the stream again, till that gives up
        atexit.unregister(self.close)

    def _hint(self) -> str:
        return URL_HINT if self._is_url else HINTS.get(sys.platform, LINUX_HINT)

    def _read(self) -> None:
        """Keep the newest frame, in a thread of its own, until told to stop."""
        with contextlib.suppress(cv2.error):  # then no more pictures come, which is noticed
            capture = self._open()
            try:
                if capture.isOpened():
                    self._warm_up(capture)
                    self._trouble = ""
                self._ready.set()
                came = time.monotonic()
                while capture.isOpened() and not self._stop.is_set():
                    if self._take(capture):
                        came = time.monotonic()
                    elif self._reconnect and time.monotonic() - came >= AGAIN[0]:
                        capture.release()
                        capture, came = self._open_again(), time.monotonic()
                    else:
                        self._stop.wait(0.01)  # a dead camera answers at once, again and again
            finally:
                capture.release()

    def _open_again(self) -> cv2.VideoCapture:
        """Return a capture that has delivered a picture, however long that takes; one that is not open, if stopped."""
        for seconds in itertools.chain(AGAIN[1:], itertools.repeat(AGAIN[-1])):
            capture = self._open()
            if capture.isOpened() or self._stop.wait(seconds):
                return capture

    def _open(self) -> cv2.VideoCapture:
        """Return a capture that has delivered a picture; else one that is not open, and the reason in `_trouble`."""
        backends = [cv2.CAP_FFMPEG] if self._is_url else [*BACKENDS.get(sys.platform, []), cv2.CAP_ANY]
        for backend in backends:
            capture = _open_url(self._address) if self._is_url else open_capture(self._address, backend)
            if not capture.isOpened():
                continue
            if not self._is_url:
                if sys.platform != "darwin":  # raw pictures of this size come at 5 to 10 a second through USB 2
                    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
                capture.set(cv2.CAP_PROP_FRAME_WIDTH, self.size[0])
                capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self.size[1])
            limit = time.monotonic() + FIRST_SECONDS
            while time.monotonic() < limit and not self._stop.is_set():
                if self._take(capture):
                    return capture
                self._stop.wait(0.01)
            capture.release()
            self._trouble = "opens but sends no picture"
        return cv2.VideoCapture()

    def _warm_up(self, capture: cv2.VideoCapture) -> None:
        """Let the first pictures pass, often black or over-exposed, and measure their rate and size."""
        began, times = time.monotonic(), []
        while not self._stop.is_set():
            if self._take(capture):
                times.append(self._newest[1])
            else:
                self._stop.wait(0.01)
            if time.monotonic() - began > (DARK_WARM_UP if self._newest[0].mean() < BLACK else WARM_UP):
                break
        self.size = self._newest[0].shape[1], self._newest[0].shape[0]
        claimed = capture.get(cv2.CAP_PROP_FPS)
        self.fps = claimed if is_plausible(claimed) else DEFAULT_FPS
        measured = 1 / max(1e-6, float(np.median(np.diff(times)))) if len(times) > 5 else 0
        if is_plausible(measured) and not 0.9 < measured / self.fps < 1.1:  # in the dark, and for most phones
            self.fps = float(round(measured))

    def _take(self, capture: cv2.VideoCapture) -> bool:
        """Make the next picture the newest frame; tell whether there was one."""
        if not capture.grab():
            return False
        seconds = time.monotonic()
        ok, image = capture.retrieve()
        if ok:
            with self._fresh:
                self._newest = image, seconds
                self._fresh.notify()
        return ok


def _open_url(url: str) -> cv2.VideoCapture:
    """Open a network stream such that it does not lag and gives up when nothing comes."""
    first = cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, FIRST_SECONDS * 1000
    later = cv2.CAP_PROP_READ_TIMEOUT_MSEC, STALL_SECONDS * 1000
    threads = cv2.CAP_PROP_N_THREADS, 1  # each further thread of the decoder holds a frame back
    return open_url(url, URL_OPTIONS, *first, *later, *threads)


def _check_device(address: int | str) -> None:
    """Raise UserError where Linux can tell beforehand that a camera is not there or may not be opened."""
    device = f"/dev/video{address}" if isinstance(address, int) else address
    if not sys.platform.startswith("linux") or "://" in device:
        return
    if not os.path.exists(device):
        there = " ".join(sorted(str(path) for path in Path("/dev").glob("video*")))
        raise UserError(f"camera {address}: there is no {device}: " + (f"there are {there}" if there else LINUX_HINT))
    if not os.access(device, os.R_OK | os.W_OK):
        raise UserError(
            f"camera {address}: {device} may not be opened: run `sudo usermod -aG video $USER`, log in anew"
        )


def list_cameras() -> list[str]:
    """Return one line for each camera, its number first; a line that says so where there is none. None is opened."""
    lines = []
    if sys.platform.startswith("linux"):
        for folder in sorted(DEVICES.glob("video*"), key=lambda path: int(path.name.removeprefix("video"))):
            if (folder / "index").read_text().strip() == "0":  # the others carry no pictures
                name = (folder / "name").read_text().strip()
                lines.append(f"{folder.name.removeprefix('video')}: {name} (/dev/{folder.name})")
    else:
        try:
            from cv2_enumerate_cameras import enumerate_cameras
        except ImportError:
            raise UserError(
                "cameras cannot be listed: `pip install cv2-enumerate-cameras`, or try --source 0"
            ) from None
        backend = BACKENDS.get(sys.platform, [cv2.CAP_ANY])[0]  # its numbers are those that we open first
        lines = [f"{camera.index}: {printable(camera.name)}" for camera in enumerate_cameras(backend)]
    return lines or [f"no camera found: {HINTS.get(sys.platform, LINUX_HINT)}"]


def open_source(text: str, size: tuple[int, int] = (1280, 720), reconnect: bool = False) -> CameraSource | VideoSource:
    """Return the camera of a number, device or URL, else the video file of that name."""
    if text.isdecimal() or text.startswith("/dev/") or "://" in text:
        return CameraSource(text, size, reconnect)
    return VideoSource(text)
