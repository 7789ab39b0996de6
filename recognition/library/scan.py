"""Look at the photos of folders: each content once, only what is new or changed later, whatever stops a run.

Every photo is asked for its size and its time of change; only where these are new it is hashed, and only where the hash
is new, too, it is looked at. What was seen is kept every two seconds.
"""

import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from recognition.faces.crops import crops_of
from recognition.faces.gallery import is_human
from recognition.faces.quality import is_clear
from recognition.faces.tracks import quality_of
from recognition.files import check_file, hash_of
from recognition.library.index import LibraryIndex
from recognition.library.tables import File, KnownFace
from recognition.media.frames import SUFFIXES, read_image
from recognition.people.embed_photos import look_into
from recognition.progress import watched
from recognition.settings import UserError

KEEP = 2.0  # seconds after which what was seen is written


@dataclass
class Report:
    """What became of folders: how many photos are there, looked at, with how many faces; how many were known by their
    hash, copies or moved ones; how many are gone; how many of the library cannot be read; and which photos could not be
    used now, with the reason."""

    photos: int = 0
    looked_at: int = 0
    faces: int = 0
    known: int = 0
    gone: int = 0
    unreadable: int = 0
    refused: list[tuple[Path, str]] = field(default_factory=list)


def roots_of(folders: Iterable[Path]) -> list[str]:
    """Return the real paths of folders, without those inside another one. Raises UserError for what is no folder."""
    roots = []
    for folder in folders:
        if not os.path.isdir(folder):
            raise UserError(f"{folder}: no such folder: name one with photos, or with folders of photos", 2)
        roots.append(os.path.realpath(folder))
    return [root for root in sorted(set(roots)) if not any(_is_in(root, other) for other in roots if other != root)]


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def list_photos(root: str, report: Report) -> Iterator[tuple[str, dict[str, tuple[int, int]] | None]]:
    """Yield each folder in a folder, with size and time of change (ns) of its photos; None if it cannot be listed.

    What begins with a dot is left out, and links are: they lead to what is found anyway, out of the folder or around.
    """
    waiting = [root]
    while waiting:
        folder, photos = waiting.pop(), {}
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.is_symlink():
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file(follow_symlinks=False):
                        with contextlib.suppress(FileNotFoundError):  # moved away meanwhile: the others are there
                            state = os.stat(entry.path, follow_symlinks=False)
                            photos[entry.name] = state.st_size, state.st_mtime_ns
        except FileNotFoundError:  # gone while it was listed: the next run sees it
            photos = None
        except OSError as error:
            report.refused.append((Path(folder), f"cannot be listed ({error.strerror}): check its permissions"))
            photos = None
        yield folder, photos


def check(index: LibraryIndex, root: str, report: Report) -> int:
    """Note which photos of a folder are gone or back, and return how many are new or changed."""
    new, seen, unlisted = 0, set(), []
    for folder, photos in list_photos(root, report):
        seen.add(folder)
        if photos is None:
            unlisted.append(folder)
            continue
        report.photos += len(photos)
        known = index.files(folder)
        new += sum(known.get(file, (None,))[:2] != state for file, state in photos.items())
        gone = [file for file, state in known.items() if file not in photos and not state[2]]
        back = [file for file, state in known.items() if state[2] and photos.get(file) == state[:2]]
        report.gone += _mark(index, folder, gone, True)
        _mark(index, folder, back, False)
    for folder in index.folders():
        if folder not in seen and _is_in(folder, root) and not any(_is_in(folder, one) for one in unlisted):
            gone = [file for file, state in index.files(folder).items() if not state[2]]
            report.gone += _mark(index, folder, gone, True)
    return new


def _mark(index: LibraryIndex, folder: str, files: list[str], gone: bool) -> int:
    if files:
        index.mark_gone(folder, files, gone)
    return len(files)


def add(index: LibraryIndex, detector, embedder, folders: Iterable[Path]) -> Report:
    """Look at what is new in folders and the folders in them, and return what became of it."""
    report, roots = Report(), roots_of(folders)
    count = sum(check(index, root, report) for root in roots)
    if count:
        listed = (pair for root in roots for pair in list_photos(root, Report()))
        files = (
            File(Path(folder, file), *state)
            for folder, photos in listed
            for known in [index.files(folder)]
            for file, state in sorted((photos or {}).items())
            if known.get(file, (None,))[:2] != state
        )
        _Scan(index, detector, embedder, report).run(watched(files, count, "photo"))
        index.drop_replaced()  # not before all are recorded
    report.unreadable = index.unreadable()
    return report


def _is_as_it_was(file: File) -> bool:
    try:
        state = os.stat(file.path)
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (file.size, file.mtime_ns)


