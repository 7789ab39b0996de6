"""Copy the sound of one film into another one as it is, with FFmpeg's program or PyAV, whichever is there."""

import contextlib
import heapq
import importlib.util
import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2

from recognition.media.videos import is_plausible, open_capture
from recognition.settings import say

PATIENCE = 600  # seconds; two hours of film take some
SLACK = 0.08  # seconds that nobody hears


def add_sound(film: Path, source: Path, seconds: float, name: Path) -> None:
    """Give a film without sound that of `source`, its first `seconds`; say in one line if that cannot be done.

    `name`: what the film is called when it is finished. It stays as it is until all is copied.
    """
    with_sound = film.with_name(f".sound{film.name}")
    try:
        if program := shutil.which("ffmpeg"):
            reason = _by_program(program, film, source, seconds, with_sound)
        elif importlib.util.find_spec("av"):
            reason = _by_pyav(film, source, seconds, with_sound)
        else:
            say(f"{name}: without the sound of {source}: install ffmpeg or `pip install av` to keep it")
            return
        if reason:
            say(f"{name}: without the sound of {source} ({reason}): a .mkv or .mov holds nearly every kind")
        else:
            os.replace(with_sound, film)
    finally:
        with_sound.unlink(missing_ok=True)


def _by_program(program: str, film: Path, source: Path, seconds: float, output: Path) -> str | None:
    """Return None if it worked, else what FFmpeg says."""
    files_only = ["-protocol_whitelist", "file"]  # a list of addresses may be called film.mp4
    # Absolute, and marked as files: no name is taken for an option or an address
    inputs = [part for path in (film, source) for part in (*files_only, "-i", f"file:{path.resolve()}")]
    delay = _first_picture(source) - _begin_told_by(program, source)
    if delay > SLACK:
        inputs[-2:-2] = ["-ss", f"{delay:.3f}"]
    copy = [
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        "-t",
        f"{seconds:.3f}",
        "-avoid_negative_ts",
        "disabled",
        "-y",
        f"file:{output.resolve()}",
    ]
    try:
        command = [program, "-nostdin", "-v", "error", *inputs, *copy]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return "ffmpeg does not answer"
    if done.returncode == 0 and output.exists():
        return None
    told = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["ffmpeg failed"]
    return told[0].rpartition("] ")[2]


def _first_picture(source: Path) -> float:
    """Return when the first picture of a film is shown, in seconds, by the film's clock."""
    capture = open_capture(str(source))
    fps = capture.get(cv2.CAP_PROP_FPS)
    at = capture.get(cv2.CAP_PROP_PTS) / fps if capture.grab() and is_plausible(fps) else 0.0
    capture.release()
    return at  # far below 0 where the file does not tell


def _begin_told_by(program: str, source: Path) -> float:
    """Return where the clock of a film begins, in seconds; of broadcasts it is not 0."""
    command = [program, "-nostdin", "-hide_banner", "-protocol_whitelist", "file", "-i", f"file:{source.resolve()}"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE).stderr
        if found := re.search(rb"^  Duration: .*, start: (-?[\d.]+)", told, re.MULTILINE):
            return float(found[1])
    return math.inf  # then nothing is moved


def _by_pyav(film: Path, source: Path, seconds: float, output: Path) -> str | None:
    """Return None if it worked, else what PyAV says."""
    import av

    def packets(container, streams: list) -> Iterator[tuple[float, object]]:
        shown = (float(stream.start_time * stream.time_base) for stream in container.streams.video if stream.start_time)
        begin = max((container.start_time or 0) / av.time_base, next(shown, 0.0))  # of broadcasts it is not 0
        for packet in container.demux(streams):
            at = -1.0 if packet.dts is None else float(packet.dts * packet.time_base) - begin
            if -SLACK < at < seconds:
                shift = round(begin / packet.time_base)
                packet.pts, packet.dts = (packet.dts if packet.pts is None else packet.pts) - shift, packet.dts - shift
                yield at, packet

    try:
        with av.open(str(film)) as pictures, av.open(str(source)) as sounds, av.open(str(output), "w") as file:
            parts = (pictures, list(pictures.streams.video)), (sounds, list(sounds.streams.audio))
            copies = {stream: file.add_stream_from_template(stream) for _, streams in parts for stream in streams}
            for _, packet in heapq.merge(*(packets(*part) for part in parts), key=lambda one: one[0]):
                packet.stream = copies[packet.stream]
                file.mux(packet)
    except (av.FFmpegError, OSError, ValueError, AttributeError) as error:
        return str(error).splitlines()[0]
    return None
