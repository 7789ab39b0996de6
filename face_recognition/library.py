"""Find the people in a whole photo library: look at every photo once, then name people, correct, and find photos.

    python face_recognition/library.py add ~/Pictures                # looks at all photos; later only at what is new
    python face_recognition/library.py people --sheet people.png     # who is in them: groups of faces, with numbers
    python face_recognition/library.py name 3 "Ada Lovelace"         # group 3 is Ada, who is enrolled, too
    python face_recognition/library.py find Ada and Ben --link both  # photos with both, as links in the folder both
    python face_recognition/library.py not party.jpg Ada             # she is not in that photo, whatever it looks like
    python face_recognition/library.py who party.jpg                 # names in a photo; without one, in all photos
    python face_recognition/library.py add ~/Pictures --xmp          # names from and to digiKam and others: see --xmp

What is seen lies in --library, a file for your user alone; photos are only read. `add` goes on where it was stopped.
With --xmp, sidecars beside the photos that a command is about (PHOTO.jpg.xmp, or PHOTO.xmp where there is one) are
read, whose names count as yours, and written: faces with names as regions of the MWG; all else in them stays.
Exit code: 0 done, 1 some photos could not be used (told once, till they change), 2 wrong usage, 130 Ctrl-C.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import settings
from recognition.faces import drawing, live
from recognition.library import naming, opening, pictures, scan, sidecars
from recognition.library.index import LIBRARY, LibraryIndex
from recognition.media import frames
from recognition.names import printable
from recognition.people import recognizers
from recognition.people.database import FACES
from recognition.progress import watched
from recognition.shared.opening import folder_of, open_people

COUNTS = {"people": (0, 0), "name": (2, 2), "not": (2, 2), "who": (0, 10**9)}  # words, least and most; else 1 and more
XMP = ("add", "name", "find", "not")
TOLD = 20  # photos that could not be used and are named


@dataclass
class Config:
    action: Annotated[Literal["add", "people", "name", "who", "find", "not"], tyro.conf.Positional]  # what to do
    # add FOLDER..., name NUMBER NAME, who PHOTO..., find NAME and NAME..., not PHOTO NAME
    words: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="WORD...")] = ()
    library: Path = LIBRARY  # what was seen in the photos
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    sheet: Path | None = None  # image file (.png) for a picture of the largest groups, with people
    copy: Path | None = None  # folder for copies of the photos, with find
    link: Path | None = None  # folder for links to the photos, with find
    xmp: bool = False  # read and write sidecars of the photos, with add, name, find and not
    force: bool = False  # name a group, and enrol faces, that look like somebody else who is enrolled
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; auto: as the library was made
    recognizer: Literal["auto", "sface", "dlib"] = "auto"  # describes them; auto: as the library was made
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    json: bool = False  # print JSON Lines instead of text


def check(config: Config) -> None:
    """Raise UserError for a command line that says too little or contradicts itself."""
    recognizers.check(config.recognizer, config.accept)
    least, most = COUNTS.get(config.action, (1, 10**9))
    counted = least <= len(config.words) <= most
    unnumbered = config.action == "name" and counted and not config.words[0].isdecimal()
    unfinished = config.action == "find" and counted and "and" in (config.words[0], config.words[-1])
    if not counted or unnumbered or unfinished:
        raise settings.UserError(f"{config.action} {' '.join(config.words)}: takes other words: see --help", 2)
    for flag, action in {"sheet": "people", "copy": "find", "link": "find", "force": "name"}.items():
        if getattr(config, flag) and config.action != action:
            raise settings.UserError(f"--{flag} has no effect here: it goes with {action}", 2)
    if config.xmp and config.action not in XMP:
        raise settings.UserError(f"--xmp has no effect here: it goes with {', '.join(XMP)}", 2)
    if config.copy and config.link:
        raise settings.UserError("--copy and --link: choose one of them", 2)


def path_of(word: str) -> Path:
    """Return the path that a word names; not every shell knows what ~ is."""
    return Path(os.path.expanduser(word))


def say(config: Config, text: str, **line) -> None:
    """Print a result, as text or as one line of JSON."""
    print(json.dumps(line) if config.json else printable(text), flush=True)


def say_refused(refused: list[tuple[Path, str]]) -> int:
    """Name the photos that could not be used, not too many of them; return the exit code."""
    for path, reason in refused[:TOLD]:
        settings.say(printable(f"error: {path}: {reason}"))
    if more := refused[TOLD:]:
        settings.say(f"and {len(more)} more")
    return 1 if refused else 0


def sync(config: Config, library: naming.Library, photos: list[tuple[Path, int]]) -> int:
    """Read and write sidecars of photos, each given with its content, if that is wanted; return the exit code."""
    if not config.xmp:
        return 0
    files = sidecars.Sidecars(library)
    files.sync(watched(photos, len(photos), "sidecar"))
    if files.report.enrolled:  # other photos show them, too
        files.sync(watched(photos, len(photos), "sidecar"))
    text = "sidecars: {written} written, {named} faces named by them, {enrolled} of these enrolled"
    settings.say(text.format(**vars(files.report)))
    for name, reason in files.report.unknown.items():
        settings.say(printable(f"{name} is not enrolled: {reason}"))
    return say_refused(files.report.refused)


def add(config: Config, index: LibraryIndex, *tools: object) -> int:
    """Look at folders."""
    roots = scan.roots_of(map(path_of, config.words))
    done = scan.add(index, *tools, map(Path, roots))
    code = say_refused(done.refused)
    counts = {key: getattr(done, key) for key in ("photos", "looked_at", "faces", "known", "gone", "unreadable")}
    photos, faces = settings.counted(done.photos, "photo"), settings.counted(done.faces, "face")
    text = f"{photos}: {done.looked_at} looked at, {faces} in them; {done.known} copied or moved; {done.gone} gone; "
    say(config, text + f"{done.unreadable} cannot be read", **counts)
    if config.xmp:
        photos = [pair for pair in index.photos() if any(pair[0].is_relative_to(root) for root in roots)]
        code |= sync(config, open_names(config, index, *tools), photos)
    return code


def people(config: Config, library: naming.Library) -> int:
    """List groups of faces that nobody named."""
    groups = library.groups()
    if not groups:
        settings.say("no group of unknown faces: python face_recognition/library.py who tells who is in each photo")
    for group in groups:
        line = {"number": group.number, "photos": group.photos, "faces": len(group.faces)}
        line["example"] = str(library.index.path(group.faces[0].content))
        photos = settings.counted(group.photos, "photo")
        say(config, f"{group.number:5} {photos:>12}, such as {line['example']}", **line)
    if config.sheet and pictures.save_groups(library, config.sheet):
        settings.say(f"saved {config.sheet}")
    return 0


def name(config: Config, library: naming.Library) -> int:
    """Name a group."""
    number = int(config.words[0])
    contents = {one.content for one in library.index.group(number)}
    name, faces, enrolled, reasons = library.name_group(number, config.words[1], config.force)
    for reason in reasons[:TOLD]:
        settings.say(printable(f"not enrolled: {reason}"))
    line = {"number": number, "name": name, "faces": faces, "enrolled": enrolled, "not_enrolled": len(reasons)}
    counts = f"{settings.counted(faces, 'face')}; {settings.counted(enrolled, 'photo')} enrolled"
    say(config, f"group {number} is {name}: {counts}", **line)
    code = sync(config, library, [pair for pair in library.index.photos() if pair[1] in contents])
    return code if enrolled or not reasons else 1


def who(config: Config, library: naming.Library) -> int:
    """Name the people in photos."""
    failed = 0
    for path in map(path_of, config.words) if config.words else (path for path, _ in library.index.photos()):
        try:
            found = library.who(library.index.content(path))
        except settings.UserError as error:
            settings.say(printable(f"error: {error}"))
            failed = 1
            continue
        seen = [live.Seen(one.face.box, match, one.face) for one, match in found]
        text = printable(f"{path}: {', '.join(map(drawing.shown, seen)) or 'no face'}")
        print(live.json_line(str(path), 0, seen, frames.scale_of(path)) if config.json else text, flush=True)
    return failed


def find(config: Config, library: naming.Library) -> int:
    """List photos of people."""
    names = [library.spelled(word) for word in config.words if word != "and"]
    put, photos = pictures.Folder(config.copy or config.link, bool(config.link), folder_of(config.faces)).put, []
    gone = []
    for path, content in library.find(names):
        try:
            put(path, content)
        except FileNotFoundError:
            if path.exists():  # it is the folder that is gone
                raise
            gone.append((path, "gone since it was looked at: run python face_recognition/library.py add FOLDER again"))
            continue
        say(config, str(path), source=str(path), names=names)
        photos.append((path, content))
    return say_refused(gone) | sync(config, library, photos)


def deny(config: Config, library: naming.Library) -> int:
    """Note that somebody is not in a photo."""
    path, name = path_of(config.words[0]), library.spelled(config.words[1])
    removed = library.deny(path, name)  # photos that were enrolled from it
    say(config, f"{path}: not {name}, from now on", source=str(path), name=name, removed=removed)
    content = library.index.content(path)
    return sync(config, library, [pair for pair in library.index.photos() if pair[1] == content])


def open_names(config: Config, index: LibraryIndex, *tools: object) -> naming.Library:
    """Return the library with the people who are enrolled."""
    may_be_new = config.action in ("add", "people", "name")
    return naming.Library(index, open_people(config.faces, *tools, config.accept, may_be_new=may_be_new))


ACTIONS = {"people": people, "name": name, "who": who, "find": find, "not": deny}


def main(config: Config) -> int:
    check(config)
    index, *tools = opening.open_index(config.library, config.detector, config.recognizer, config.action == "add")
    if config.action == "add":
        return add(config, index, *tools)
    return ACTIONS[config.action](config, open_names(config, index, *tools))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
