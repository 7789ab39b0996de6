"""Keep the index of photos up to what is in the folder of people, with as few embeddings as possible."""

import hashlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from recognition.faces.labelled_photos import list_people
from recognition.files import read_bytes
from recognition.people import forgetting, photo_files
from recognition.people.photo_index import Photo, PhotoIndex
from recognition.progress import batches, watched
from recognition.settings import UserError, say
from recognition.sqlite.errors import Locked

THOROUGH = 2000  # people up to which all files are asked for their time of change when the database is opened
TURN = 50  # people whose files are asked at each refresh, in turn
SETTLED = 10**9  # nanoseconds since its last change after which a file that somebody else writes is whole
QUICK = 0.2  # seconds that a refresh may spend on new photos; the rest waits for the next ones
FEW, MANY = 2, 16  # photos that are kept at once: when there is a live picture to be shown, and else
Embed = Callable[[Iterable[tuple[Path, bytes]]], Iterator[tuple[np.ndarray | None, str | None]]]


class PhotoScan:
    """Finds the photos that are new, changed or gone; `unreadable`: those that cannot be read, with the reason.

    100,000 people's folders are asked for their times of change in half a second; photos overwritten in place change
    only their own, so these are asked too: of a few people always, of many in turn. `embed`: see embed_photos.py.
    """

    def __init__(self, folder: Path, index: PhotoIndex, embed: Embed):
        self._folder, self._index, self._embed = folder, index, embed
        self.unreadable: dict[tuple[str, str], str] = {}  # person, file
        self._seen: dict[str, int] | None = None  # people, and the times of their folders; None: never listed
        self._listed: dict[str, int] = {}  # the same, to be kept once all new photos are embedded
        self._pending: dict[tuple[str, str], bytes | None] = {}  # person, file: hash of what is to be embedded
        self._gone: list[tuple[str, list[str] | None]] = []  # persons, and which of their files (None: all)
        self._forgotten: set[Path] = set()  # where those were put whom a program has begun to forget
        self._told: set[str] = set()  # what could not be deleted
        self._top, self._next_list, self._turn = 0, 0.0, iter(())
        self._changed = False  # since the last refresh that came to its end

    def refresh(self) -> bool:
        """Take in what was changed by hand or another program, and tell whether something was.

        Raises Locked where another program holds the index: then the next refresh goes on.
        """
        if self._seen is None:
            self.catch_up()
            return True
        with self._index.file.hurried():
            self._refresh()
        changed, self._changed = self._changed, False
        return changed

    def _refresh(self) -> None:
        self._changed |= self._index.file.changed()
        if self._index.file.lost:
            self._changed = True
            self.catch_up()
        elif self._changed:
            self._seen = self._index.seen()
        began = time.monotonic()
        if photo_files.changed(self._folder) != self._top and began >= self._next_list:
            self._list()
            self._next_list = time.monotonic() + 20 * (time.monotonic() - began)  # at most a twentieth of the time
        self._list_photos_of(self._next_turn())
        self._changed |= self._work_off(QUICK)

    def rescan(self, names: list[str]) -> None:
        """Take in what was changed in people's folders, or, where another program holds the index, have it done by
        whoever asks next."""
        try:
            self.catch_up()
            self._list_photos_of(names)
            self._work_off()
        except Locked:
            self._index.file.lost = True

    def _next_turn(self) -> list[str]:
        some = list(itertools.islice(self._turn, TURN))
        if len(some) < TURN:
            self._turn = iter(list(self._seen))
            some += [name for name in itertools.islice(self._turn, TURN - len(some)) if name not in some]
        return some

    def catch_up(self) -> None:
        """Bring what is known up to the photos, however long it takes, unless that was done before."""
        if self._seen is not None and not self._index.file.lost:
            return
        self._index.file.lost = False
        try:
            self._seen = self._index.seen()
            self._list(thorough=len(self._seen) <= THOROUGH)
            self._pending |= dict.fromkeys(self._index.not_embedded())
            self._work_off()
        except Locked:
            self._index.file.lost = True  # so that it is done anew
            raise

    def _list(self, thorough: bool = False) -> None:
        """List the people, and the photos of those whose folder changed, or of all of them."""
        top = photo_files.changed(self._folder)
        self._forgotten |= set(forgetting.clear(self._folder))
        there = list_people(self._folder)
        self._gone += [(name, None) for name in self._seen.keys() - there.keys()]
        self._list_photos_of([name for name, changed in there.items() if thorough or self._seen.get(name) != changed])
        self._top = top

    def _list_photos_of(self, names: list[str]) -> None:
        """List the photos of people, and note which are new, changed or gone."""
        for name in names:
            try:
                changed = os.stat(self._folder / name).st_mtime_ns
                there = photo_files.list_photos(self._folder / name)
            except (FileNotFoundError, NotADirectoryError):
                self._gone.append((name, None))
                continue
            except OSError as error:
                self._report(name, "", f"cannot be listed ({error.strerror})")
                continue
            known = self._index.photos(name)
            for file in there:
                if known.get(file, (0, 0))[:2] != there[file]:
                    self._pending.setdefault((name, file), None)
            if known.keys() - there.keys():
                self._gone.append((name, list(known.keys() - there.keys())))
            # A change within the clock's next tick would leave the same time: not believed until it is old
            believed = changed if time.time_ns() - changed > SETTLED else 0
            if self._seen.get(name) != believed:
                self._listed[name] = believed

    def _work_off(self, seconds: float | None = None) -> bool:
        """Embed photos that are new, for so long or to the end; tell whether anything changed."""
        if not (self._pending or self._gone or self._listed or self._forgotten):
            return False
        before = len(self._pending), len(self._gone)
        new = [key for key, sha256 in self._pending.items() if not (sha256 or (seconds and self._is_young(*key)))]
        for some in batches(new, MANY):  # first those that were only renamed: it costs nothing
            self._recognise(some)
        dropped = False
        for name, files in self._gone:
            dropped |= bool(self._index.drop(name, files))
            if files is None:
                self._seen.pop(name, None)
                self._listed.pop(name, None)
        self._gone.clear()
        if dropped or self._forgotten:
            self._forget()
        limit = time.monotonic() + (seconds or float("inf"))
        due = [key for key, sha256 in self._pending.items() if sha256]
        for some in batches(due, FEW if seconds else max(1, len(due))):
            for photos in batches(watched(self._embedded(some), len(some), "photo"), MANY):
                self._keep(photos)
            if time.monotonic() > limit:
                break
        if not self._pending and self._listed:
            self._index.mark_seen({name: seen for name, seen in self._listed.items() if self._seen.get(name) != seen})
            self._seen |= self._listed
            self._listed = {}
        return (len(self._pending), len(self._gone)) != before

    def _forget(self) -> None:
        """Leave nothing of embeddings that were dropped, and of whoever was being forgotten when a program ended."""
        try:
            self._index.file.erase([])
            left = forgetting.finish(self._forgotten)
        except Locked:
            raise
        except UserError as error:
            left = [str(error)]
        self._forgotten.clear()
        for line in left:
            if line not in self._told:
                say(line)
        self._told |= set(left)

    def _is_young(self, name: str, file: str) -> bool:
        try:
            return 0 <= time.time_ns() - os.stat(self._folder / name / file).st_mtime_ns < SETTLED
        except OSError:
            return False

    def _recognise(self, keys: list[tuple[str, str]]) -> None:
        """Keep photos, person and file of each, that somebody has seen under another name; the others wait."""
        photos = [photo for photo, _ in filter(None, (self._read(*key) for key in keys))]
        known = [photo for photo in photos if self._index.knows(photo.sha256)]
        self._keep(known)  # if another program holds the index, nothing waits yet: they are recognised the next time
        self._pending |= {(photo.person, photo.file): photo.sha256 for photo in photos if photo not in known}

    def _embedded(self, keys: list[tuple[str, str]]) -> Iterator[Photo]:
        """Yield photos, person and file of each, with what is seen in them."""
        waiting: deque[Photo] = deque()

        def read() -> Iterator[tuple[Path, bytes]]:
            for key in keys:
                for photo, content in filter(None, [self._read(*key)]):
                    waiting.append(photo)
                    yield self._folder / photo.person / photo.file, content

        for embedding, reason in self._embed(read()):
            photo = waiting.popleft()
            photo.embedding, photo.reason = embedding, reason
            if reason:
                say(f"{self._folder / photo.person / photo.file}: not used: {reason}")
            yield photo

    def _keep(self, photos: list[Photo]) -> None:
        if photos:
            self._index.record(photos)
        for photo in photos:
            del self._pending[photo.person, photo.file]
            self.unreadable.pop((photo.person, photo.file), None)

    def _read(self, name: str, file: str) -> tuple[Photo, bytes] | None:
        """Return a photo and its bytes; None where it is gone or cannot be read, and then it waits no more."""
        path = self._folder / name / file
        try:
            state = os.stat(path)
            content = read_bytes(path)
        except UserError as error:
            del self._pending[name, file]
            self._report(name, file, str(error).removeprefix(f"{path}: "))
            return None
        except OSError as error:
            del self._pending[name, file]
            if not isinstance(error, FileNotFoundError):
                self._report(name, file, f"cannot be read ({error.strerror})")
            return None
        return Photo(name, file, state.st_size, state.st_mtime_ns, hashlib.sha256(content).digest()), content

    def _report(self, name: str, file: str, reason: str) -> None:
        if self.unreadable.get((name, file)) != reason:
            say(f"{self._folder / name / file}: not used: {reason}")
        self.unreadable[name, file] = reason
