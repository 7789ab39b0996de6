"""Send to a page what is no photo, or a damaged one, and see that each is refused by one line; see web.py."""

import json

import cv2
import hostile_pdfs
import numpy as np
from browsing import Server


def hostile(rng: np.random.Generator, photo: bytes) -> tuple[str, bytes, dict]:
    """Return where to send what is no photo, or a damaged one."""
    bomb = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    bomb[16:24] = int(rng.integers(20_000, 2**31)).to_bytes(4, "big") * 2
    mangled = bytearray(photo)
    for at in rng.integers(0, len(photo), 30):
        mangled[at] = rng.integers(256)
    bodies = [
        b"",
        rng.bytes(int(rng.integers(1, 5000))),
        photo[: rng.integers(len(photo))],
        bytes(mangled),
        bytes(bomb),
    ]
    bodies += [b"%PDF-1.7" + rng.bytes(500), b"GIF89a" + rng.bytes(99), b"RIFF\xff\xff\xff\xffWEBPVP8X" + rng.bytes(40)]
    bodies += [hostile_pdfs.nested(), hostile_pdfs.curves(2000)]
    names = ["photo.jpg", "../../etc/passwd", "a\0b", "<script>.png", "x" * 3000, "scan.pdf", "con", "\u202egpj.exe"]
    paths = ["read", "read", "preview", "look", "enroll", "take", "nothing", "static/../app.py"]
    options = {"name": names[rng.integers(len(names))], "box": ["1,2,3,4", "a", "-9,-9,99999,9"][rng.integers(3)]}
    return paths[rng.integers(len(paths))], bodies[rng.integers(len(bodies))], options


def attacks(server: Server, count: int, photo: bytes) -> tuple[int, int, int, bool]:
    """Return of how many hostile uploads how many were refused by one line, how many read, and how many neither; and
    whether the program, then or before that, crashed."""
    rng, refused, read, neither = np.random.default_rng(0), 0, 0, 0
    try:
        for _ in range(count):
            path, body, options = hostile(rng, photo)
            status, text = server.ask(path, body, **options)
            line = status >= 400 and text.count("\n") == 0 and status != 500 and json.loads(text).keys() == {"error"}
            refused, read = refused + line, read + (status == 200)
            neither += not line and status != 200
        crashed = server.ask("read", photo)[0] != 200
    except OSError:  # nobody is there any more
        crashed = True
    return refused, read, neither, crashed
