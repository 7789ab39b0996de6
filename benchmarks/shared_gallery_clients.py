"""Many programs at one shared gallery: each enrols, renames and forgets people for some time, and knows what must be.

    python benchmarks/shared_gallery_clients.py ADDRESS NUMBER SECONDS   # one of them; prints one JSON object

Run by benchmarks/shared_gallery.py and by tests, which restart the server meanwhile.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np

from recognition.embeddings.statistics import SFACE
from recognition.faces.gallery import unit
from recognition.people import enrolment
from recognition.settings import UserError

COMMON = "everybody"  # the one person whom all of them enrol


class Nobody:
    """A detector and an embedder that are never used: all embeddings are known."""

    name, size, padding, statistics = "synthetic", 112, 0.0, SFACE

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """Return as many embeddings, float32 (N, 128), to tell how long they are."""
        return np.zeros((len(crops), 128), np.float32)


def photo(rng: np.random.Generator, person: np.ndarray | float = 0.0) -> tuple[bytes, np.ndarray]:
    """Return a small picture, as a PNG file, and an embedding, float32 (128,); `person`: what it shows most of."""
    content = cv2.imencode(".png", rng.integers(0, 255, (8, 8, 3), np.uint8))[1].tobytes()
    return content, unit(rng.normal(size=(1, 128)).astype(np.float32))[0] + person


def work(address: str, number: int, seconds: float) -> dict:
    """Change people for so many seconds; return what was done, what went wrong, and the files of each person."""
    from recognition.shared.people import SharedPeople

    rng, people = np.random.default_rng(number), SharedPeople(address, Nobody(), Nobody())
    files: dict[str, list[str]] = {COMMON: []}
    done, wrong, longest, made = Counter(), [], 0.0, 0
    print("begun", flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        own = [name for name in files if name != COMMON]
        action = rng.choice(["enrol", "common", "rename", "forget"], p=[0.45, 0.25, 0.2, 0.1])
        begun = time.monotonic()
        try:
            if action == "enrol" and (not own or rng.random() < 0.4):
                made += 1
                name = f"client {number} person {made}"
                files[name] = [enrolment.enroll(people, name, *photo(rng), force=True).name]
            elif action == "enrol":
                name = str(rng.choice(own))
                files[name].append(people.add(name, *photo(rng)).name)
            elif action == "common":
                files[COMMON].append(people.add(COMMON, *photo(rng, 2 * np.eye(128, dtype=np.float32)[0])).name)
            elif own and action == "rename":
                made += 1
                name = str(rng.choice(own))
                files[people.rename(name, f"client {number} renamed {made}")] = files.pop(name)
            elif own:
                name = str(rng.choice(own))
                if people.forget(name) != len(files.pop(name)):
                    wrong.append(f"forgot {name} with another number of photos")
            else:  # nobody to rename or forget
                continue
            done[action] += 1
        except UserError as error:
            wrong.append(str(error))
        longest = max(longest, time.monotonic() - begun)
    return {"done": done, "wrong": wrong, "longest": longest, "files": files}


def run(address: str, clients: int, seconds: float, meanwhile: Callable[[], None]) -> list[dict]:
    """Let so many clients change people at once, and return what each of them tells; `meanwhile`: what is done then."""
    command = [sys.executable, __file__, address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([*command, str(number), str(seconds)], **pipes) for number in range(clients)]
    for process in started:
        process.stdout.readline()
    meanwhile()
    told = []
    for process in started:
        out, said = process.communicate(timeout=seconds + 200)
        if process.returncode:
            raise RuntimeError(said)
        told.append(json.loads(out))
    return told


def differences(told: list[dict], there: list[tuple[str, str]]) -> tuple[int, int]:
    """Return how many photos are lost, and how many are there twice or though they were forgotten.

    `there`: name and file of all photos in the database.
    """
    wanted = Counter((name, file) for one in told for name, files in one["files"].items() for file in files)
    found = Counter(there)
    return (wanted - found).total(), (found - wanted).total()


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
