"""Copies of photos do not say where they were taken, as Pillow reads them back; all else in them stays."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from recognition.people.places import without_place
from recognition.synthetic.portraits import draw_face

GPS, ORIENTATION, MAKER, INNER, TAKEN = 0x8825, 0x0112, 0x010F, 0x8769, 0x9003
XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"
 exif:GPSLatitude="48,51.4983N"
 exif:GPSLongitude='2,17.6700E'><exif:GPSAltitude>3301/10</exif:GPSAltitude><exif:GPSMapDatum/></rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def exif_of_a_telephone():
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER], exif[0x013B] = 6, "Maker of telephones", "a name behind the place"
    exif.get_ifd(INNER)[TAKEN] = "2019:05:05 05:05:05"
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 51.0, 29.9), 3: "E", 4: (2.0, 17.0, 40.2), 29: "2019:05:05"})
    return exif


def photo(kind, xmp=XMP, **options):
    file, image = io.BytesIO(), Image.fromarray(draw_face(3)[..., ::-1])
    more = {"save_all": True, "append_images": [image]} if kind == "MPO" else {}
    image.save(file, kind, exif=exif_of_a_telephone(), **({"xmp": xmp} if xmp else {}), **more, **options)
    return file.getvalue()


def opened(content):
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "MPO", "WEBP", "AVIF", "PNG"])
def test_the_place_is_gone_and_all_else_is_as_it_was(kind):
    content = photo(kind)
    copy = without_place(content)
    before, after = opened(content).getexif(), opened(copy).getexif()
    assert len(before.get_ifd(GPS)) == 5 and GPS not in after and after.get_ifd(GPS) == {}
    assert before.keys() - after.keys() == {GPS}
    assert all(after[tag] == before[tag] for tag in after if tag != INNER)  # that one is a place in the file
    assert after.get_ifd(INNER)[TAKEN] == "2019:05:05 05:05:05" and after[MAKER] == "Maker of telephones"
    assert np.array_equal(np.asarray(opened(content)), np.asarray(opened(copy)))
    assert b"GPS" not in copy and b"2019:05:05\0" not in copy.replace(b"2019:05:05 05:05:05", b"")
    if kind != "PNG":  # Pillow writes no XMP there
        assert b'xmp:Rating="4"' in copy and len(copy) == len(content)
    assert without_place(copy) == copy


def test_a_file_without_a_place_is_the_same_file():
    rng = np.random.default_rng(0)
    for content in (cv2.imencode(".png", draw_face(1))[1].tobytes(), cv2.imencode(".jpg", draw_face(1))[1].tobytes()):
        assert without_place(content) == content
        assert without_place(content + b"behind it") == content + b"behind it"
    for head in (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*"):
        content = head + rng.bytes(100_000)
        assert len(without_place(content)) == len(content)


def png(*parts):
    chunks = b"".join(
        struct.pack(">I", len(chunk)) + kind + chunk + struct.pack(">I", zlib.crc32(kind + chunk))
        for kind, chunk in parts
    )
    plain = cv2.imencode(".png", draw_face(3))[1].tobytes()
    return plain[:33] + chunks + plain[33:]  # behind the header


def test_text_in_a_png_is_looked_into_and_what_cannot_be_is_left_out():
    keyword = b"XML:com.adobe.xmp\0"
    told, hidden = (b"iTXt", keyword + b"\0\0\0\0" + XMP), (b"iTXt", keyword + b"\1\0\0\0" + zlib.compress(XMP))
    raw, title = (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"exif")), (b"tEXt", b"Title\0party")
    content = png(told, raw, title)
    copy = without_place(content)
    assert opened(content).info["Title"] == opened(copy).info["Title"] == "party"  # checksums are right
    assert "GPS" in opened(content).text["XML:com.adobe.xmp"] and "GPS" not in opened(copy).text["XML:com.adobe.xmp"]
    assert "Rating" in opened(copy).text["XML:com.adobe.xmp"] and "Raw profile type exif" not in opened(copy).text
    assert "GPSLatitude" in opened(png(hidden)).text["XML:com.adobe.xmp"]
    assert "XML:com.adobe.xmp" not in opened(without_place(png(hidden))).text
    assert isinstance(opened(copy), PngImagePlugin.PngImageFile) and np.array_equal(opened(copy), opened(content))


def test_both_orders_of_bytes_and_the_film_behind_a_photo():
    content = photo("JPEG")
    start = content.index(b"Exif\0\0") + 6
    assert content[start : start + 2] in (b"MM", b"II")
    exif = exif_of_a_telephone()
    exif.endian = "<" if content[start : start + 2] == b"MM" else ">"
    file = io.BytesIO()
    Image.fromarray(draw_face(3)).save(file, "JPEG", exif=exif.tobytes())
    assert len(opened(file.getvalue()).getexif().get_ifd(GPS)) == 5
    assert opened(without_place(file.getvalue())).getexif().get_ifd(GPS) == {}
    film = content + b"....ftypmp42....moov....\xa9xyz\0\x12\x15\xc7+48.8577+002.2950/ and so on"
    assert without_place(film).endswith(b"\x15\xc7+00.0000+000.0000/ and so on")


@pytest.mark.parametrize("order", ["<", ">"])
def test_tables_that_point_at_each_other_or_nowhere_end(order):
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    entry = struct.Struct(f"{order}HHII").pack
    rows = {
        "itself": [entry(0x8769, 4, 1, 8)] * 3,
        "nowhere": [entry(GPS, 4, 1, 2**32 - 1)],
        "head": [entry(GPS, 4, 1, 0)],
    }
    rows |= {"many": [entry(GPS, 4, 1, 8)] * 60_000, "huge": [entry(GPS, 4, 1, 26), entry(5, 5, 2**31, 2**31)]}
    for name, table in rows.items():
        content = head + struct.pack(f"{order}H", len(table)) + b"".join(table) + bytes(100)
        assert len(without_place(content)) == len(content), name
        assert without_place(content[:-103]) is not None


def test_copies_by_the_scripts_have_no_place(script, tmp_path):
    quick = ("--detector", "hog", "--recognizer", "dlib")
    (tmp_path / "photos").mkdir()
    upright = Image.fromarray(draw_face(3)[..., ::-1])
    exif = exif_of_a_telephone()
    exif[ORIENTATION] = 1
    upright.save(tmp_path / "photos" / "a.jpg", quality=95, exif=exif, xmp=XMP)
    done = script("face_recognition/enroll.py", "Ada", "photos/a.jpg", "--faces", "people", *quick)
    assert done.returncode == 0, done.stdout
    library = ("face_recognition/library.py", "--library", "l.sqlite", "--faces", "people", *quick)
    assert script(*library, "add", "photos").returncode == 0
    for _ in range(2):  # the second time it is there
        done = script(*library, "find", "Ada", "--copy", "copies")
        assert done.returncode == 0, done.stderr
    copies = [*(tmp_path / "people" / "Ada").iterdir(), *(tmp_path / "copies").iterdir()]
    assert len(copies) == 2
    for path in (*copies, tmp_path / "photos" / "a.jpg"):
        place = dict(Image.open(path).getexif().get_ifd(GPS))
        assert bool(place) == (b"GPSLatitude" in path.read_bytes()) == (path.parent.name == "photos")
        assert Image.open(path).getexif()[MAKER] == "Maker of telephones"
    assert (tmp_path / "copies" / "a.jpg").stat().st_mtime == (tmp_path / "photos" / "a.jpg").stat().st_mtime
