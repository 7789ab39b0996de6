"""The database of people: photos in FOLDER/NAME/ are the truth, an SQLite file beside them saves looking twice.

    data/faces/Ada Lovelace/3fa92c01b2aa77de.jpg     put there by enroll.py, or by hand under any name
    data/faces/.embeddings.sqlite                    may be deleted at any time: it is made again from the photos
"""

import hashlib
import itertools
import os
import time
import unicodedata
from pathlib import Path

import cv2
import numpy as np

from recognition import photo_files
from recognition.embeddings import crops_of
from recognition.enrolling import main_face
from recognition.frames import read_image
from recognition.gallery import Gallery
from recognition.photo_index import Photo, PhotoIndex
from recognition.progress import watched
from recognition.settings import ROOT, UserError, say

FACES = ROOT / "data" / "faces"
INDEX = ".embeddings.sqlite"
CROP_VERSION = 1  # raise it when faces.align or the landmarks that it takes change
THOROUGH = 2000  # people up to which all files are asked for their time of change when the database is opened
TURN = 50  # people whose files are asked at each refresh, in turn
SETTLED = 10**9  # nanoseconds since its last change after which a file that somebody else writes is whole
QUICK = 0.2  # seconds that a refresh may spend on new photos; the rest waits for the next ones
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³")}
BIDIRECTIONAL = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn a line around


