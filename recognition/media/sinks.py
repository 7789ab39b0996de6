"""Where annotated frames go: windows, pictures and videos. A sink is a context manager."""

import itertools
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from recognition.files import make_folder, shortened, write_atomically
from recognition.media.canvas import draw_text
from recognition.media.frames import SUFFIXES, Frame
from recognition.media.recording import VideoWriter, name_of
from recognition.media.windows import Window, has_display
from recognition.settings import UserError, say

KEYS = {"q, Esc": "quit", "s": "save the picture", "space": "pause, go on", "h": "show these keys, hide them"}
QUIT = ("q", "\x1b")
PHOTO_KEYS = "any key: next, s: save, q: quit"
HINT = 4.0  # seconds that the keys are shown, without being asked for, in a new window


def window_or_output(config, live: bool = False) -> tuple[bool, str | None]:
    """Return whether to open a window, and where to save what is drawn, None for nowhere.

    `config`: a script's settings output, json and show. There is a window where there is a display, unless JSON or an
    output is wanted; where there is none, pictures go to output/. `live`: a camera may have both.
    """
    show = config.show and not config.json and (live or not config.output) and has_display()
    return show, config.output or (None if config.json or show else "output")


def save_picture(path: Path, image: np.ndarray, private: bool = False) -> None:
    """Write a BGR image to a file of the kind that its suffix names; raise UserError if there is no such kind.

    `private`: nobody but the user can read it.
    """
    suffix = path.suffix.lower()  # OpenCV gets nothing else of a name: bytes that are no UTF-8 would crash it
    known = suffix in SUFFIXES and cv2.haveImageWriter(f"any{suffix}")
    ok, content = cv2.imencode(suffix, image) if known else (False, None)
    if not ok:
        raise UserError(f"{path}: this kind of image cannot be written: name it .png or .jpg", 2)
    # Not imwrite: it takes few names
    write_atomically(path, lambda file: file.write_bytes(content.tobytes()), private=private)


class FrameSink:
    """Where annotated pictures go: into the folder or file `output`, or into a window that waits for a key.

    `done`: files whose pictures an earlier run wrote, each with how many pages, in its order: they keep their names.
    """

    def __init__(self, output: str | None, show: bool, suffix: str = "_read.png", done: dict[str, int] | None = None):
        self.quit, self.failed = False, []  # whether the user closed the window; photos whose pictures were not written
        self._saved: FrameSink | None = None  # what the key s saves
        self._window = Window("photos") if show else None
        self._hint = 0.0  # until when the keys are shown
        self._suffix, self._used = suffix, set()
        self._output = Path(output) if output else None
        if self._output:
            make_folder(self._output if self._is_folder() else self._output.parent)
            for source, pages in (done or {}).items():
                for page in range(1, pages + 1):
                    self._path(source if page == 1 else f"{source}#{page}")

    def __enter__(self) -> "FrameSink":
        return self

    def __exit__(self, *_: object) -> None:
        if self._window:
            self._window.close()

    def _is_folder(self) -> bool:
        return self._output.is_dir() or self._output.suffix.lower() not in SUFFIXES

    def write(self, frame: Frame) -> Path | None:
        """Save one annotated frame where there is an output, but never over its photo, nor over other files among the
        photos; return the file written."""
        path = self._path(frame.source) if self._output else None
        if path and path.exists() and os.path.exists(frame.source):
            if path.samefile(frame.source):
                raise UserError(f"{path}: the photo itself would be overwritten: choose another --output", 2)
            if self._is_folder() and path.parent.samefile(Path(frame.source).parent):
                raise UserError(f"{path}: is there already, among the photos: choose another --output", 2)
        if path:
            save_picture(path, frame.image)
        return path

    def put(self, frame: Frame, text: str, line: str | None = None) -> bool:
        """Save and show an annotated frame, and print text, or a line of JSON; tell whether the user had enough."""
        try:
            path = self.write(frame)
        except OSError as error:  # the disk is full, say: the other pictures can still be read
            say(f"error: {error.filename}: {error.strerror}")
            self.failed.append(frame.source)
            path = None
        # One line, whatever folders are called; bytes that are no UTF-8 are told by `settings.run`
        source, where = (
            "".join(one if one.isprintable() or "\ud800" <= one <= "\udfff" else "?" for one in name)
            for name in (frame.source, f"   -> {path}" if path else "")
        )
        print(line or f"{source}: {text}{where}", flush=True)
        self.show(frame)
        return self.quit

    def _path(self, source: str) -> Path:
        folder, stem, suffix, number = self._output, shortened(Path(source).stem), self._suffix, 1
        if not self._is_folder():
            folder, stem, suffix = folder.parent, folder.stem, folder.suffix
        path = folder / f"{stem}{suffix}"
        # Photos of one name from two folders (some file systems take A.jpg for a.jpg), or one file for several photos
        while str(path).casefold() in self._used:
            number += 1
            path = folder / f"{stem}-{number}{suffix}"
        self._used.add(str(path).casefold())
        return path

    def show(self, frame: Frame) -> None:
        """Show one annotated frame, where there is a window, until a key is pressed."""
        if not self._window:
            return
        self._window.title = Path(frame.source).name
        self._hint = self._hint or time.monotonic() + HINT
        key = ""
        while key in ("", "s"):
            self._window.show(frame.image, [PHOTO_KEYS] * (time.monotonic() < self._hint))
            key = self._window.key(200)
            if key in QUIT or self._window.closed:
                self.quit = True
                return
            if key == "s":
                try:
                    self._saved = self._saved or FrameSink("output", show=False)
                    say(f"saved {self._saved.write(frame)}")
                except (UserError, OSError) as error:  # the other photos are read all the same
                    say(f"error: {error}")


