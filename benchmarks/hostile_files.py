"""Files made to do harm, the same for the same seed: pictures, films, models, arrays, strokes, JSON, databases."""

import io
import json
import os
import random
import shutil
import sqlite3
import struct
import time
import zipfile
import zlib
from pathlib import Path

import cv2
import h5py
import hostile_pdfs
import numpy as np
from PIL import Image

from recognition.files import ROOT, sha256

FORMATS = {
    ".jpg": {}, ".png": {}, ".webp": {}, ".gif": {}, ".bmp": {}, ".tif": {}, ".avif": {},
    ".ppm": {"format": "PPM"}, ".jpeg": {"progressive": True},
    ".pdf": {"creationDate": time.gmtime(0), "modDate": time.gmtime(0)},
}  # fmt: skip
GOOD_EVERY = 15  # hostile files between two good ones


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes of which some changed, some are gone, or the end is."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 5, 50))):
        changed[rng.randrange(min(len(changed), rng.choice((64, 1000, len(changed)))))] = rng.randrange(256)
    how = rng.random()
    if how < 0.3:
        return bytes(changed[: rng.randrange(len(changed))])
    if how < 0.4:
        begin = rng.randrange(len(changed))
        return bytes(changed[:begin] + changed[begin + rng.randrange(100) :])
    return bytes(changed)


def picture(rng: random.Random) -> np.ndarray:
    """Return a small page with a digit, BGR."""
    image = np.full((120, 160, 3), rng.randrange(180, 256), np.uint8)
    cv2.putText(image, str(rng.randrange(10)), (50, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.5, (20, 20, 20), 5)
    return image


def encoded(image: np.ndarray, suffix: str) -> bytes:
    content = io.BytesIO()
    options = {"format": Image.registered_extensions()[suffix]} | FORMATS[suffix]
    Image.fromarray(image[..., ::-1]).save(content, **options)
    return content.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bombs() -> dict[str, bytes]:
    """Return pictures that take much more than they have."""
    rows = zlib.compress(bytes(1_000_000), 9) * 2
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    webp = b"RIFF" + struct.pack("<I", 26) + b"WEBPVP8L" + struct.pack("<I", 14) + b"\x2f"
    scans = encoded(cv2.resize(picture(random.Random(0)), (2400, 1800)), ".jpeg")
    last = scans.rindex(b"\xff\xda")
    large, frames = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.zeros((7900, 8000), np.uint8)).save(large, "PNG")  # 63 million pixels: they are read
    small = Image.new("P", (2000, 2000))
    small.save(frames, "GIF", save_all=True, append_images=[Image.new("P", (2000, 2000), k % 7) for k in range(10)])
    wide = io.BytesIO()
    Image.fromarray(np.zeros((8000, 12000), np.uint8)).save(wide, "JPEG", quality=1)
    return {
        "claims.png": png + chunk(b"IDAT", rows) + chunk(b"IEND", b""),
        "claims.webp": webp + struct.pack("<I", 0x3FFF | 0x3FFF << 14) + bytes(9),
        "scans.jpg": scans[:-2] + scans[last:-2] * 3000 + scans[-2:],
        "zeros.png": large.getvalue(),
        "frames.gif": frames.getvalue(),
        "wide.jpg": wide.getvalue(),
        "thin.png": cv2.imencode(".png", np.full((2, 3000, 3), 255, np.uint8))[1].tobytes(),
        "high.png": cv2.imencode(".png", np.full((3000, 2, 3), 255, np.uint8))[1].tobytes(),
        "dot.png": cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes(),
        "empty.jpg": b"",
        "text.jpg": b"no picture\n" * 100,
        "zip.png": b"PK\x03\x04" + bytes(3000),
        "script.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    }


def save_pictures(folder: Path, count: int, seed: int) -> tuple[int, list[str]]:
    """Write so many hostile pictures at least, and good ones between them; return how many, and the good ones."""
    folder.mkdir(parents=True)
    rng, good, made = random.Random(seed), [], 0
    odd = [b"caf\xe9", "ü" * 120 + "x" * 5, "a\nb", "\x1b[31mred", "$a^$ {} %s", "-rf", " ", "​‮left"]
    for k in range(count):
        suffix = list(FORMATS)[k % len(FORMATS)]
        content = damaged(encoded(picture(rng), suffix), rng)
        name = f"{k:04}{suffix if rng.random() < 0.8 else rng.choice(list(FORMATS))}"  # some are called another format
        (folder / name).write_bytes(content)
        if k % GOOD_EVERY == 0:
            good.append(f"{k:04}_good.png")
            (folder / good[-1]).write_bytes(encoded(picture(rng), ".png"))
    made += count
    for name, content in (bombs() | hostile_pdfs.bombs()).items():
        (folder / f"1{name}").write_bytes(content)
        made += 1
    for name in odd:  # with a picture in them that can be read
        path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())[:4000] + b".png"
        with open(path, "wb") as file:
            file.write(encoded(picture(rng), ".png"))
        made += 1
    os.mkfifo(folder / "2pipe.jpg")
    for name, target in (("zero", "/dev/zero"), ("random", "/dev/urandom"), ("self", "2self.jpg"), ("none", "nothing")):
        (folder / f"2{name}.jpg").symlink_to(target)
    (folder / "2folder.jpg").mkdir()
    with open(folder / "2hole.png", "wb") as file:
        file.truncate(100_000_000_000)
    good.append("3_good.png")
    (folder / good[-1]).write_bytes(encoded(picture(rng), ".png"))
    return made + 7, good


