"""Small files that hold many pixels take bounded memory and time."""

import io
import json
import struct
import threading
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition.media import bounds, frames
from recognition.media.decoding import pixels
from recognition.settings import UserError


def webp(width: int, height: int) -> bytes:
    """Return 34 bytes that claim to be a lossless WebP file of that size."""
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return b"RIFF" + struct.pack("<I", 26) + b"WEBPVP8L" + struct.pack("<I", 13) + b"\x2f" + bits + bytes(9)


@pytest.mark.parametrize("from_bytes", [False, True])
def test_34_bytes_of_webp_are_refused_before_pillow_makes_room(tmp_path, from_bytes, monkeypatch):
    path = tmp_path / "a.webp"
    path.write_bytes(webp(16383, 16383))
    assert path.stat().st_size == 34
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(UserError, match=r"a\.webp: 16383x16383 pixels are too many"):
        frames.read_image(path, path.read_bytes() if from_bytes else None)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"lossless": True, "exif": b"Exif\0\0MM"}])
def test_the_size_of_a_webp_file_is_known_by_its_head(options):
    content = io.BytesIO()
    Image.new("RGB", (301, 17)).save(content, "WEBP", **options)
    assert bounds.webp_size(content.getvalue()[:30]) == (301, 17)


def jpeg(image: np.ndarray, **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(content, "JPEG", **options)
    return content.getvalue()


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, 255 - x * 255 // width], -1).astype(np.uint8)


def test_a_large_jpeg_is_read_reduced_and_told_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bounds, "MAX_PIXELS", 100_000)
    monkeypatch.setattr(bounds, "MAX_JPEG", 400_000)
    path, image = tmp_path / "a.jpg", smooth(400, 600)
    path.write_bytes(jpeg(image, quality=95))
    read = frames.read_image(path)
    assert read.shape == (200, 300, 3)
    assert np.abs(cv2.resize(image, (300, 200), interpolation=cv2.INTER_AREA).astype(int) - read).max() < 12
    assert "600x400 pixels: read at 300x200" in capsys.readouterr().err
    assert [frame.scale for frame in frames.FrameSource([str(path)], all_pages=True)] == [2] == [frames.scale_of(path)]
    path.write_bytes(jpeg(image, progressive=True))  # is decoded as a whole before it is reduced
    with pytest.raises(UserError, match="600x400 pixels are too many"):
        frames.read_image(path)


def test_scans_are_counted_and_too_many_are_refused(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (600, 600, 3), np.uint8)
    assert bounds.count_scans(jpeg(image, quality=95) + b"\xff\xda" * 20) == 1  # what follows is no part of it
    content = jpeg(image, progressive=True)
    assert bounds.count_scans(content) == 10
    begin = content.rindex(b"\xff\xda")
    many = content[:-2] + content[begin:-2] * 5000 + content[-2:]
    path = tmp_path / "a.jpg"
    path.write_bytes(many)
    start = time.perf_counter()
    with pytest.raises(UserError, match=r"a\.jpg: 600x600 pixels in 5010 scans take too long"):
        frames.read_image(path)
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16", "1"])
def test_strips_make_no_difference(tmp_path, monkeypatch, mode):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 50, 3), np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.random.default_rng(0).integers(0, 65535, (70, 50)).astype(np.uint16))
    elif mode == "RGBA":
        image.putalpha(90)
    else:
        image = image.convert(mode)
    path = tmp_path / "a.png"
    image.save(path)
    whole = frames.read_image(path)
    monkeypatch.setattr(pixels, "STRIP", 400)
    assert np.array_equal(frames.read_image(path), whole)


def test_pages_end_before_they_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_OF_ALL_PAGES", 10_000)
    path = tmp_path / "a.tif"
    first, *others = [Image.new("RGB", (60, 60), (k, 0, 0)) for k in range(5)]
    first.save(path, save_all=True, append_images=others)
    source = frames.FrameSource([str(path)], lambda _, message: said.append(message), all_pages=True)
    said = []
    assert len(list(source)) == 2
    assert said == [f"{path}: too many pixels on its pages: those up to page 2 were read"]


def test_threads_hold_so_many_pixels_at_most():
    room, held, most = bounds.Room(100), [0], []

    def work(pixels: int) -> None:
        with room.taken(pixels):
            held[0] += pixels
            most.append(held[0])
            time.sleep(0.01)
            held[0] -= pixels

    threads = [threading.Thread(target=work, args=(pixels,)) for pixels in (30, 40, 50, 60, 20) * 4 + (500,)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == len(threads) and 500 in most
    assert max(one for one in most if one != 500) <= 100


@pytest.mark.parametrize("turned", [False, True])
def test_boxes_in_a_large_jpeg_are_in_its_own_pixels(tmp_path, script, turned):
    """67 million pixels, which are read at a quarter: a box is where the digit is in the file."""
    page = np.full((8200, 8200, 3), 255, np.uint8)
    cv2.putText(page, "7", (5000, 3000), cv2.FONT_HERSHEY_SIMPLEX, 40, (0, 0, 0), 90)
    ink = np.argwhere(page[..., 0] < 128)
    (y1, x1), (y2, x2) = ink.min(0), ink.max(0)
    exif = Image.Exif()
    exif[0x0112] = 3 if turned else 1  # upside down: boxes are in the upright picture
    content = np.ascontiguousarray(page[::-1, ::-1]) if turned else page
    (tmp_path / "a.jpg").write_bytes(jpeg(content, quality=80, exif=exif))
    done = script("digit_recognition/predict_static.py", tmp_path / "a.jpg", "--json", "--threshold", "0.1")
    (digit,) = json.loads(done.stdout)["digits"]
    assert np.abs(np.array(digit["box"]) - (x1, y1, x2, y2)).max() < 120, (digit, x1, y1, x2, y2)
