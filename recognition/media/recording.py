"""Write annotated videos that play at the speed of what was filmed, and keep what was done when a run ends early.

Films keep their sound where FFmpeg's program or PyAV is there: see sound/copying.py.
"""

import contextlib
import os
import re
import shutil
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from recognition.files import make_folder, move_to_free, name_for_opencv, names_like, shortened
from recognition.media.frames import Frame
from recognition.media.partials import mending
from recognition.media.partials.mending import CODECS
from recognition.media.sound import containers, copying
from recognition.settings import UserError, quiet, say, uninterrupted

BEHIND = 3  # frames that wait to be encoded at most
MIN_FREE = 50_000_000  # bytes left on the disk when recording stops, so that the end of the file has room


def name_of(source) -> str:
    """Return the name under which files about a video or camera are saved, without a suffix."""
    return "camera" if source.live else shortened(re.sub(r'[<>:"/\\|?*]', "_", Path(source.source).stem))


class VideoWriter:
    """One video at the rate of its source and the size of its first frame; `close` moves it to `path`.

    `output`: a video file, or a folder for NAME_read.mp4, of a camera NAME_read-2.mp4 and so on.
    Raises UserError with exit code 2 where none can be written.
    A camera's frames come at uneven times, and those of some films: they are repeated or skipped, so that the video
    plays in real time, with the film's sound.
    However the program ends, all but the last second can be read, and is mended when the next recording to that folder
    begins.
    """

    def __init__(self, output: str, source):
        path, self._like = Path(output), None
        if path.is_dir() or not path.suffix or output.endswith(("/", os.sep)):
            path = path / f"{name_of(source)}_read.mp4"
            if source.live:  # what a camera saw cannot be filmed again: nothing is written over
                self._like = path
                path = next(free for name in names_like(path.name) if not (free := path.with_name(name)).exists())
        if path.suffix.lower() not in CODECS:
            raise UserError(f"{path}: this kind of video cannot be written: name it {' '.join(sorted(CODECS))}", 2)
        original = os.path.expanduser(source.source)
        if path.exists() and os.path.exists(original) and path.samefile(original):
            raise UserError(f"{path}: is the video that is read: choose another --output", 2)
        mending.mend(make_folder(path.parent))
        self.path, self.count = path, 0
        self._fps = round(source.fps, 3 if source.fps < 65 else 2)  # mpeg4 counts in at most 65535ths
        self._temporary = mending.temporary_name(path, self._fps)
        self._part, self._in_part = mending.part_name(self._temporary), 0
        self._source, self._file, self._resized = source, None, False
        self._sound = Path(original) if not source.live and containers.has_sound(Path(original)) else None
        self._thread, self._encoding = ThreadPoolExecutor(1), deque[Future]()
        self._held = contextlib.ExitStack()  # while it is recorded, see mending.hold
        self._try()

    def write(self, frame: Frame) -> None:
        """Append a frame; one of another size than the first is scaled to fit, with black borders."""
        # What is finished at the end takes the room of what was recorded a second time
        if shutil.disk_usage(self.path.parent).free < MIN_FREE + self._written():
            raise UserError(f"{self.path.parent}: the disk is full: free some space or choose another --output")
        if self._file is None:
            self._begin(frame)
        image = self._fit(frame.image)
        wanted = round((frame.seconds - self._start) * self._fps) + 1
        while self.count < wanted:  # the frame before stands until the time of this one
            self._encode(image if self.count == wanted - 1 else self._last)
            self.count += 1
        self._last = image

    def _written(self) -> int:
        """Return how many bytes were written till now."""
        return self._temporary.stat().st_size if self._file else 0

    def _encode(self, image: np.ndarray) -> None:
        """Append an image, in a thread while the caller makes the next ones; nobody may change it meanwhile."""
        self._encoding.append(self._thread.submit(self._append, image))
        if len(self._encoding) > BEHIND:
            self._encoding.popleft().result()

    def _append(self, image: np.ndarray) -> None:
        self._file.write(image)
        self._in_part += 1
        slow = time.monotonic() - self._part_began > mending.PART  # which some encoders are
        if self._in_part >= mending.PART * self._fps or slow:
            self._end_part()
            self._file = self._open(self._fps, self._size)

    def _end_part(self) -> None:
        self._file.release()
        self._in_part = 0
        mending.append(self._part, self._temporary)

    def pause(self, seconds: float) -> None:
        """Leave a time out of a camera's video."""
        if self._file is not None:
            self._start += seconds

    def close(self) -> None:
        """Move what was written into place and check it; raise UserError if it is not whole."""
        if self._file is None:
            return
        self._thread.shutdown()
        self._end_part()
        self._file = None
        with self._held:
            finished, count = mending.finish(self._temporary, self.path, self._fps, self._size)
            if not count:
                raise UserError(f"{self.path}: could not be written: is the disk full?{self._left()}")
            is_whole = abs(count - self.count) <= 1
            try:
                if self._sound and is_whole:
                    copying.add_sound(finished, self._sound, self.count / self._fps, self.path)
            finally:  # whatever comes in between, what was written is kept
                self._held.close()  # Windows moves nothing that is open
                self._move(finished)
        if not is_whole:
            raise UserError(f"{self.path}: only {count} of {self.count} frames were written: is the disk full?")
        say(f"saved {self.path}")

    def _left(self) -> str:
        """Delete what was recorded if it is nothing, else return where it is; the next recording mends it."""
        if self._temporary.exists() and self._temporary.stat().st_size:
            return f" Free some space; what was recorded is in {self._temporary}"
        self._temporary.unlink(missing_ok=True)
        return ""

    def _move(self, finished: Path) -> None:
        try:
            if self._like:
                self.path = move_to_free(finished, self._like if self.path.exists() else self.path)
            else:
                os.replace(finished, self.path)
        except OSError as error:  # on Windows while a player has the old one open
            raise UserError(f"{self.path}: {error.strerror}: the new video is in {finished}") from None
        self._temporary.unlink(missing_ok=True)

    def _try(self) -> None:
        """Write a tiny video beside the output, to refuse what cannot be written before the work starts."""
        try:
            file = self._open(30.0, (64, 64))
            file.write(np.zeros((64, 64, 3), np.uint8))
            file.release()
            if not self._part.exists() or not self._part.stat().st_size:
                raise UserError(f"{self.path}: cannot be written: choose another --output, for example a .mp4", 2)
        finally:
            self._part.unlink(missing_ok=True)

    def _open(self, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
        codec = cv2.VideoWriter_fourcc(*CODECS[self.path.suffix.lower()])
        self._part_began = time.monotonic()
        # OpenCV doubts the codec of .webm, and is wrong
        with name_for_opencv(str(self._part)) as name, quiet(), uninterrupted():
            return cv2.VideoWriter(name, cv2.CAP_FFMPEG, codec, fps, size)

    def _begin(self, frame: Frame) -> None:
        height, width = frame.image.shape[:2]
        self._size = width + width % 2, height + height % 2  # odd sizes would lose their last row and column
        self._start = frame.seconds
        self._file = self._open(self._fps, self._size)
        if not self._file.isOpened():
            self._file = None
            self._part.unlink(missing_ok=True)
            raise UserError(f"{self.path}: cannot hold {width}x{height} pixels: choose another --output, such as .avi")
        self._temporary.touch()
        if held := mending.hold(self._temporary):
            self._held.enter_context(held)

    def _fit(self, image: np.ndarray) -> np.ndarray:
        """Return a BGR image, uint8 (H, W, 3), at the video's size."""
        (width, height), (own_height, own_width) = self._size, image.shape[:2]
        if own_width + own_width % 2 == width and own_height + own_height % 2 == height:
            edges = (0, height - own_height, 0, width - own_width)
            return cv2.copyMakeBorder(image, *edges, cv2.BORDER_REPLICATE) if any(edges) else image
        if not self._resized:
            self._resized = True
            say(f"{self.path}: frames of other sizes than {width}x{height} are scaled to it")
        scale = min(width / own_width, height / own_height)
        inner = max(1, round(own_width * scale)), max(1, round(own_height * scale))
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        boxed = np.zeros((height, width, 3), np.uint8)
        boxed[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
        return boxed
