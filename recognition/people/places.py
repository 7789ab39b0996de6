"""Take the place where a photo was taken out of its file: what is copied tells nobody where its people live.

Coordinates are overwritten where they stand, and the file keeps its length: nothing is compressed anew, no offset in it
moves, and the date, the camera and how the photo is turned stay. That does for all kinds of files, whatever is around:

    EXIF   a TIFF header and tables: JPEG, TIFF, PNG, WebP, HEIC, AVIF, and each picture of files that hold several
    XMP    XML as text: exif:GPSLatitude="..." and its like
    films  ISO 6709, +48.8577+002.2950/, in the few seconds of film that telephones append to photos
"""

import re
import struct
import zlib
from collections.abc import Iterator

GPS, OTHERS = 0x8825, (0x8769, 0x014A)  # EXIF's tags that point to a table of coordinates, and to other tables
SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)  # bytes of a value, by EXIF's types
TABLES = 32  # of one header, at most: they may point at each other
NAME = rb"[\w.-]{1,40}:(?:gps\w*|lat|long)"  # of coordinates in XMP, with the prefix of a namespace
XMP = re.compile(
    rb"(?<=\s)%b\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')|<%b(?:\s[^<>]*)?/>|<%b(?:\s[^<>]*)?>[^<]*</[^<>]*>"
    % (NAME, NAME, NAME),
    re.IGNORECASE,
)
SEGMENT = 65535  # bytes of a part of a JPEG: text that goes on in the next part is left alone, there is a head between
ISO_6709 = re.compile(rb"[+-]\d\d\.\d{3,8}[+-]\d{3}\.\d{3,8}(?=[+-]\d|/|CRS)")
PNG = b"\x89PNG\r\n\x1a\n"


def without_place(content: bytes) -> bytes:
    """Return an image file's bytes without the coordinates of where it was taken; the same if there are none."""
    return b"".join(_chunks(content)) if content.startswith(PNG) else _cleared(content)


def _cleared(content: bytes) -> bytes:
    cleared = bytearray(content)
    for order, header in (("<", b"II*\0"), (">", b"MM\0*")):
        place = content.find(header)
        while place >= 0:
            _clear_exif(memoryview(cleared)[place:], order)
            place = content.find(header, place + 4)
    for start, end in _packets(content):
        cleared[start:end] = XMP.sub(lambda found: b" " * len(found[0]), content[start:end])
    if b"moov" not in content:  # no film
        return bytes(cleared)
    return ISO_6709.sub(lambda found: re.sub(rb"\d", b"0", found[0]), bytes(cleared))


def _clear_exif(data: memoryview, order: str) -> None:
    """Take the tables of coordinates out of what follows a TIFF header, in place; `order` of bytes: < or >."""
    waiting, seen = [data[4:8]], set()
    while waiting and len(seen) < TABLES:
        at = int.from_bytes(waiting.pop(), "little" if order == "<" else "big")
        entries = _entries(data, at, order)
        if at in seen or entries is None:
            continue
        seen.add(at)
        kept, end = [], at + 2 + 12 * len(entries)
        for entry, (tag, kind, count, value) in entries:
            if tag == GPS and kind in (4, 13) and count == 1:
                _overwrite(data, value, order)
                continue
            kept.append(entry)
            if tag in OTHERS and kind in (4, 13) and count == 1:
                waiting.append(entry[8:])
        following = bytes(data[end : end + 4])
        waiting.append(following)
        if len(kept) < len(entries):  # those behind move up, and so does the place of the next table
            struct.pack_into(f"{order}H", data, at, len(kept))
            data[at + 2 : end + len(following)] = (b"".join(kept) + following).ljust(
                end + len(following) - at - 2, b"\0"
            )


def _entries(data: memoryview, at: int, order: str) -> list[tuple[bytes, tuple[int, int, int, int]]] | None:
    """Return the entries of a table, each as bytes and as tag, type, count and value or its place; None if cut off."""
    if not 8 <= at <= len(data) - 2:
        return None
    count = struct.unpack_from(f"{order}H", data, at)[0]
    if at + 2 + 12 * count > len(data):
        return None
    rows = (bytes(data[at + 2 + 12 * k : at + 14 + 12 * k]) for k in range(count))
    return [(row, struct.unpack(f"{order}HHII", row)) for row in rows]


def _overwrite(data: memoryview, at: int, order: str) -> None:
    """Overwrite a table, and the values that it points to, with zeros."""
    entries = _entries(data, at, order) or []
    for _, (_, kind, count, value) in entries:
        size = count * (SIZES[kind] if kind < len(SIZES) else 0)
        if 4 < size <= len(data) - value:
            data[value : value + size] = bytes(size)
    end = at + 2 + 12 * len(entries)
    if entries:
        data[at:end] = bytes(end - at)


def _packets(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where XMP begins and ends."""
    most = SEGMENT if content.startswith(b"\xff\xd8") else len(content)
    start = content.find(b"<rdf:RDF")
    while start >= 0:
        end = content.find(b"</rdf:RDF>", start, start + most)
        if end < 0 and most > SEGMENT:
            return
        if end >= 0:
            yield start, end
        start = content.find(b"<rdf:RDF", max(start + 1, end))


def _chunks(content: bytes) -> Iterator[bytes]:
    """Yield a PNG file part by part without coordinates: its parts have checksums, and may be compressed."""
    yield PNG
    place = len(PNG)
    while place + 12 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        kind, chunk = content[place + 4 : place + 8], content[place + 8 : end - 4]
        if kind in (b"eXIf", b"iTXt", b"tEXt", b"zTXt") and end <= len(content):
            cleared = _cleared(chunk)
            if cleared != chunk:
                yield content[place : place + 8] + cleared + struct.pack(">I", zlib.crc32(kind + cleared))
            elif not _may_hide(kind, chunk):
                yield content[place:end]
        else:
            yield content[place:end]
        place = end
    yield content[place:]


def _may_hide(kind: bytes, chunk: bytes) -> bool:
    """Tell whether a part of a PNG is EXIF or XMP that cannot be looked into: compressed, or digits of bytes."""
    keyword, _, rest = chunk.partition(b"\0")
    compressed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    return keyword.startswith(b"Raw profile type") or (keyword == b"XML:com.adobe.xmp" and compressed)
