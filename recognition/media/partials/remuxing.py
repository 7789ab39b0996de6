"""Copy encoded frames as they are from one kind of video file into another, such as from MPEG-TS to MP4."""

import os
from pathlib import Path

import cv2

from recognition.files import name_for_opencv
from recognition.media.videos import open_capture
from recognition.settings import quiet, uninterrupted

MP4 = {".m4v", ".mov", ".mp4"}
WAY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4v", b"esds")  # of an MP4, each box in the one before
FIELDS = {b"stsd": 8, b"mp4v": 78, b"esds": 4}  # bytes between the head of a box and what is in it
UNKNOWN = 10**9  # frames from one key frame to the next: each one says itself whether it is one


def remux(source: Path, target: Path, codec: str, fps: float, size: tuple[int, int]) -> int:
    """Copy the frames of a video to another file, at a constant rate, and return how many there were.

    What stands at the end of a file that was cut short, half a frame, is left out where the file tells. `size`: (width,
    height). `codec`: its four letters. Nothing is decoded or encoded, so it takes as long as copying.
    """
    capture = open_capture(str(source), cv2.CAP_FFMPEG, cv2.CAP_PROP_FORMAT, -1)
    options = cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1, cv2.VIDEOWRITER_PROP_KEY_INTERVAL, UNKNOWN
    count = 0
    try:
        has_head, head = capture.retrieve(flag=int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX)))
        with name_for_opencv(str(target)) as name, quiet(), uninterrupted():
            fourcc = cv2.VideoWriter_fourcc(*codec)
            writer = cv2.VideoWriter(name, cv2.CAP_FFMPEG, fourcc, fps, size, options)
        while (packet := capture.read()[1]) is not None:
            writer.set(cv2.VIDEOWRITER_PROP_KEY_FLAG, capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME))
            writer.write(packet)
            count += 1
        writer.release()
    finally:
        capture.release()
    if count and has_head and target.suffix.lower() in MP4:
        add_head(target, head.tobytes())
    return count


def add_head(path: Path, head: bytes) -> None:
    """Put what a decoder of MPEG-4 needs to begin with into the index of an MP4; OpenCV leaves it out.

    ISO/IEC 14496-1, 7.2.6: it becomes a descriptor of its own, in that of the decoder, in that of the stream. The
    lengths of all that it is in grow with it. The index is the file's end, so nothing else moves.
    """
    with open(path, "r+b") as file:
        place = 0
        while (box := file.read(8))[4:] != WAY[0]:
            length = int.from_bytes(box[:4], "big")
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            if length < 8:
                return  # it was not finished
            place += length
            file.seek(place)
        index = bytearray(box + file.read())
        descriptor = b"\x05\x80\x80\x80" + bytes([len(head)]) + head
        at, inside = 0, [0]
        for kind in WAY[1:]:
            at += 8 + FIELDS.get(bytes(index[at + 4 : at + 8]), 0)
            while index[at + 4 : at + 8] != kind:
                length = int.from_bytes(index[at : at + 4], "big")
                if length < 8:
                    return  # it is not there
                at += length
            inside.append(at)
        for at in inside:
            index[at : at + 4] = (int.from_bytes(index[at : at + 4], "big") + len(descriptor)).to_bytes(4, "big")
        stream = at + 8 + FIELDS[b"esds"]
        decoder = stream + 5 + 3  # each begins with its kind, one byte, and its length, four; then come its fields
        end = decoder + 5 + 13
        for start in (stream, decoder):
            index[start + 4] += len(descriptor)
        index[end:end] = descriptor
        file.seek(place)
        file.write(index)
        os.fsync(file.fileno())
