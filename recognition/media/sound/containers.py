"""Tell by a film's file whether it has sound. Nothing is decoded: OpenCV reads pictures alone."""

import re
from pathlib import Path
from typing import BinaryIO

HEAD = 1_000_000  # bytes at the beginning that describe what is in a file
INDEX = 50_000_000  # bytes of the index of an MP4, at most
BOXES = 10_000  # of an MP4, at most
PES = rb"\x00\x00\x01[\xc0-\xdf\xbd\xfd]"  # the head of a packet of sound in MPEG
AUDIO = {
    rb"RIFF": rb"strh.{4}auds",  # AVI
    rb"\x1aE\xdf\xa3": rb"\x83\x81\x02",  # Matroska, WebM: a track of type 2
    rb"\x00\x00\x01\xba": PES,
    rb"G.{187}G|.{4}G.{191}G": PES,  # MPEG-TS, as broadcasts are, and as camcorders write it
    rb"0&\xb2u": rb"@\x9ei\xf8M\[\xcf\x11\xa8\xfd\x00\x80_\\D\+",  # ASF, WMV: what kind a stream is of
    rb"FLV": rb"^FLV.[\x04\x05]",
}
CLUSTER = b"\x1fC\xb6u"  # where, in Matroska, what describes the tracks ends
MP4_AUDIO = re.compile(rb"hdlr.{8}soun", re.DOTALL)


def has_sound(path: Path) -> bool:
    """Tell whether a film has sound, as far as its file says so; False if it cannot be read or is of another kind."""
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
            for begin, audio in AUDIO.items():
                if re.match(begin, head, re.DOTALL):
                    return re.search(audio, head.partition(CLUSTER)[0], re.DOTALL) is not None
            return _mp4_has_sound(file) if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") else False
    except (OSError, ValueError):  # ValueError: a size that no file has
        return False


def _mp4_has_sound(file: BinaryIO) -> bool:
    """Tell whether the index of an MP4 or MOV file, which stands at its beginning or end, has a track of sound."""
    place = 0
    for _ in range(BOXES):
        file.seek(place)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if kind == b"moov":
            file.seek(place)
            return MP4_AUDIO.search(file.read(min(size or INDEX, INDEX))) is not None
        if size < 8:  # the last one, or none
            return False
        place += size
    return False
