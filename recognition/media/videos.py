"""Read recorded videos: files, animated GIFs and network streams.

Headers are not trusted: what they say of length and rate is compared with the frames that really come.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from recognition.files import name_for_opencv
from recognition.media.decoding import documents
from recognition.media.frames import SUFFIXES, Frame
from recognition.progress import ahead
from recognition.settings import UserError, say, uninterrupted

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg tells stderr about every damaged block
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our one line says it better

DEFAULT_FPS = 30.0
PROBED = 30  # frames whose times are compared with the rate in the header
URL_PATIENCE = 10_000  # milliseconds without an answer after which a stream is given up
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # the only way to tell FFmpeg how to read streams
URL_OPTIONS = "reconnect;1|reconnect_delay_max;30"  # a film whose connection drops goes on where it was
PICTURES = SUFFIXES - {".gif"} | {documents.SUFFIX}  # FFmpeg takes one for a film of one frame
TEXTS = {".ans", ".art", ".asc", ".diz", ".ice", ".nfo", ".txt", ".vt"}  # and draws what is written in these
RETRIES = 20  # failed reads in a row before the end is believed: each one skips some damage
COUNTED = {".3gp", ".avi", ".gif", ".m4v", ".mov", ".mp4"}  # which count their frames; others say how long they last
LEAP = 10  # seconds from one frame to the next, in a film that does not say how long it lasts


def is_plausible(fps: float) -> bool:
    """Tell whether a rate, frames a second, is one that cameras and screens have; headers say 0, NaN and 90000 too."""
    return 0.2 <= fps <= 240  # slide shows and slow motion included


def open_capture(address: str | int, backend: int = cv2.CAP_FFMPEG, *options: int) -> cv2.VideoCapture:
    """Return OpenCV's capture, opened or not; `options` are properties and their values in turn."""
    try:
        if isinstance(address, int):
            with uninterrupted():
                return cv2.VideoCapture(address, backend, options)
        with name_for_opencv(address) as name, uninterrupted():
            return cv2.VideoCapture(name, backend, options)
    except cv2.error:  # a few backends raise where the others return
        return cv2.VideoCapture()


def open_url(url: str, options: str, *properties: int) -> cv2.VideoCapture:
    """Return OpenCV's capture of a stream, with options of FFmpeg, unless the user has set others."""
    os.environ.setdefault(OPTIONS, options)
    try:
        return open_capture(url, cv2.CAP_FFMPEG, *properties)
    finally:
        forget(options)


def forget(options: str) -> None:
    """Let files be read without options that are for streams."""
    if os.environ.get(OPTIONS) == options:
        os.environ.pop(OPTIONS, None)


