"""Less common formats are read, of several pages all or the first; what is damaged, or no such format, is named."""

import base64
import gc
import subprocess
import sys

import damaged_pages
import hostile_pdfs
import numpy as np
import pytest
from PIL import Image
from test_frames import refusal

from recognition.media import frames
from recognition.media.decoding import documents
from recognition.settings import UserError

# 64x48 pixels of BGR (219, 120, 30) with a white bar, by libheif
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAA"
    "AAAERAAAIAAQAAAAAB4gABAAAAAAAAAHgAAgAAAAACWgABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVp"
    "bmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGE"
    "ABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkA"
    "AAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEH"
    "BpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAApG1kYXQAAAB0KAGvE4DlMff/"
    "e3RBxC4/mWSxRIeQs6BJYr/pF9dj4vdk+IxH////3IPQZu1UkQIQWhv//8tfH1yvAqinjtCJNfMld/q+1PndDTCgv/9bzjaZliCAOapZMiHRNx"
    "mJqfNCSuhFXEHinIksLV4RLP6O4hmY3IAAAAAGRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA="
)


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "photo.heif", "sent.jpg"])
def test_photos_of_iphones_are_read_whatever_they_are_called(tmp_path, name):
    (tmp_path / name).write_bytes(HEIC)
    image = frames.read_image(tmp_path / name)
    assert image.shape == (48, 64, 3)
    assert np.abs(image[5, 5] - np.array([219, 120, 30])).max() <= 3
    assert image[24, 32].min() >= 250
    (tmp_path / name).write_bytes(HEIC[:400])
    assert f"{tmp_path / name}: " in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["icon.ico", "scan.jp2", "notes.txt"])
def test_another_format_is_not_called_damaged(tmp_path, name):
    Image.new("RGB", (60, 40)).save(tmp_path / name, format={"notes.txt": "PCX"}.get(name))
    assert refusal(tmp_path / name).endswith("GIF, JPEG, PNG, PPM, TIFF, WEBP, HEIF and PDF can")


def test_values_that_are_none_or_infinite_do_not_decide_how_bright_the_others_are(tmp_path):
    values = np.linspace(0, 0.5, 2400, dtype=np.float32).reshape(40, 60)
    values[0, :3] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "a.tif")
    image = frames.read_image(tmp_path / "a.tif")[..., 0]
    assert image[0, :3].tolist() == [0, 255, 0]
    assert np.abs(image[1:] - values[1:] * 510).max() <= 1
    Image.fromarray(np.full((40, 60), np.nan, np.float32)).save(tmp_path / "b.tif")
    assert frames.read_image(tmp_path / "b.tif").max() == 0


def pages_of(path):
    source = frames.FrameSource([str(path)], all_pages=True)
    found = [(frame.source.removeprefix(str(path)), frame.index, round(frame.image.mean())) for frame in source]
    return found, source.failed


@pytest.mark.parametrize("suffix", ["tiff", "gif", "webp", "pdf"])
def test_all_pages_are_read_or_the_first_alone(tmp_path, suffix):
    first, second, third = (Image.new("RGB", (60, 40), (light,) * 3) for light in (20, 120, 240))
    path = tmp_path / f"a.{suffix}"
    first.save(path, save_all=True, append_images=[second, third])
    found, failed = pages_of(path)
    assert [page[:2] for page in found] == [("", 0), ("#2", 1), ("#3", 2)]
    assert np.abs([page[2] for page in found] - np.array([20, 120, 240])).max() <= 3
    assert failed == []
    assert round(frames.read_image(path).mean()) == found[0][2]
    assert [frame.index for frame in frames.FrameSource([str(path)])] == [0]


def test_previews_in_a_photo_are_no_pages(tmp_path):
    """Cameras and telephones put smaller pictures and gain maps behind a JPEG, as a "multi-picture" file."""
    first, second = (Image.new("RGB", (60, 40), (light,) * 3) for light in (20, 120))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    assert pages_of(tmp_path / "a.jpg") == ([("", 0, 20)], [])


