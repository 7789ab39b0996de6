"""The database of people: photos in FOLDER/NAME/ are the truth, an SQLite file beside them saves looking twice.

data/faces/Ada Lovelace/3fa92c01b2aa77de.jpg     put there by enroll.py, or by hand under any name
data/faces/.embeddings.sqlite                    may be deleted at any time: it is made again from the photos
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from recognition.faces.detection import for_photos
from recognition.faces.gallery import Gallery
from recognition.files import ROOT, close_to_others, make_folder
from recognition.names import check_person, key_of
from recognition.people import embed_photos, forgetting, merges, photo_files, places
from recognition.people.photo_index import Photo, PhotoIndex
from recognition.people.photo_scan import PhotoScan
from recognition.settings import UserError
from recognition.sqlite.errors import Locked

FACES = ROOT / "data" / "faces"
INDEX = ".embeddings.sqlite"
CROP_VERSION = 1  # raise it when align_precisely changes, or the landmarks that it is given


class People:
    """The people of a folder. Any number of programs may use it at once, in each program one thread.

    Photos put there by hand count from the next `refresh` on; those without a usable face are named on stderr, once.
    Only adding somebody makes a folder. Raises UserError where it is missing, unless it is data/faces or `may_be_new`,
    and where its SQLite file is of a newer version.
    """

    def __init__(self, folder: Path, detector, embedder, accepted: float = 0.01, may_be_new: bool = False):
        """`accepted`: share of strangers that may get a name."""
        self.folder = Path(os.path.realpath(Path(folder).expanduser()))
        self.detector, self.embedder, self.accepted = for_photos(detector), embedder, accepted
        if is_default(folder):
            close_to_others(self.folder)
        if not self.folder.is_dir() and (self.folder.exists() or not (may_be_new or is_default(folder))):
            enrol = f"python face_recognition/enroll.py NAME PHOTO --faces {folder}"
            raise UserError(f"--faces {folder}: no such folder: correct it, or enrol somebody ({enrol})", 2)
        self.place = str(self.folder)  # for messages
        self._index = PhotoIndex(self.folder / INDEX, (detector.name, embedder.name, CROP_VERSION))
        self._scan = PhotoScan(self.folder, self._index, self.embed_photos)
        self._rows: tuple[list[str], np.ndarray, np.ndarray] | None = None  # what the gallery is made of
        self._gallery: Gallery | None = None
        self._changed = False  # by this object, since the last refresh

    # --- asking ---

    def names(self) -> list[str]:
        """Return everybody who has a folder with photos, sorted."""
        self._scan.catch_up()
        return self._index.people()

    def photos(self, name: str) -> list[Path]:
        """Return the photos of a person, sorted; none if nobody is called so."""
        folder = self.folder / self.spelling(name)
        return sorted(folder / file for file in photo_files.list_photos(folder)) if os.path.isdir(folder) else []

    def pictures(self, name: str) -> Iterator[embed_photos.Photo]:
        """Yield the photos of a person, without their bytes."""
        return ((path, None) for path in self.photos(name))

    def is_empty(self) -> bool:
        """Tell whether nobody is enrolled."""
        return not self.names()

    def describe(self) -> list[dict]:
        """Return name, number of photos, of those with a usable face, and the newest photo's date of everybody."""
        unusable, rows = [path.parent.name for path, _ in self.unusable()], []
        for name in self.names():
            with contextlib.suppress(FileNotFoundError):  # renamed or forgotten meanwhile
                photos = photo_files.list_photos(self.folder / name)
                newest = max((changed for _, changed in photos.values()), default=0) / 1e9
                date, usable = time.strftime("%Y-%m-%d", time.localtime(newest)), len(photos) - unusable.count(name)
                rows.append({"name": name, "photos": len(photos), "usable": usable, "newest": date})
        return rows

    def merged_into(self, name: str) -> set[str]:
        """Return whose photos a person got."""
        return merges.sources(merges.read(self.folder), name)

    def unusable(self) -> list[tuple[Path, str]]:
        """Return the photos in which there is no usable face, each with the reason."""
        self._scan.catch_up()
        rows = self._index.unusable() + [(*key, reason) for key, reason in self._scan.unreadable.items()]
        return sorted((self.folder / person / file, reason) for person, file, reason in rows)

    def embeddings(self, name: str) -> np.ndarray:
        """Return the embeddings of a person's photos, float32 (N, D)."""
        self._scan.catch_up()
        return self._index.embeddings(self.spelling(name))

    def gallery(self) -> Gallery:
        """Return the people with the embeddings of their photos, to compare faces with."""
        self._scan.catch_up()
        if self._gallery is None:
            self._rows = self._rows or self._index.load()
            if self._index.file.lost:  # it was damaged, which showed only now
                self._scan.catch_up()
                self._rows = self._index.load()
            self._gallery = Gallery(*self._rows, self.embedder.statistics, self.accepted)
        return self._gallery

    def spelling(self, name: str) -> str:
        """Return the name as its folder has it; see names.key_of."""
        wanted, there = key_of(name), os.listdir(self.folder) if self.folder.is_dir() else []
        return name if name in there else next((other for other in there if key_of(other) == wanted), name)

    def existing(self, name: str) -> str:
        """Return the name of a person who is there, as the folder has it; raise UserError if nobody is called so."""
        found = self.spelling(name)
        if not found or found.startswith(".") or Path(found).name != found or not os.path.isdir(self.folder / found):
            raise UserError(f"nobody is called '{name}' in {self.folder}: see python face_recognition/people.py list")
        return found

    # --- changing ---

    def add(self, name: str, photo: np.ndarray | bytes, embedding: np.ndarray | None = None) -> Path:
        """Add a photo, a BGR frame or the bytes of an image file, to a person, who may be new; return its path.

        What is kept of a file does not say where it was taken. `embedding`: what the face in it looks like, float32
        (D,), where that is known. The same photo twice, one without a usable face and a name that cannot be a folder's
        raise UserError.
        """
        name = self.spelling(check_person(name))
        folder = photo_files.own_folder(self.folder, name)
        content = places.without_place(photo) if isinstance(photo, bytes) else photo_files.encode(photo)
        if embedding is None:
            embedding, reason = next(self.embed_photos([(Path("photo"), content)]))
            if reason:
                raise UserError(reason)
        if not self.folder.exists():
            make_folder(self.folder, "--faces", private=True)
            self._index.file.changed()  # its file can be made now
        path = photo_files.write_photo(folder, content)
        close_to_others(self.folder, folder)  # made by hand, or by an earlier version
        with _still_there(name):
            state = os.stat(path)
        sha256 = hashlib.sha256(content).digest()
        rows = self._rows
        try:
            self._index.record([Photo(name, path.name, state.st_size, state.st_mtime_ns, sha256, embedding)])
        except Locked:
            rows = None  # the next refresh finds the photo
        self._note_change()
        if rows:  # read from the file again for each of many photos, they would take longer than all the rest
            names = rows[0] if name in rows[0] else [*rows[0], name]
            embeddings = np.concatenate([rows[1].reshape(-1, len(embedding)), embedding[None]])
            self._rows = names, embeddings, np.append(rows[2], names.index(name))
        return path

    def rename(self, old: str, new: str) -> str:
        """Give a person another name, one that nobody has; return it as the folder has it."""
        old, new = self.existing(old), check_person(new)
        other = self.spelling(new)
        if other != old and (self.folder / other).exists():
            raise UserError(f"there is a {other} already: python face_recognition/people.py merge puts them together")
        with _still_there(old):
            os.rename(self.folder / old, self.folder / new)
        merges.rename(self.folder, old, new)
        try:
            self._index.rename(old, new)
        except Locked:
            self._index.file.lost = True  # what asks next finds the photos
        self._note_change()
        return new

    def merge(self, source: str, into: str, force: bool = False) -> None:
        """Give all photos of one person to another one; the first one is gone then.

        Two who do not look alike raise UserError, unless `force`.
        """
        source, into = self.existing(source), self.existing(into)
        if source == into:
            raise UserError(f"{source} cannot be merged into the same person: name two", 2)
        folders = [photo_files.own_folder(self.folder, name) for name in (source, into)]
        if not force:
            merges.check_alike(self, source, into)
        with self._moving(source, into):
            merges.move(self.folder, *folders)

    def undo_merge(self) -> merges.Merge:
        """Give back the photos of the last merge, those that are still there, and return it; UserError without one."""
        if not (before := merges.read(self.folder)):
            raise UserError(f"nobody was merged in {self.folder}, or that was undone")
        merge = before[-1]
        into, back = (photo_files.own_folder(self.folder, name) for name in (merge.into, self.spelling(merge.source)))
        photos = [name for name in merge.photos if (into / name).is_file()]
        if not photos:
            merges.drop(self.folder, merge)  # else it would be the last one for good
            raise UserError(merges.gone(merge))
        make_folder(back, "--faces", private=True)
        with self._moving(into.name, back.name):
            photo_files.move_photos(into, back, photo_files.names_there(into, back, photos))
        merges.drop(self.folder, merge)
        return replace(merge, photos=photos)

    @contextlib.contextmanager
    def _moving(self, source: str, into: str) -> Iterator[None]:
        try:
            with _still_there(f"{source} or {into}"):
                yield
        finally:
            self._scan.rescan([into, source])
            self._note_change()

    def remove(self, name: str, file: str) -> int:
        """Delete a photo of a person; return how many there were, 0 or 1."""
        for photo in self.photos(name):
            if photo.name == file:
                photo.unlink(missing_ok=True)
                return 1
        return 0

    def forget(self, name: str) -> int:
        """Delete a person, photos and embeddings, and return how many photos there were. It cannot be undone.

        Also one whose photos were deleted by hand. Of photos that are links only these go, and they do not count.
        Raises UserError for what could not be deleted.
        """
        name, count, left = self.remembered(name), 0, []
        if os.path.lexists(self.folder / name):
            with _still_there(name):
                count = forgetting.put_away(self.folder / name)
        waiting = forgetting.clear(self.folder)
        merges.forget(self.folder, name)
        try:
            for before in self._index.seen():  # names of folders that were renamed by hand, with the same numbers
                if before != name and not os.path.lexists(self.folder / before):
                    self._index.drop(before)
            self._index.file.erase(self._index.drop(name))
            left = forgetting.finish(waiting)
        except UserError as error:
            left = [str(error)]
        self._note_change()
        if os.path.lexists(self.folder / name):
            left.append(f"{self.folder / name} is there again: another program has just enrolled {name}")
        if left:
            raise UserError(f"{name} is not forgotten yet: {'; '.join(left)} (the next start of any script goes on)")
        return count

    def remembered(self, name: str) -> str:
        """Return the name of a person who is there, or of whom numbers or merges still tell; UserError if there is
        nobody."""
        try:
            return self.existing(name)
        except UserError:
            for other in [*self._index.seen(), *merges.names(self.folder)]:
                if key_of(other) == key_of(name) and not os.path.lexists(self.folder / other):
                    return other
            raise

    def _note_change(self) -> None:
        self._rows, self._gallery, self._changed = None, None, True

    def refresh(self) -> bool:
        """Take in what this or another program or hand changed, and tell whether something did; cheap if not.

        New photos are looked at for a fifth of a second each time, so that a live picture does not stop for long.
        """
        changed, self._changed = self._scan.refresh() | self._changed, False
        if changed:
            self._rows, self._gallery = None, None
        return changed

    def embed_photos(self, photos: Iterable[embed_photos.Photo], refuse=embed_photos.no_face, anybody: bool = True):
        """Yield the embedding of the person that each photo is of, or None and the reason why: see embed_photos.py."""
        return embed_photos.embed_photos(photos, self.detector, self.embedder, refuse, anybody)


@contextlib.contextmanager
def _still_there(name: str) -> Iterator[None]:
    """Say in one line that another program was faster."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{name} was renamed or forgotten by another program at this moment: try again") from None
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be changed ({error.strerror}): check permissions") from None


def is_default(faces: Path | str) -> bool:
    """Tell whether --faces names data/faces, however it is written; an address never does."""
    return Path(os.path.realpath(os.path.expanduser(faces))) == Path(os.path.realpath(FACES))