def deal(folder: Path, *classes: Path) -> None:
    """Deal what is in a folder out to others, one after the other: pipes, links and a file of 100 GB, too."""
    for one in classes:
        one.mkdir(parents=True)
    for k, path in enumerate(sorted(folder.iterdir())):
        place = classes[k % len(classes)] / path.name
        if path.is_dir() and not path.is_symlink():
            place.mkdir()
        else:
            os.link(path, place, follow_symlinks=False)


def save_films(folder: Path, count: int, seed: int) -> list[Path]:
    """Write damaged films."""
    folder.mkdir(parents=True)
    rng, paths = random.Random(seed), []
    for k in range(count):
        suffix, code = ((".mp4", "mp4v"), (".avi", "MJPG"), (".mkv", "mp4v"))[k % 3]
        whole = folder / f"whole{suffix}"
        if not whole.exists():
            writer = cv2.VideoWriter(str(whole), cv2.VideoWriter_fourcc(*code), 10, (160, 120))
            for _ in range(10):
                writer.write(picture(rng))
            writer.release()
        paths.append(folder / f"{k:02}{suffix}")
        paths[-1].write_bytes(damaged(whole.read_bytes(), rng))
    os.mkfifo(folder / "pipe.mp4")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    return [*paths, folder / "pipe.mp4", folder / "zero.mp4"]


def hdf5(fill) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return content.getvalue()


def doubled(file: h5py.File) -> None:
    """Write forty groups, each of them twice in the one before: a walk through all of it would take 2^40 steps."""
    group = file.create_group("0")
    for _ in range(40):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner
    group["x"] = np.zeros(3)


