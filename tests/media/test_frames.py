"""Every kind of file that people have is read right or refused by name, and the other files are still read."""

import os
import struct
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from recognition.media import frames
from recognition.settings import UserError


def picture() -> np.ndarray:
    """Return a picture, BGR, that is different under every rotation and mirroring, and in every channel."""
    y, x = np.mgrid[:40, :60]
    image = np.stack([x * 4, y * 6, 255 - x * 2 - y], -1).astype(np.uint8)
    image[5:12, 5:20] = (255, 0, 0)
    return image


def save(path: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(path), image)
    return path


def refusal(path: Path) -> str:
    """Return the one line with which the file is refused; it names the file."""
    with pytest.raises(UserError) as caught:
        frames.read_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".tif", ".webp"])
def test_ordinary_files_have_the_pixels_that_opencv_reads(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", picture())
    assert np.array_equal(frames.read_image(path), cv2.imread(str(path)))


def test_missing_empty_and_mislabelled_files(tmp_path):
    assert "not found" in refusal(tmp_path / "none.png")
    (tmp_path / "a.png").touch()
    assert "empty" in refusal(tmp_path / "a.png")
    (tmp_path / "a.png").write_text("Dear diary, " * 50)
    assert "no image" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".gif"])
def test_truncated_file(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "damaged" in refusal(path)


def test_damaged_bytes_never_raise_anything_but_a_refusal(tmp_path):
    rng = np.random.default_rng(0)
    for suffix in (".jpg", ".png", ".gif", ".bmp", ".webp", ".avif"):
        path = tmp_path / f"a{suffix}"
        Image.fromarray(picture()[::2, ::2]).save(path, exif=exif(6))
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            damaged = content.copy()
            damaged[rng.integers(0, min(len(content), 300), 4)] = rng.integers(0, 256, 4)
            path.write_bytes(damaged.tobytes())
            try:
                assert frames.read_image(path).shape[2] == 3
            except UserError as error:
                assert path.name in str(error)


def test_one_pixel(tmp_path):
    assert "1x1 pixels are too few" in refusal(save(tmp_path / "a.png", picture()[:1, :1]))


def huge_png(path: Path, side: int = 20_000) -> Path:
    """Write a complete black-and-white PNG of `side` x `side` pixels, 50 kB of file for 400 MB of pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 1)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_huge_image_is_refused_before_it_takes_memory(tmp_path):
    resource = pytest.importorskip("resource", reason="memory can be limited on Linux and macOS only")
    if not Path("/proc/self/statm").exists():
        pytest.skip("the memory in use is read from /proc, which only Linux has")
    path = huge_png(tmp_path / "a.png")
    frames.read_image(save(tmp_path / "b.png", picture()))  # loads what loads once
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000, limits[1]))
    start = time.perf_counter()
    try:
        message = refusal(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert "20000x20000 pixels are too many" in message
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_gray_keeps_its_brightness(tmp_path, suffix):
    gray = picture()[..., 0].astype(np.uint16)
    image = frames.read_image(save(tmp_path / f"a{suffix}", gray * 257))
    assert np.abs(image.astype(int) - gray[..., None]).max() <= 1


def test_16_bit_colour_keeps_its_brightness(tmp_path):
    image = frames.read_image(save(tmp_path / "a.png", picture().astype(np.uint16) * 257))
    assert np.abs(image.astype(int) - picture()).max() <= 1


def test_cmyk_jpeg_is_not_inverted(tmp_path):
    page = np.full((40, 60, 3), (230, 240, 250), np.uint8)
    page[10:30, 20:40] = (200, 40, 30)
    Image.fromarray(page[..., ::-1]).convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    image = frames.read_image(tmp_path / "a.jpg").astype(int)
    assert np.abs(image[2:8, 2:58] - page[0, 0]).max() < 8
    assert np.abs(image[14:26, 24:36] - page[20, 30]).max() < 8


def test_palette(tmp_path):
    quantised = Image.fromarray(picture()[..., ::-1]).quantize(16)
    quantised.save(tmp_path / "a.png")
    assert np.array_equal(frames.read_image(tmp_path / "a.png"), np.asarray(quantised.convert("RGB"))[..., ::-1])


def test_transparent_background_becomes_white(tmp_path):
    ink = np.zeros((40, 60, 4), np.uint8)  # black everywhere: only the alpha channel shows the stroke
    ink[10:30, 20:25, 3] = 255
    ink[10:30, 30:35, 3] = 127
    image = frames.read_image(save(tmp_path / "a.png", ink))
    assert (image[:, :20] == 255).all()
    assert (image[10:30, 20:25] == 0).all()
    assert np.abs(image[10:30, 30:35].astype(int) - 128).max() <= 1


def test_transparent_palette_becomes_white(tmp_path):
    palette = Image.new("P", (60, 40), 0)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    palette.paste(1, (10, 10, 20, 20))
    palette.save(tmp_path / "a.gif", transparency=0)
    image = frames.read_image(tmp_path / "a.gif")
    assert (image[0, 0] == 255).all()
    assert image[15, 15].tolist() == [0, 0, 200]


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(tmp_path, orientation):
    turn = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),  # what a phone held upright writes
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: np.rot90,
    }[orientation]
    Image.fromarray(picture()[..., ::-1]).save(tmp_path / "a.png", exif=exif(orientation))
    assert np.array_equal(frames.read_image(tmp_path / "a.png"), turn(picture()))


@pytest.mark.parametrize(
    ("name", "hint"),
    [("film.mp4", "video.py reads films"), ("http://a.b/c.jpg", "an address: save the picture to a file first")],
)
def test_what_is_no_photo_is_said_with_what_to_do(tmp_path, monkeypatch, capsys, name, hint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").write_bytes(bytes(1000))
    source = frames.FrameSource([name])
    assert list(source) == []
    assert hint in capsys.readouterr().err
    assert source.failed == [name]


def test_postscript_is_never_run(tmp_path):
    """Pillow would start Ghostscript for it, whatever the file is called."""
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n")
    assert "no image" in refusal(tmp_path / "a.png")


def test_the_rest_is_read_and_what_failed_is_listed(tmp_path, capsys):
    (tmp_path / "bad.png").write_text("no image")
    save(tmp_path / "good.png", picture())
    source = frames.FrameSource([str(tmp_path / name) for name in ("none.jpg", "bad.png", "good.png")])
    read = list(source)
    assert [(Path(frame.source).name, frame.index) for frame in read] == [("good.png", 0)]
    assert [Path(name).name for name in source.failed] == ["none.jpg", "bad.png"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "none.jpg: not found" in lines[0]
    assert "bad.png" in lines[1]


def sources(*paths) -> list[str]:
    return [Path(frame.source).name for frame in frames.FrameSource([str(path) for path in paths])]


def test_folder_gives_its_images_by_name_and_nothing_else(tmp_path):
    for name in ("b.png", "a.JPG", "c.bmp"):
        save(tmp_path / name, picture())
    (tmp_path / "notes.txt").write_text("no image, and no error either")
    (tmp_path / "folder.png").mkdir()
    assert sources(tmp_path) == ["a.JPG", "b.png", "c.bmp"]


def test_folder_names_photos_that_cannot_be_read(tmp_path, capsys):
    save(tmp_path / "a.png", picture())
    (tmp_path / "b.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    assert sources(tmp_path) == ["a.png"]
    assert "b.HEIC" in capsys.readouterr().err


def test_folder_without_images(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("no image")
    source = frames.FrameSource([str(tmp_path)])
    assert list(source) == []
    assert source.failed == [str(tmp_path)]
    assert f"{tmp_path}: no images" in capsys.readouterr().err


def test_patterns(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b1.png", "b2.png", "c.png", "deep/b3.png"):
        save(tmp_path / name, picture())
    assert sources(tmp_path / "b*.png") == ["b1.png", "b2.png"]
    assert sources(tmp_path / "**" / "b?.png") == ["b1.png", "b2.png", "b3.png"]
    assert sources(tmp_path / "de*") == ["b3.png"]


def test_pattern_without_a_match_is_named(tmp_path, capsys):
    source = frames.FrameSource([str(tmp_path / "*.png")])
    assert list(source) == []
    assert len(source.failed) == 1
    assert "*.png: not found" in capsys.readouterr().err


def test_names_that_look_like_patterns_or_homes_are_files_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photo[1].png", "~nobody.png"):
        save(Path(name), picture())
    assert sources("photo[1].png", "~nobody.png") == ["photo[1].png", "~nobody.png"]


def test_unreadable_folder(tmp_path, capsys):
    folder = tmp_path / "locked"
    folder.mkdir()
    save(folder / "a.png", picture())
    save(tmp_path / "b.png", picture())
    folder.chmod(0)
    if os.access(folder, os.R_OK):
        pytest.skip("this user (root, or anyone on Windows) may read every folder")
    try:
        assert sources(folder, folder / "a.png", tmp_path / "b.png") == ["b.png"]
    finally:
        folder.chmod(0o700)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "check its permissions" in lines[0]
    assert "check its permissions" in lines[1]


@pytest.mark.parametrize("call", ["iterdir", "stat"])
def test_permission_denied_is_named(tmp_path, monkeypatch, capsys, call):
    """What a user without rights sees, also where the tests run as root."""
    save(tmp_path / "a.png", picture())

    def denied(self, **_):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, call, denied)
    path = tmp_path if call == "iterdir" else tmp_path / "a.png"
    assert sources(path) == []
    monkeypatch.undo()
    assert f"{path}: " in (error := capsys.readouterr().err)
    assert "check its permissions" in error
