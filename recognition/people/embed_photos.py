"""Look into photos of people, many at once: faces are found in threads, one photo each, and described in batches."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from recognition.faces.crops import crops_of
from recognition.faces.detection import Face, main_face
from recognition.media.bounds import Room
from recognition.media.frames import pixels_of, read_image
from recognition.progress import batches
from recognition.settings import UserError

BATCH = 16  # faces that are described together
_room = Room()
Refuse = Callable[[np.ndarray, list[Face]], str | None]


def no_face(frame: np.ndarray, faces: list[Face]) -> str | None:
    """Return why nobody can tell which of the faces found in a BGR frame it is of; None if nothing is wrong."""
    if main_face(frame, faces):
        return None
    return f"{len(faces)} faces and none stands out" if faces else "no face found"


def embed_photos(
    photos: Iterable[tuple[Path, bytes | None]], detector, embedder, refuse: Refuse = no_face
) -> Iterator[tuple[np.ndarray | None, str | None]]:
    """Yield the embedding, float32 (D,), of the person that each photo is of, or else None and the reason why.

    `photos`: path of each, and its bytes if they were read already. `refuse`: returns the reason for which a BGR frame,
    with the faces found in it, cannot be used; by default that none of them stands out.
    """
    waiting: deque[list[Future]] = deque()
    try:
        for batch in batches(photos, BATCH):
            waiting.append([_threads().submit(_find_face, *photo, detector, embedder, refuse) for photo in batch])
            if len(waiting) > 1:  # while one batch is described, faces are found in the next one
                yield from _describe(waiting.popleft(), embedder)
        while waiting:
            yield from _describe(waiting.popleft(), embedder)
    finally:  # at Ctrl-C nobody waits for photos that are not wanted any more
        for face in itertools.chain(*waiting):
            face.cancel()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count())


def _find_face(
    path: Path, content: bytes | None, detector, embedder, refuse: Refuse
) -> tuple[np.ndarray | None, str | None]:
    """Return the face that a photo is of, aligned, BGR uint8 (size, size, 3), or None and why there is none."""
    with _room.taken(pixels_of(path, content)):
        try:
            frame = read_image(path, content)
        except UserError as error:
            return None, str(error).removeprefix(f"{path}: ")
        faces = detector.detect(frame, main=True)
        reason = refuse(frame, faces)
        if reason:
            return None, reason
        return crops_of(frame, [main_face(frame, faces)], embedder.size, embedder.padding)[0], None


def _describe(faces: list[Future], embedder) -> Iterator[tuple[np.ndarray | None, str | None]]:
    found = [face.result() for face in faces]
    crops = [crop for crop, _ in found if crop is not None]
    embeddings = iter(embedder.embed(np.stack(crops)) if crops else ())
    return ((None if crop is None else next(embeddings), reason) for crop, reason in found)
