"""Names of faces in sidecars, the files that digiKam, Lightroom and others put beside photos: read and written.

A photo's sidecar is PHOTO.jpg.xmp, as digiKam names it; a PHOTO.xmp, as Lightroom names it, is used where there is one
and PHOTO.jpg is the only file called so. Without one, names that the photo itself has within are read. Photos are only
read. Boxes in XMP are those of the picture as it is stored, before a camera's mark turns it upright (so do the MWG's
guidelines, digiKam and Lightroom), or, where the sidecar says that it is of a picture turned by 90 degrees, upright.

Each name that a sidecar had is remembered: whatever else is found there later was written by the user, elsewhere.
"""

import contextlib
import errno
import math
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from recognition.files import alone, read_bytes, write_atomically
from recognition.library.naming import Library
from recognition.library.regions import TURNED, UNWRITABLE, Box, Packet, pair, turned_back
from recognition.library.tables import KnownFace
from recognition.media import bounds
from recognition.media.frames import open_image
from recognition.names import key_of
from recognition.settings import UserError
from recognition.sqlite.errors import Locked

SUFFIX = ".xmp"
ORIENTATION = 0x0112  # the tag of EXIF that says how a picture is to be turned
SHAPE = 0.02  # how much the ratio of width and height may differ: of a picture that was made smaller
ENROLLED = 10  # faces of a name that are enrolled, at most
TRIES = 3  # to write a sidecar that another program writes as well


class _ChangedMeanwhile(UserError):
    """Another program wrote a sidecar between our reading and our writing of it."""


@dataclass
class Report:
    """What became of sidecars: how many were written, how many faces got names from them, how many of these were
    enrolled, whom none of them shows well enough for that, and what could not be done, where and why."""

    written: int = 0
    named: int = 0
    enrolled: int = 0
    unknown: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[Path, str]] = field(default_factory=list)


@dataclass
class _Picture:
    """A photo's size as it is stored, pixels; how it is turned (1 to 8); and the XMP within it, if any. `scale`: of
    the boxes in it, see media.frames.scale_of."""

    size: tuple[int, int]
    orientation: int
    xmp: bytes | None
    scale: float