def check_name(name: str) -> str:
    """Return a person's name as it can be a folder's on every system; raise UserError with the reason if it cannot."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:40]) + "..." * (len(name) > 40)
    name = unicodedata.normalize("NFC", name).strip()
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in BIDIRECTIONAL for letter in name):
        reason = "has control characters"
    elif not name:
        reason = "is empty"
    elif name[0] == ".":
        reason = "begins with a dot"
    elif set(name) & set('/\\<>:"|?*'):
        reason = "has one of / \\ < > : \" | ? *"
    elif name[-1] == ".":
        reason = "ends with a dot"
    elif name.partition(".")[0].strip().upper() in RESERVED:
        reason = "is a device on Windows"
    elif len(name) > 100 or len(name.encode()) > 255:
        reason = "is longer than 100 characters or 255 bytes"
    else:
        return name
    raise UserError(f"the name '{shown}' {reason}: choose another one", 2)


class People:
    """The people of a folder. Any number of programs may use it at once, in each program one thread.

    Photos put there by hand count from the next `refresh` on; those without a usable face are named on stderr, once.
    Raises UserError where the folder cannot be made or its SQLite file is of a newer version.
    """

    def __init__(self, folder: Path, detector, embedder):
        self.folder, self.detector, self.embedder = Path(os.path.realpath(Path(folder).expanduser())), detector, embedder
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: no folder can be made there ({error.strerror}): choose another one", 2) from None
        self._index = PhotoIndex(self.folder / INDEX, (detector.name, embedder.name, CROP_VERSION))
        self._seen: dict[str, int] | None = None  # people, and the times of their folders; None: never listed
        self._listed: dict[str, int] = {}  # the same, to be kept once all new photos are looked at
        self._pending: dict[tuple[str, str], bytes | None] = {}  # person, file: hash of what is to be looked at
        self._gone: list[tuple[str, list[str] | None]] = []  # persons, and which of their files (None: all)
        self._unreadable: dict[tuple[str, str], str] = {}
        self._gallery: Gallery | None = None
        self._changed = False  # by this object, since the last refresh
        self._top, self._next_list, self._turn = 0, 0.0, iter(())

    # --- asking ---

    def names(self) -> list[str]:
        """Return everybody who has a folder with photos, sorted."""
        self._catch_up()
        return self._index.people()

    def photos(self, name: str) -> list[Path]:
        """Return the photos of a person, sorted; none if nobody is called so."""
        folder = self.folder / self.spelling(name)
        return sorted(folder / file for file in photo_files.list_photos(folder)) if folder.is_dir() else []

    def unusable(self) -> list[tuple[Path, str]]:
        """Return the photos in which there is no usable face, each with the reason."""
        self._catch_up()
        rows = self._index.unusable() + [(*key, reason) for key, reason in self._unreadable.items()]
        return sorted((self.folder / person / file, reason) for person, file, reason in rows)

    def embeddings(self, name: str) -> np.ndarray:
        """Return the embeddings of a person's photos, float32 (N, D)."""
        self._catch_up()
        return self._index.embeddings(self.spelling(name))

    def gallery(self) -> Gallery:
        """Return the people with the embeddings of their photos, to compare faces with."""
        self._catch_up()
        if self._gallery is None:
            self._gallery = Gallery(*self._index.load())
            if self._index.file.lost:  # it was damaged, which showed only now
                self._seen = None
                self._catch_up()
                self._gallery = Gallery(*self._index.load())
        return self._gallery

    def spelling(self, name: str) -> str:
        """Return the name as its folder has it: capitals and ways to write an accent make no other person."""
        wanted, there = _key(name), os.listdir(self.folder)
        return name if name in there else next((other for other in there if _key(other) == wanted), name)

    def _existing(self, name: str) -> str:
        found = self.spelling(name)
        if not found or found.startswith(".") or Path(found).name != found or not (self.folder / found).is_dir():
            raise UserError(f"nobody is called '{name}' in {self.folder}: see python face_recognition/people.py list")
        return found

    # --- changing ---

    def add(self, name: str, photo: np.ndarray | bytes) -> Path:
        """Add a photo, a BGR frame or the bytes of an image file, to a person, who may be new; return its path.

        The same photo twice, one without a usable face and a name that cannot be a folder's raise UserError.
        """
        name = self.spelling(check_name(name))
        folder = photo_files.own_folder(self.folder, name)
        content = photo if isinstance(photo, bytes) else _encode(photo)
        embedding, reason = self._look_into(read_image("photo", content))
        if reason:
            raise UserError(reason)
        path = photo_files.write_photo(folder, content)
        state = os.stat(path)
        sha256 = hashlib.sha256(content).digest()
        self._index.record([Photo(name, path.name, state.st_size, state.st_mtime_ns, sha256, embedding)])
        self._note_change()
        return path

    def rename(self, old: str, new: str) -> None:
        """Give a person another name, one that nobody has."""
        old, new = self._existing(old), check_name(new)
        other = self.spelling(new)
        if other != old and (self.folder / other).exists():
            raise UserError(f"there is a {other} already: python face_recognition/people.py merge puts them together")
        os.rename(self.folder / old, self.folder / new)
        self._index.rename(old, new)
        self._note_change()

    def merge(self, source: str, into: str) -> None:
        """Give all photos of one person to another one; the first one is gone then."""
        source, into = self._existing(source), self._existing(into)
        if source == into:
            raise UserError(f"{source} cannot be merged into the same person: name two", 2)
        folders = [photo_files.own_folder(self.folder, name) for name in (source, into)]
        try:
            photo_files.move_photos(*folders)
        finally:
            self._catch_up()
            self._look_at([into, source])
            self._work_off()
            self._note_change()

    def forget(self, name: str) -> int:
        """Delete a person, photos and embeddings, and return how many photos there were. It cannot be undone."""
        name = self._existing(name)
        count = len(photo_files.list_photos(self.folder / name))
        photo_files.remove_person(self.folder, name)
        self._index.file.erase(self._index.drop(name))
        self._note_change()
        if os.path.lexists(self.folder / name):
            raise UserError(f"{self.folder / name} is there again: another program has just enrolled {name}")
        return count

    def _note_change(self) -> None:
        self._gallery, self._changed = None, True

    # --- keeping up with the folder ---

    def refresh(self) -> bool:
        """Take in what this or another program or hand changed, and tell whether something did; cheap if not.

        New photos are looked at for a fifth of a second each time, so that a live picture does not stop for long.
        """
        if self._seen is None:
            self._catch_up()
            return True
        changed, self._changed = self._changed | self._index.file.changed(), False
        if self._index.file.lost:
            self._seen = None
            self._catch_up()
            changed = True
        elif changed:
            self._seen = self._index.seen()
        began = time.monotonic()
        if os.stat(self.folder).st_mtime_ns != self._top and began >= self._next_list:
            self._list()
            self._next_list = time.monotonic() + 20 * (time.monotonic() - began)  # at most a twentieth of the time
        self._look_at(self._next_turn())
        changed |= self._work_off(QUICK)
        if changed:
            self._gallery = None
        return changed

    def _next_turn(self) -> list[str]:
        some = list(itertools.islice(self._turn, TURN))
        if len(some) < TURN:
            self._turn = iter(list(self._seen))
            some += [name for name in itertools.islice(self._turn, TURN - len(some)) if name not in some]
        return some

    def _catch_up(self) -> None:
        """Bring what is known up to the photos, however long it takes, unless that was done before."""
        if self._seen is not None:
            return
        self._index.file.lost = False
        self._seen = self._index.seen()
        self._list(thorough=len(self._seen) <= THOROUGH)
        self._pending |= dict.fromkeys(self._index.not_looked_at())
        self._work_off()

    def _list(self, thorough: bool = False) -> None:
        """List the people, and the photos of those whose folder changed, or of all of them."""
        self._top = os.stat(self.folder).st_mtime_ns
        there = photo_files.list_people(self.folder)
        self._gone += [(name, None) for name in self._seen.keys() - there.keys()]
        self._look_at([name for name, changed in there.items() if thorough or self._seen.get(name) != changed])

    def _look_at(self, names: list[str]) -> None:
        """List the photos of people, and note which are new, changed or gone."""
        for name in names:
            try:
                changed = os.stat(self.folder / name).st_mtime_ns
                there = photo_files.list_photos(self.folder / name)
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
        """Look into photos that are new, for so long or to the end; tell whether anything changed."""
        if not (self._pending or self._gone or self._listed):
            return False
        before = len(self._pending), len(self._gone)
        for key, sha256 in list(self._pending.items()):  # first those that were only renamed: it costs nothing
            if sha256 is None and not (seconds and self._is_young(*key)):
                self._take_in(*key, look=False)
        for name, files in self._gone:
            self._index.drop(name, files)
            if files is None:
                self._seen.pop(name, None)
                self._listed.pop(name, None)
        self._gone.clear()
        limit = time.monotonic() + (seconds or float("inf"))
        due = [key for key, sha256 in self._pending.items() if sha256]
        for key in watched(due, len(due), "photo"):
            self._take_in(*key, look=True)
            if time.monotonic() > limit:
                break
        if not self._pending and self._listed:
            self._index.mark_seen({name: seen for name, seen in self._listed.items() if self._seen.get(name) != seen})
            self._seen |= self._listed
            self._listed = {}
        return (len(self._pending), len(self._gone)) != before

    def _is_young(self, name: str, file: str) -> bool:
        try:
            return 0 <= time.time_ns() - os.stat(self.folder / name / file).st_mtime_ns < SETTLED
        except OSError:
            return False

    def _take_in(self, name: str, file: str, look: bool) -> None:
        """Keep what is in a photo; one that nobody has seen waits, unless it is time to look."""
        path = self.folder / name / file
        try:
            state = os.stat(path)
            content = path.read_bytes()
        except FileNotFoundError:
            del self._pending[name, file]
            return
        except OSError as error:
            del self._pending[name, file]
            self._report(name, file, f"cannot be read ({error.strerror})")
            return
        photo = Photo(name, file, state.st_size, state.st_mtime_ns, hashlib.sha256(content).digest())
        if not self._index.knows(photo.sha256):
            if not look:
                self._pending[name, file] = photo.sha256
                return
            try:
                photo.embedding, photo.reason = self._look_into(read_image(path, content))
            except UserError as error:
                photo.reason = str(error).removeprefix(f"{path}: ")
            if photo.reason:
                say(f"{path}: not used: {photo.reason}")
        del self._pending[name, file]
        self._unreadable.pop((name, file), None)
        self._index.record([photo])

    def _report(self, name: str, file: str, reason: str) -> None:
        if self._unreadable.get((name, file)) != reason:
            say(f"{self.folder / name / file}: not used: {reason}")
        self._unreadable[name, file] = reason

    def _look_into(self, frame: np.ndarray) -> tuple[np.ndarray | None, str | None]:
        """Return the embedding, float32 (D,), of the person that a BGR frame is of, or else why there is none."""
        faces = self.detector.detect(frame)
        face = main_face(frame, faces)
        if face is None:
            return None, f"{len(faces)} faces and none stands out" if faces else "no face found"
        crops = crops_of(frame, [face], self.embedder.size, self.embedder.padding)
        return self.embedder.embed(crops)[0], None


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _encode(frame: np.ndarray) -> bytes:
    """Return a BGR frame as the bytes of a JPEG file without loss that a descriptor would notice."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", frame, settings)[1].tobytes()