def test_pages_of_a_pdf_are_as_large_as_a_scanner_makes_them(tmp_path):
    Image.new("L", (595, 842), 255).save(tmp_path / "a4.pdf", resolution=72)
    ((_, _, light),), _ = pages_of(tmp_path / "a4.pdf")
    assert light == 255
    assert next(frames.read_pages(tmp_path / "a4.pdf")).shape == (2339, 1653, 3)
    Image.new("L", (4000, 3000), 255).save(tmp_path / "poster.pdf", resolution=20)
    height, width, _ = next(frames.read_pages(tmp_path / "poster.pdf")).shape
    assert height * width == pytest.approx(documents.LARGEST, rel=0.01)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"no PDF", bytes(1000)])
def test_damaged_pdfs_are_named(tmp_path, capsys, content):
    (tmp_path / "a.pdf").write_bytes(content)
    assert pages_of(tmp_path / "a.pdf") == ([], [str(tmp_path / "a.pdf")])
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'a.pdf'}: no PDF that can be read: ")
    assert pages_of(tmp_path / "none.pdf")[1]
    assert capsys.readouterr().err == f"error: {tmp_path / 'none.pdf'}: not found\n"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone, time everywhere")
def test_a_drawing_of_drawings_of_drawings_ends(tmp_path, capsys):
    (tmp_path / "a.pdf").write_bytes(hostile_pdfs.nested())
    assert pages_of(tmp_path / "a.pdf") == ([], [str(tmp_path / "a.pdf")])
    expected = (
        f"error: {tmp_path / 'a.pdf'}: page 1 cannot be drawn in 15 seconds or 700 MB: save it as a picture first\n"
    )
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("content", [False, True])
def test_a_page_that_takes_too_long_is_given_up(tmp_path, monkeypatch, content):
    monkeypatch.setattr(documents, "PATIENCE", 1.0)
    path = tmp_path / "a.pdf"
    path.write_bytes(hostile_pdfs.curves(50_000))
    with pytest.raises(UserError, match="page 1 cannot be drawn in 1 seconds"):
        next(documents.read_pages(path, path.read_bytes() if content else None))


@pytest.mark.parametrize(
    ("suffix", "said"),
    [("pdf", "page {} cannot be read: is it damaged?"), ("tiff", "page {}: damaged or cut short (decoder error -2)")],
)
@pytest.mark.parametrize(
    ("bad", "left"),
    [
        ([1], [0, 2, 3, 4, 5]),
        ([0], [1, 2, 3, 4, 5]),
        ([5], [0, 1, 2, 3, 4]),
        ([0, 4], [1, 2, 3, 5]),
        ([1, 2, 4], [0, 3]),
    ],
)
def test_the_pages_around_a_damaged_one_are_read(tmp_path, capsys, suffix, said, bad, left):
    path = damaged_pages.save(tmp_path / f"a.{suffix}", 6, bad)
    found, failed = pages_of(path)
    assert [page[:2] for page in found] == [(f"#{k + 1}" if k else "", k) for k in left]
    assert np.abs([light - 40 * k for _, k, light in found]).max() <= 3
    assert failed == [str(path)] * len(bad)
    expected = [f"error: {path}: {said.format(k + 1)}" for k in bad]
    expected[2:] = [f"{one}; what follows is left out" for one in expected[2:]]
    assert capsys.readouterr().err.splitlines() == expected


def test_what_is_cut_off_is_no_page(tmp_path, capsys):
    path = damaged_pages.save(tmp_path / "a.tiff", 6, [])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, failed = pages_of(path)
    assert [index for _, index, _ in found] == list(range(len(found))) and 0 < len(found) < 6
    assert failed == [str(path)] and capsys.readouterr().err.count("\n") == 1


def test_leaving_the_pages_ends_the_drawing(tmp_path, monkeypatch):
    started, start = [], subprocess.Popen

    def record(*words, **named) -> subprocess.Popen:
        started.append(start(*words, **named))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", record)
    pages = [Image.new("L", (900, 900), light) for light in range(9)]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
    for _ in documents.read_pages(tmp_path / "a.pdf"):
        break
    gc.collect()
    assert started[0].poll() is not None
