"""Recordings under a temporary name: held while they are written, and finished later if that was ended by force."""

import contextlib
import os
import re
from pathlib import Path
from typing import BinaryIO

import cv2

from recognition.files import move_to_free
from recognition.media.partials.remuxing import remux
from recognition.media.videos import is_plausible, open_capture
from recognition.settings import say

CODECS = {".avi": "MJPG", ".m4v": "mp4v", ".mkv": "mp4v", ".mov": "mp4v", ".mp4": "mp4v", ".webm": "VP80"}
STREAMS = {".avi": ".mjpeg", ".webm": ".ivf"} | dict.fromkeys([".m4v", ".mkv", ".mov", ".mp4"], ".ts")  # see append
PART = 1.0  # seconds that are encoded at a time: FFmpeg keeps back a quarter of a megabyte till it is done
STUFFING = b"G\x1f\xff\x10" + b"\xff" * 184  # an empty packet: files of a few packets are not taken for MPEG-TS
IVF_HEAD = 32  # bytes before the first frame
SIZE = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
PARTIAL = re.compile(r"\.(.+?)\.(\d+(?:\.\d+)?)fps\.\d+\.partial\.\w+")


def temporary_name(path: Path, fps: float) -> Path:
    """Return where the recording `path` is written till it is finished: a file that can be read before that, too."""
    return path.with_name(f".{path.name}.{fps}fps.{os.getpid()}.partial{STREAMS[path.suffix.lower()]}")


def part_name(temporary: Path) -> Path:
    """Return where the next part of a recording is encoded."""
    return temporary.with_name(temporary.name.replace(".partial.", ".part."))


def append(part: Path, temporary: Path) -> None:
    """Add an encoded part to a recording, such that it stays there, even if the power fails, and delete it.

    In an .mjpeg, an .ivf and a .ts a film is followed by another one just so. On a full disk frames get lost, which is
    noticed at the end.
    """
    with contextlib.suppress(OSError):
        with temporary.open("ab") as file:
            if temporary.suffix == ".ts" and not file.tell():
                file.write(20 * STUFFING)
            content = part.read_bytes()
            file.write(content[IVF_HEAD:] if temporary.suffix == ".ivf" and file.tell() else content)
            file.flush()
            os.fsync(file.fileno())
        part.unlink()


def hold(path: Path) -> BinaryIO | None:
    """Return a file, opened, which tells others till it is closed that it is written or mended; None if another does.

    On Windows that it is open is enough: nobody can rename or delete it. None, too, where files cannot be locked.
    """
    file = path.open("rb")
    if os.name != "nt":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
    return file


def finish(temporary: Path, path: Path, fps: float, size: tuple[int, int]) -> tuple[Path, int]:
    """Return a recording as a file of the kind that `path` names, under another temporary name, and its frames.

    On a full disk it is no file, or not all of it: then there is none, and 0 is returned.
    """
    finished = temporary.with_suffix(path.suffix)
    wanted = remux(temporary, finished, CODECS[path.suffix.lower()], fps, size)
    capture = open_capture(str(finished))
    count, found = capture.get(cv2.CAP_PROP_FRAME_COUNT), tuple(round(capture.get(one)) for one in SIZE)
    is_whole = found == size and abs(count - wanted) <= 1 and capture.read()[0]  # .mkv and .webm state milliseconds
    capture.release()
    if not is_whole:
        finished.unlink(missing_ok=True)
    return finished, wanted if is_whole else 0


def mend(folder: Path) -> None:
    """Finish the recordings in a folder that were killed or lost their power, as NAME_mended.mp4 and so on."""
    for partial in sorted(folder.iterdir()):
        name = PARTIAL.fullmatch(partial.name)
        known = name and STREAMS.get(Path(name[1]).suffix.lower()) == partial.suffix
        if known and is_plausible(float(name[2])):
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                if os.name != "nt":  # which will tell when it is to be renamed
                    held = hold(partial)
                    if held is None:
                        continue
                    stack.enter_context(held)
                _mend(partial, folder / name[1], float(name[2]))


def _mend(partial: Path, path: Path, fps: float) -> None:
    mine = temporary_name(path, fps)
    os.replace(partial, mine)  # on Windows it fails while somebody writes it
    part_name(partial).unlink(missing_ok=True)
    if not mine.stat().st_size:  # killed in its first moments
        mine.unlink()
        return
    capture = open_capture(str(mine))
    size = tuple(round(capture.get(one)) for one in SIZE)
    is_readable = capture.read()[0]
    capture.release()
    if not is_readable:
        say(f"{mine}: left by a recording that was killed, but no picture can be read: delete it")
        return
    finished, count = finish(mine, path, fps, size)
    if not count:
        say(f"{mine}: left by a killed recording, no room to mend it: free some, and the next recording does")
        return
    mended = move_to_free(finished, path.with_name(f"{path.stem}_mended{path.suffix}"))
    mine.unlink(missing_ok=True)
    say(f"mended {mended}: its recording was killed")