class Sidecars:
    """The sidecars of a library's photos; `report` says what became of them."""

    def __init__(self, library: Library):
        self._library, self._index, self.report = library, library.index, Report()
        self._stems: tuple[Path, Counter] | None = None  # a folder, and how many files in it have each stem
        self._spelled: dict[str, str] = {}  # names as they are written here, by what sidecars have
        self._tries: dict[str, int] = {}  # how many faces of each name may still be enrolled
        self._failed: Counter = Counter()  # sidecars by their folder and why they cannot be read or written
        self._lock = self._index.file_path.with_name(f".{self._index.file_path.name}.sidecars.lock")

    def sync(self, photos: Iterable[tuple[Path, int]]) -> None:
        """Read the names in the sidecars of photos, each with its content, and write those that the library has.

        Who got a name and has no photo in the database of people is enrolled: then the next call finds him in other
        photos, too.
        """
        self.report.refused.clear()
        try:
            for path, content in photos:
                try:
                    self._sync_patiently(path, content)
                except FileNotFoundError:  # the photo is gone: the next `add` will see it
                    continue
                except Locked:  # nor will the next photo have it
                    raise
                except UserError as error:
                    self.report.refused.append((path, str(error).removeprefix(f"{path}: ")))
                except OSError as error:
                    self._failed[path.parent, error.strerror] += 1
        finally:
            for (folder, reason), count in self._failed.items():
                text = f"{count} sidecars cannot be read or written ({reason}): check permissions and free space"
                self.report.refused.append((folder, text))
            self._failed.clear()

    def _sync_patiently(self, path: Path, content: int) -> None:
        for _ in range(TRIES - 1):
            with contextlib.suppress(_ChangedMeanwhile):
                return self._sync(path, content)
        return self._sync(path, content)

    def _sync(self, path: Path, content: int) -> None:
        if not self._index.faces(content)[0]:
            return
        picture = self._look(path)
        file, packet = self._open(path, picture)
        upright = _is_upright(packet, picture)
        self._read(path, content, packet, lambda one: _box(one, picture, upright))
        names = self._change(content, packet, picture, lambda one: _box(one, picture, upright))
        with alone(self._lock):  # another program may be at the same sidecar
            self._write(content, names, file, packet)

    def _write(self, content: int, names: dict[int, str], file: Path, packet: Packet) -> None:
        """Write a sidecar, and note which names in it are ours."""
        known = self._index.written(content)
        if new := {face: name for face, name in names.items() if name not in known.get(face, ())}:
            self._index.note_written(new)  # before it is written: whatever a kill leaves is known to be ours
        if packet.changed:
            try:
                _write(file, packet)
            except Exception:  # whoever has these names there later got them from the user
                self._index.note_written(new, there=False)
                raise
            self.report.written += 1

    def _look(self, path: Path) -> _Picture:
        self._library.check_unchanged(path)
        try:
            with warnings.catch_warnings(), open_image(path) as image:
                warnings.simplefilter("ignore")
                orientation, size, xmp = image.getexif().get(ORIENTATION, 1), image.size, image.info.get("xmp")
                if image.format == "TIFF" and orientation in (5, 6, 7, 8):  # as Pillow has it, it is upright already
                    size = size[::-1]
                scale = bounds.reduce(image)
        except FileNotFoundError:
            raise
        except Exception as error:  # every decoder has errors of its own
            raise UserError(f"cannot be read any more ({error})") from None
        orientation = orientation if orientation in TURNED else 1
        return _Picture(size, orientation, xmp if isinstance(xmp, bytes) else None, scale)

    def _open(self, path: Path, picture: _Picture) -> tuple[Path, Packet]:
        """Return a photo's sidecar, which may not be there yet, and what is in it."""
        own, shared = path.with_name(path.name + SUFFIX), path.with_suffix(SUFFIX)
        for file in (own, shared) if self._is_alone(path) else (own,):
            try:
                packet = Packet(read_bytes(file))
            except FileNotFoundError:
                continue
            except UserError as error:
                text = str(error).removeprefix(f"{file}: ")
                raise UserError(f"its sidecar {file.name} {text}") from None
            if file == own or packet.extension.lower() in ("", path.suffix[1:].lower()):
                return file, packet
        packet = Packet()
        if picture.xmp:
            # Programs take what a sidecar has for all of its kind: what the photo has within must be there, too
            with contextlib.suppress(UserError):
                within = Packet()
                within.take_regions(Packet(picture.xmp))
                within = Packet(within.result())
                _is_upright(within, picture)
                packet = within
        packet.is_new = True
        return own, packet

    def _is_alone(self, path: Path) -> bool:
        """Tell whether a photo is the only file that PHOTO.xmp can be of."""
        if not self._stems or self._stems[0] != path.parent:
            stems = (os.path.splitext(file) for file in os.listdir(path.parent))
            self._stems = path.parent, Counter(stem for stem, suffix in stems if suffix.lower() != SUFFIX)
        return self._stems[1][path.stem] < 2

    def _read(self, path: Path, content: int, packet: Packet, box: Callable[[KnownFace], Box]) -> None:
        """Give faces the names that the user gave their regions elsewhere, unless he named them here meanwhile."""
        faces, denied = self._index.faces(content)
        written = self._index.written(content)
        for k, region in pair(list(map(box, faces)), packet.regions).items():
            one, known = faces[k], written.get(faces[k].id, set())
            if not region.name or key_of(region.name) in map(key_of, known) or (one.name and one.name not in known):
                continue
            try:
                name = self._spelling(region.name)
            except UserError as error:
                self.report.refused.append((path, f"in its sidecar {error}"))
                continue
            if name not in denied:
                self._index.name([one.id], name, {})
                self._index.note_written({one.id: name})
                self.report.named += 1
                self._enroll(one, name)

    def _enroll(self, one: KnownFace, name: str) -> None:
        """Enrol a face that got a name, if there was no photo of that person, and not too many."""
        if name not in self._tries:
            self._tries[name] = 0 if self._library.people.photos(name) else ENROLLED
        if self._tries[name]:
            self._tries[name] -= 1
            done, reasons = self._library.enroll_named(one, name)
            self.report.enrolled += done
            if done:
                self.report.unknown.pop(name, None)
            elif reasons and not self._library.people.photos(name):
                self.report.unknown[name] = reasons[0]

    def _spelling(self, name: str) -> str:
        if name not in self._spelled:
            self._spelled[name] = self._library.spelled_or_new(name)
        return self._spelled[name]

    def _change(
        self, content: int, packet: Packet, picture: _Picture, box: Callable[[KnownFace], Box]
    ) -> dict[int, str]:
        """Bring the regions of a packet up to the library, and return the names that faces have there then."""
        faces, (_, denied) = self._library.who(content), self._index.faces(content)
        boxes, written = [box(one) for one, _ in faces], self._index.written(content)
        regions, names, new = pair(boxes, packet.regions), {}, []
        paired = list(map(id, regions.values()))
        elsewhere = {key_of(one.name) for one in packet.regions if one.name and id(one) not in paired}
        for k, (one, match) in enumerate(faces):
            region, name = regions.get(k), match.name
            old = region.name if region else None
            ours = old and key_of(old) in map(key_of, written.get(one.id, set()) | denied)
            if name and UNWRITABLE.search(name):
                continue
            if not region and name and key_of(name) not in elsewhere:
                new.append((name, boxes[k]))
                names[one.id] = name
            elif region and name is None and ours:  # denied, or not named by likeness any more
                packet.remove(region)
            elif region and name and key_of(old or "") == key_of(name):
                names[one.id] = name
            elif region and name and (not old or one.name or ours):
                packet.name(region, name)
                names[one.id] = name
        packet.add(new, picture.size)
        return names