class _Scan:
    """Looks at files and takes them in."""

    def __init__(self, index: LibraryIndex, detector, embedder, report: Report):
        self._index, self._detector, self._embedder, self._report = index, detector, embedder, report
        self._seen: list[tuple[File, bytes, list[KnownFace] | str | None]] = []  # not yet written
        # Hashes of what is looked at now, each with copies that were met since; None: was seen, but is not yet written
        self._copies: dict[bytes, list[File] | None] = {}
        self._failed: dict[bytes, str] = {}  # hashes of what cannot be read, and why: copies are not tried again
        self._written = time.monotonic()

    def run(self, files: Iterable[File]) -> None:
        """Look at files; at Ctrl-C, too, what was seen is kept."""
        hashed, again = itertools.tee(self._unknown(files))
        photos = ((file.path, None) for file, _ in hashed)
        try:
            looked = look_into(photos, self._look, self._embedder)
            for (file, sha256), (faces, embeddings) in zip(again, looked, strict=True):
                self._take_in(file, sha256, faces, embeddings)
        finally:
            self._write()

    def _unknown(self, files: Iterable[File]) -> Iterator[tuple[File, bytes]]:
        """Yield the files whose content was never seen, each with its hash; take in the others."""
        for file in files:
            try:
                if check_file(file.path) == 0:
                    raise UserError("the file is empty")
                sha256 = bytes.fromhex(hash_of(file.path))
            except FileNotFoundError:
                continue
            except OSError as error:  # may be mended without a change of the file: tried again by the next run
                reason = f"cannot be read ({error.strerror}): check its permissions"
                self._report.refused.append((file.path, reason))
                continue
            except UserError as error:
                sha256 = hashlib.sha256().digest()
                self._put(file, sha256, str(error).removeprefix(f"{file.path}: "))
                continue
            copies = self._copies.get(sha256)
            if sha256 in self._failed:
                self._put(file, sha256, self._failed[sha256])
            elif copies is not None:
                copies.append(file)
            elif sha256 in self._copies or self._index.knows(sha256):
                self._put(file, sha256, None)
            else:
                self._copies[sha256] = []
                yield file, sha256

    def _look(self, path: Path, _: bytes | None) -> tuple[list[KnownFace] | str, np.ndarray]:
        """Return the faces of a photo, not described yet, or why it cannot be read; and their crops."""
        size, padding = self._embedder.size, self._embedder.padding
        try:
            frame = read_image(path)
        except UserError as error:
            return str(error).removeprefix(f"{path}: "), crops_of(None, [], size, padding)
        try:
            found = self._detector.detect(frame)
        except (cv2.error, RuntimeError) as error:  # one photo that a library chokes on must not stop all others
            return f"cannot be looked at ({str(error).strip().splitlines()[0]})", crops_of(None, [], size, padding)
        faces = [KnownFace(face, np.zeros(0), is_clear(frame, face), quality_of(face)) for face in found]
        return faces, crops_of(frame, found, size, padding)

    def _take_in(self, file: File, sha256: bytes, seen: list[KnownFace] | str, embeddings: np.ndarray) -> None:
        """Take in what was seen in a photo, and its copies that were met meanwhile."""
        if not isinstance(seen, str):
            for one, embedding in zip(seen, embeddings, strict=True):
                one.embedding = np.asarray(embedding, np.float32)
            statistics = self._embedder.statistics
            seen = [one for one in seen if is_human(one.embedding, statistics, one.face.confidence)]
            self._report.faces += len(seen)
        self._report.looked_at += 1
        copies, failed = self._copies.pop(sha256), isinstance(seen, str)
        if not _is_as_it_was(file):  # gone or written to: what was seen tells nothing of its copies
            return
        if failed:
            self._failed[sha256] = seen
        else:
            self._copies[sha256] = None
        self._put(file, sha256, seen)
        for copy in copies:
            self._put(copy, sha256, seen if failed else None)

    def _put(self, file: File, sha256: bytes, seen: list[KnownFace] | str | None) -> None:
        if not _is_as_it_was(file):  # still being written: what was seen is of no hash that we know
            return  # the next run looks again
        self._report.known += seen is None
        if isinstance(seen, str):
            self._report.refused.append((file.path, seen))
        self._seen.append((file, sha256, seen))
        if time.monotonic() - self._written > KEEP:
            self._write()

    def _write(self) -> None:
        seen, self._seen = self._seen, []  # first: what cannot be written now is not tried again, but by the next run
        if seen:
            self._index.record(seen, self._embedder.statistics.same)
        self._copies = {key: copies for key, copies in self._copies.items() if copies is not None}
        self._written = time.monotonic()
