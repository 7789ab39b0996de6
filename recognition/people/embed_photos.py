"""Look into photos, many at once: faces are found in threads, one photo each, and described in batches."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from recognition.faces.crops import crops_of
from recognition.faces.detection import Face, main_face
from recognition.faces.gallery import is_human
from recognition.media.bounds import Room
from recognition.media.frames import pixels_of, read_image
from recognition.progress import batches
from recognition.settings import UserError

BATCH = 16  # photos whose faces are described together
_room = Room()
Refuse = Callable[[np.ndarray, list[Face]], str | None]
Photo = tuple[Path, bytes | None]  # its path, and the file's bytes if they were read already
Told = TypeVar("Told")


def no_face(frame: np.ndarray, faces: list[Face]) -> str | None:
    """Return why nobody can tell which of the faces found in a BGR frame it is of; None if nothing is wrong."""
    if main_face(frame, faces):
        return None
    return f"{len(faces)} faces and none stands out" if faces else "no face found"


def embed_photos(
    photos: Iterable[Photo], detector, embedder, refuse: Refuse = no_face, anybody: bool = True
) -> Iterator[tuple[np.ndarray | None, str | None]]:
    """Yield the embedding, float32 (D,), of the person that each photo is of, or else None and the reason why.

    `refuse`: returns the reason for which a BGR frame, with the faces found in it, cannot be used; by default that none
    of them stands out. `anybody`: animals and things with a face are not refused.
    """

    def look(path: Path, content: bytes | None) -> tuple[str | float, np.ndarray]:
        try:
            frame = read_image(path, content)
        except UserError as error:
            return str(error).removeprefix(f"{path}: "), crops_of(None, [], embedder.size, embedder.padding)
        faces = detector.detect(frame, main=True)
        reason = refuse(frame, faces)
        main = [] if reason else [main_face(frame, faces)]
        return reason or main[0].confidence, crops_of(frame, main, embedder.size, embedder.padding)

    for told, embeddings in look_into(photos, look, embedder):
        if isinstance(told, str):
            yield None, told
        elif anybody or is_human(embeddings[0], embedder.statistics, told):
            yield embeddings[0], None
        else:
            yield None, "hardly the face of a person: --force takes it nevertheless"


def look_into(
    photos: Iterable[Photo], look: Callable[[Path, bytes | None], tuple[Told, np.ndarray]], embedder
) -> Iterator[tuple[Told, np.ndarray]]:
    """Yield what `look` tells of each photo, and the embeddings, float32 (N, D), of the faces that it returns with it.

    `look` runs in several threads; the faces are aligned as `embedder` wants them, BGR uint8 (N, size, size, 3). Photos
    are taken from the iterable two batches ahead, no more.
    """
    waiting: deque[list[Future]] = deque()
    try:
        for batch in batches(photos, BATCH):
            waiting.append([_threads().submit(_with_room, look, *photo) for photo in batch])
            if len(waiting) > 1:  # while one batch is described, faces are found in the next one
                yield from _describe(waiting.popleft(), embedder)
        while waiting:
            yield from _describe(waiting.popleft(), embedder)
    finally:  # at Ctrl-C nobody waits for photos that are not wanted any more
        for one in itertools.chain(*waiting):
            one.cancel()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count())


def _with_room(look: Callable, path: Path, content: bytes | None) -> tuple:
    with _room.taken(pixels_of(path, content)):
        return look(path, content)


def _describe(looked: list[Future], embedder) -> Iterator[tuple[Told, np.ndarray]]:
    found = [one.result() for one in looked]
    crops = [crops for _, crops in found if len(crops)]
    embeddings = embedder.embed(np.concatenate(crops)) if crops else np.zeros((0, 0), np.float32)
    ends = np.cumsum([len(crops) for _, crops in found])
    return zip((told for told, _ in found), np.split(embeddings, ends[:-1]), strict=True)