class VideoSink:
    """Where the annotated frames of a video or camera go: into the video `output` and a window, each if wanted.

    `source`: the VideoSource or CameraSource that is read. `keys`: what the script does on which key, for the list that
    the key h shows. `quit` tells whether the user had enough, `clicked` the pixel (x, y) of the frame that was clicked
    while it was last shown, or None, `paused` for how many seconds a camera's frames were not wanted.
    """

    def __init__(self, output: str | None, show: bool, source, keys: dict[str, str] | None = None, title="recognition"):
        self.quit, self.clicked, self.paused = False, None, 0.0
        self._source, self._help, self._hint = source, False, 0.0  # until when the keys are shown anyway
        self._lines = [f"{key}: {meaning}" for key, meaning in (KEYS | (keys or {})).items()]
        self._due, self._seconds = 0.0, 0.0  # when the next frame of a file may come, and the last one's time in it
        self._writer = VideoWriter(output, source) if output else None
        self._window = Window(title) if show else None
        if self._window and not source.live:
            self._window.title = f"{Path(source.source).name} - {title}"
        if self._writer and not self._window and source.live:
            say(f"recording to {self._writer.path}: Ctrl-C ends it")

    def __enter__(self) -> "VideoSink":
        return self

    def __exit__(self, *_: object) -> None:
        if self._window:
            self._window.close()
        if self._writer:
            self._writer.close()

    def present(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames that have a picture; show and record the dark ones of a stream that is away."""
        for frame in frames:
            if not frame.note:
                yield frame
                continue
            draw_text(frame.image, "", frame.note)
            if self.put(frame):
                return

    def write(self, frame: Frame) -> None:
        """Append an annotated frame to the video, where there is an output."""
        if self._writer:
            self._writer.write(frame)

    def show(self, frame: Frame) -> str:
        """Show an annotated frame, where there is a window, for its time in a file; return the key pressed or ""."""
        self.clicked, pressed = None, ""
        if not self._window:
            return pressed
        began, due = time.monotonic(), self._next_due(frame)
        self._hint = self._hint or began + HINT
        paused = was_paused = False
        while True:
            has_help = self._help or time.monotonic() < self._hint
            lines = self._lines * has_help + ["paused: space goes on"] * paused
            self._window.show(frame.image, lines)
            key = self._window.key(30 if paused else min(30, round((due - time.monotonic()) * 1000)))
            self.clicked = self._window.clicked or self.clicked
            if key in QUIT or self._window.closed:
                self.quit = True
            elif key == "s":
                self._save(frame.image)
            elif key == "h":
                self._help, self._hint = not has_help, 1.0  # long ago
            elif key == " ":
                paused, was_paused = not paused, True
            elif key != "\0":
                pressed = key or pressed
            if self.quit or (not paused and time.monotonic() >= due):
                break
        if was_paused:
            self._leave_out(began)
        return pressed

    def put(self, frame: Frame) -> bool:
        """Append an annotated frame to the video and show it; tell whether the user had enough."""
        self.write(frame)
        self.show(frame)
        return self.quit

    def ask(self, frame: Frame, question: str) -> str:
        """Return a line of text that the user types into the window, over a frame that stands still; "" for none.

        Enter takes it, Esc takes none. Letters come in lower case, and those of the Latin alphabet only.
        """
        text, key, began = "", "", time.monotonic()
        while key != "\r" and not self.quit:
            lines = [f"{question}: {text}_", "Enter: take it, Esc: leave it"]
            self._window.show(frame.image, lines)
            key = self._window.key(30)
            self.quit = self._window.closed
            if key == "\x1b" or self.quit:
                text = ""
                break
            text = text[:-1] if key in ("\b", "\x7f") else text + key if key.isprintable() else text
        self._leave_out(began)
        return text.strip()

    def _leave_out(self, began: float) -> None:
        """Leave the time since `began`, in which a camera's frames were not wanted, out of what is recorded."""
        if self._source.live:
            self.paused += time.monotonic() - began
            if self._writer:
                self._writer.pause(time.monotonic() - began)

    def _next_due(self, frame: Frame) -> float:
        """Return the time until which a frame is shown: a camera sets its own pace, a file that of its times."""
        if self._source.live:
            return 0.0
        self._due = max(time.monotonic(), self._due + frame.seconds - self._seconds)
        self._seconds = frame.seconds
        return self._due

    def _save(self, image: np.ndarray) -> None:
        """Save a picture under the next free number in output/; a failure is said and the video goes on."""
        stem = name_of(self._source)
        path = next(path for n in itertools.count(1) if not (path := Path("output", f"{stem}-{n}.png")).exists())
        try:
            make_folder(path.parent)
            save_picture(path, image)
            say(f"saved {path}")
        except (UserError, OSError) as error:
            say(f"error: {error}")


class FpsMeter:
    """Frames a second, smoothed over the last ones, for display."""

    def __init__(self, frames: int = 30):
        self._times = deque(maxlen=frames)

    def tick(self) -> float:
        """Count one frame and return the rate; 0 at the first."""
        self._times.append(time.perf_counter())
        lasted = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / lasted if lasted else 0.0