def hdf5_bombs() -> dict[str, bytes]:
    zeros = np.zeros(100_000_000, np.uint8)
    return {
        "doubled": hdf5(doubled),
        "circle": hdf5(lambda file: file.__setitem__("a", file["/"])),
        "not there": hdf5(lambda file: file.create_dataset("labels", (1_000_000_000,), "i8")),
        "packed": hdf5(lambda file: file.create_dataset("x", data=zeros, compression="gzip", chunks=(10_000_000,))),
        "outside": hdf5(lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/"))),
        "empty": b"",
        "text": b"no HDF5",
    }


BAD = (None, -1, float("nan"), 1e999, "x\n\x1b[31m", [], {}, [None], "\ud800", 10**30, True)


def save_models(folder: Path, name: str, seed: int, count: int) -> list[Path]:
    """Write copies of a shipped model, each with something wrong in one of its three files; return their cards."""
    rng, models = random.Random(seed), ROOT / "models"
    card = json.loads((models / f"{name}.json").read_text())
    content = {ending: (models / f"{name}{ending}").read_bytes() for ending in (".weights.h5", ".tflite")}
    bad = hdf5_bombs()
    texts = ["[" * 100_000, '{"a": ' * 20_000, "", "NaN", "[]", "9" * 9999]
    paths = []
    for k in range(count):
        own = folder / f"{name}-{k:02}"
        own.mkdir(parents=True)
        for ending in content:
            (own / f"{name}{ending}").symlink_to(models / f"{name}{ending}")
        changed, kind = json.loads(json.dumps(card)), k % 5
        paths.append(own / f"{name}.json")
        if kind == 0:  # the network, under a fitting hash
            (own / f"{name}.tflite").unlink()
            tflite = damaged(content[".tflite"], rng)
            (own / f"{name}.tflite").write_bytes(tflite)
            changed["sha256"]["tflite"] = sha256(tflite)
        elif kind == 1:
            (own / f"{name}.weights.h5").unlink()
            (own / f"{name}.weights.h5").write_bytes(list(bad.values())[k // 5 % len(bad)])
        elif kind == 2:  # no file
            ending = (".weights.h5", ".tflite", ".json")[k // 5 % 3]
            (own / f"{name}{ending}").unlink(missing_ok=True)
            make = (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path))[k // 15 % 3]
            make(own / f"{name}{ending}")
        else:
            changed[rng.choice(list(changed))] = rng.choice(BAD)
        if not paths[-1].exists() and not paths[-1].is_symlink():
            paths[-1].write_text(rng.choice(texts) if k % 10 == 9 else json.dumps(changed))
    return paths


def save_data(folder: Path, seed: int) -> list[Path]:
    """Write archives, strokes and labels that evaluate.py of digits takes."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    for k in range(12):
        np.savez_compressed(folder / "a.npz", x=np.zeros((20, 28, 28), np.uint8), y=np.arange(20) % 10)
        (folder / f"{k:02}.npz").write_bytes(damaged((folder / "a.npz").read_bytes(), rng))
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in "xy":
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                header = {"descr": "|u1", "fortran_order": False, "shape": (250, 1000, 1000)}
                np.lib.format.write_array_header_1_0(file, header)
                for _ in range(100):
                    file.write(bytes(2_500_000))
    points = [[k % 300, k % 200, k / 1000] for k in range(30_000)]
    lines = {
        "many": json.dumps({"digit": 1, "strokes": [points]}),
        "deep": "[" * 100_000,
        "deeper": '{"digit": 1, "strokes": ' + "[" * 50_000 + "]" * 50_000 + "}",
        "far": '{"digit": 1, "strokes": [[[1e308, 0, 0], [-1e308, 1, 1]]]}',
        "back": '{"digit": 1, "strokes": [[[0, 0, 9], [9, 9, 0]]]}',
        "full": "\n".join([json.dumps({"digit": 1, "strokes": [points[:2000]]})] * 200),
        "latin": b'{"digit": "\xe9"}',
    }
    for name, text in lines.items():
        (folder / f"{name}.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, text in {"deep": "[" * 100_000, "list": "[1]", "number": '{"a.jpg": {"digits": 3}}', "cut": "{"}.items():
        (folder / name).mkdir()
        (folder / name / "labels.json").write_text(text)
    for name, make in {"pipe.npz": os.mkfifo, "pipe.jsonl": os.mkfifo, "folder.npz": os.mkdir}.items():
        make(folder / name)
    (folder / "zero.npz").symlink_to("/dev/zero")
    (folder / "a.npz").unlink()
    return sorted(folder.iterdir())


def save_databases(folder: Path, whole: Path, seed: int, count: int) -> list[Path]:
    """Write copies of a folder of people, each with another damaged database."""
    rng, name = random.Random(seed), ".embeddings.sqlite"
    with sqlite3.connect(whole / name) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content, paths = (whole / name).read_bytes(), []
    used = [place for place, byte in enumerate(content) if byte and not 60 <= place < 64]  # not the version of tables
    for k in range(count):
        paths.append(folder / f"people-{k:02}")
        shutil.copytree(whole, paths[-1], ignore=shutil.ignore_patterns(f"{name}*"))
        changed = bytearray(content)
        for _ in range(rng.choice((1, 3, 30))):
            changed[rng.choice(used)] = rng.randrange(256)
        if k % 10 == 9:
            os.mkfifo(paths[-1] / name)
        else:
            (paths[-1] / name).write_bytes(changed if k % 10 != 8 else changed[: rng.randrange(len(changed))])
    return paths