def _is_upright(packet: Packet, picture: _Picture) -> bool:
    """Tell whether a packet's boxes are of the upright picture. Raises UserError for those of another one."""
    if not packet.size:
        return False
    shape, (width, height) = packet.size[0] / packet.size[1], picture.size
    if abs(math.log(shape * height / width)) < SHAPE:
        return False
    if picture.orientation > 4 and abs(math.log(shape * width / height)) < SHAPE:
        return True
    size = "x".join(f"{side:.0f}" for side in packet.size)
    raise UserError(f"its sidecar is of a picture of {size} pixels: was it cut since? Its faces are left as they are")


def _box(one: KnownFace, picture: _Picture, upright: bool) -> Box:
    """Return where a face is in a picture, stored or upright."""
    width, height = picture.size if picture.orientation < 5 else picture.size[::-1]
    x1, y1, x2, y2 = (picture.scale * side for side in one.face.box)
    shares = x1 / width, y1 / height, x2 / width, y2 / height
    box = tuple(min(1.0, max(0.0, share)) for share in shares)
    return box if upright else turned_back(box, picture.orientation)


def _write(file: Path, packet: Packet) -> None:
    """Write a packet with its changes, unless the file is one that shall not be changed, or was by somebody else."""
    if file.is_symlink():
        raise UserError(f"its sidecar {file.name} is a link: put the file there that it leads to")
    if not packet.is_new and not os.access(file, os.W_OK):  # it could be replaced nevertheless
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    def fill(temporary: Path) -> None:
        temporary.write_bytes(packet.result())
        if packet.is_new == file.exists() or not (packet.is_new or read_bytes(file) == packet.data):
            raise _ChangedMeanwhile(f"its sidecar {file.name} is changed by another program at this moment: try again")
        if not packet.is_new:
            shutil.copymode(file, temporary)

    write_atomically(file, fill)
