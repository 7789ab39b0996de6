"""Copy the sound of one film into another one as it is, with FFmpeg's program or PyAV, whichever is there."""

import heapq
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from recognition.settings import say

PATIENCE = 600  # seconds; two hours of film take some


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


def _by_pyav(film: Path, source: Path, seconds: float, output: Path) -> str | None:
    """Return None if it worked, else what PyAV says."""
    import av

    def packets(container, streams: list) -> Iterator[tuple[float, object]]:
        begin = (container.start_time or 0) / av.time_base  # of broadcasts it is not 0
        for packet in container.demux(streams):
            if packet.dts is not None and (at := float(packet.dts * packet.time_base) - begin) < seconds:
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