class VideoSource:
    """Every frame of a video file or stream; `failed` lists it if it was cut short, so callers end with exit code 1.

    `fps`: frames a second. `size`: (width, height) of the first frame. `count`: frames that the header claims, or None.
    Raises UserError, naming the file, for one that is missing, empty, a folder or no video.
    """

    live = False

    def __init__(self, path: str):
        self.source, self.failed = path, []
        self._is_url = "://" in path
        self._address = path if self._is_url else _existing_file(path)
        self._stamped = True  # whether the file's own times can be used
        capture = self._open()
        try:
            self.fps = capture.get(cv2.CAP_PROP_FPS)
            count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
            most = 10**9 if self._is_url else os.path.getsize(self._address)  # a frame takes a byte at least
            self.count = int(count) if 0 < count <= most else None
            self._lasts = self.count / self.fps if self.count and is_plausible(self.fps) else 0.0  # seconds
            self._settle_rate(self._probe(capture))
        finally:
            capture.release()

    def __iter__(self) -> Iterator[Frame]:
        return ahead(self._read())

    def _read(self) -> Iterator[Frame]:
        capture, index, seconds, first, failures = self._open(), 0, 0.0, None, 0
        try:
            while failures <= RETRIES:
                ok, image = capture.read()
                if not ok:
                    if self._is_url or self.count is None or index >= self.count:
                        break
                    failures += 1
                    continue
                failures = 0
                stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                first = stamp if first is None else first
                if index:  # damaged files jump back, or ahead by hours; where nothing moved, one frame stands for long
                    step = stamp - first - seconds
                    is_believed = 0 < step < LEAP or LEAP <= step <= self._lasts - seconds
                    seconds += step if self._stamped and is_believed else 1 / self.fps
                yield Frame(self.source, index, self._shown(image), seconds)
                index += 1
        finally:
            capture.release()
        if not index:
            raise UserError(f"{self.source}: no frame can be read: is it cut short?")
        if self._is_cut_short(index, seconds):
            self.failed.append(self.source)
            say(f"error: {self.source}: ended after {index} of {self.count} frames: is it cut short?")

    def _is_cut_short(self, frames: int, seconds: float) -> bool:
        if not self.count or self.count - frames <= max(2, self.count // 100):  # headers of whole files are off by one
            return False
        # Their sound may be longer, and from how long they last, frames at uneven times cannot be counted
        missing = self._lasts - self._begins - seconds - 1 / self.fps
        return Path(self._address).suffix.lower() in COUNTED or missing > min(2, self._lasts / 3)

    def _open(self) -> cv2.VideoCapture:
        patience = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, URL_PATIENCE, cv2.CAP_PROP_READ_TIMEOUT_MSEC, URL_PATIENCE)
        capture = open_url(self._address, URL_OPTIONS, *patience) if self._is_url else open_capture(self._address)
        if not capture.isOpened():
            if self._is_url:
                raise UserError(f"{self.source}: cannot be opened: check the address and the network")
            raise UserError(f"{self.source}: no video that can be read: is it damaged or cut short?")
        return capture

    def _probe(self, capture: cv2.VideoCapture) -> list[float]:
        """Set `size`, and return the times of the first frames, seconds."""
        image = next((image for ok, image in (capture.read() for _ in range(RETRIES)) if ok), None)
        if image is None:
            raise UserError(f"{self.source}: no frame can be read: is it cut short?")
        sideways, pixel = (capture.get(one) for one in (cv2.CAP_PROP_ORIENTATION_META, cv2.CAP_PROP_SAR_NUM))
        pixel /= capture.get(cv2.CAP_PROP_SAR_DEN) or 1
        self._pixel = pixel if 0.3 < pixel < 3 and not sideways % 180 else 1.0  # width by height
        image = self._shown(image)
        self.size = image.shape[1], image.shape[0]
        # After the sound, maybe; less than 0 where the file does not tell
        self._begins = max(0.0, capture.get(cv2.CAP_PROP_PTS) / self.fps) if self._lasts else 0.0
        times = [capture.get(cv2.CAP_PROP_POS_MSEC) / 1000]
        while len(times) < PROBED and capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        return times

    def _shown(self, image: np.ndarray) -> np.ndarray:
        """Return a frame as players show it: pixels of DV, DVD and HDV are not square."""
        size = round(image.shape[1] * self._pixel), image.shape[0]
        return image if self._pixel == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)

    def _settle_rate(self, times: list[float]) -> None:
        """Set `fps`: the header's rate, unless it is impossible or the frames' own times contradict it."""
        claimed, lasted = self.fps, times[-1] - times[0]
        measured = (len(times) - 1) / lasted if lasted > 0 else 0
        if is_plausible(claimed):
            gap = max((after - before for before, after in itertools.pairwise(times)), default=0.0)
            usual = (len(times) - 2) / (lasted - gap) if lasted > gap else 0  # AVIs with sound leave one frame out
            if is_plausible(measured) and not any(0.98 < one / claimed < 1.02 for one in (measured, usual)):
                # Frames at uneven times, as from phones, of screens and in GIFs, or a header that is wrong. Later there
                # may be more or fewer of them in a second
                self.fps = measured if self.count == len(times) else max(measured, claimed)
            return
        self._stamped = is_plausible(measured)
        self.fps = measured if self._stamped else DEFAULT_FPS
        say(f"{self.source}: says {claimed:g} frames a second, which cannot be: taken as {self.fps:.4g}")


def _existing_file(path: str) -> str:
    """Return a file's absolute path, for FFmpeg takes "a:b.mp4" for a network protocol; raise UserError if none."""
    if not path:
        raise UserError("an empty path: name a video file")
    full = Path(os.path.abspath(os.path.expanduser(path)))
    try:
        if full.is_dir():
            raise UserError(f"{path}: a folder: name a video file in it")
        if not full.is_file() and full.exists():
            raise UserError(f"{path}: no file: save the video to a file first")
        if full.stat().st_size == 0:
            raise UserError(f"{path}: the file is empty")
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}): check its name and permissions") from None
    if not os.access(full, os.R_OK):
        raise UserError(f"{path}: may not be read: check its permissions")
    if full.suffix.lower() in TEXTS:
        raise UserError(f"{path}: a text, no video: name a video file")
    if full.suffix.lower() in PICTURES:
        raise UserError(f"{path}: a picture, no video: predict_static.py reads pictures")
    return str(full)
