"""Find the people in a whole photo library: look at every photo once, then name people, correct, and find photos.

    python face_recognition/library.py add ~/Pictures                # looks at all photos; later only at what is new
    python face_recognition/library.py people --sheet people.png     # who is in them: groups of faces, with numbers
    python face_recognition/library.py name 3 "Ada Lovelace"         # group 3 is Ada, who is enrolled, too
    python face_recognition/library.py find Ada and Ben --link both  # photos with both, as links in the folder both
    python face_recognition/library.py not party.jpg Ada             # she is not in that photo, whatever it looks like
    python face_recognition/library.py who party.jpg                 # names in a photo; without one, in all photos

What is seen lies in --library, a file for your user alone; photos are only read. `add` goes on where it was stopped.
Exit code: 0 done, 1 some photos could not be used (told once, till they change), 2 wrong usage, 130 Ctrl-C.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import settings
from recognition.faces import drawing, live
from recognition.library import naming, opening, pictures, scan
from recognition.library.index import LIBRARY
from recognition.names import printable
from recognition.people import recognizers
from recognition.people.database import FACES, People

COUNTS = {"people": (0, 0), "name": (2, 2), "not": (2, 2), "who": (0, 10**9)}  # words, least and most; else 1 and more
TOLD = 20  # photos that could not be used and are named


@dataclass
class Config:
    action: Annotated[Literal["add", "people", "name", "who", "find", "not"], tyro.conf.Positional]  # what to do
    # add FOLDER..., name NUMBER NAME, who PHOTO..., find NAME and NAME..., not PHOTO NAME
    words: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="WORD...")] = ()
    library: Path = LIBRARY  # what was seen in the photos
    faces: Path = FACES  # folder of people, each a folder of photos
    sheet: Path | None = None  # image file (.png) for a picture of the largest groups, with people
    copy: Path | None = None  # folder for copies of the photos, with find
    link: Path | None = None  # folder for links to the photos, with find
    force: bool = False  # name a group, and enrol faces, that look like somebody else who is enrolled
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; auto: as the library was made
    recognizer: Literal["auto", "sface", "dlib"] = "auto"  # describes them; auto: as the library was made
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    json: bool = False  # print JSON Lines instead of text


def check(config: Config) -> None:
    """Raise UserError for a command line that says too little or contradicts itself."""
    recognizers.check(config.recognizer, config.accept)
    least, most = COUNTS.get(config.action, (1, 10**9))
    if not least <= len(config.words) <= most or (config.action == "name" and not config.words[0].isdecimal()):
        raise settings.UserError(f"{config.action} {' '.join(config.words)}: takes other words: see --help", 2)
    for flag, action in {"sheet": "people", "copy": "find", "link": "find", "force": "name"}.items():
        if getattr(config, flag) and config.action != action:
            raise settings.UserError(f"--{flag} has no effect here: it goes with {action}", 2)
    if config.copy and config.link:
        raise settings.UserError("--copy and --link: choose one of them", 2)


def say(config: Config, text: str, **line) -> None:
    """Print a result, as text or as one line of JSON."""
    print(json.dumps(line) if config.json else printable(text), flush=True)


def add(config: Config, *opened: object) -> int:
    """Look at folders."""
    done = scan.add(*opened, map(Path, config.words))
    for path, reason in done.refused[:TOLD]:
        settings.say(printable(f"error: {path}: {reason}"))
    if more := done.refused[TOLD:]:
        settings.say(f"and {len(more)} more")
    counts = {key: getattr(done, key) for key in ("photos", "looked_at", "faces", "known", "gone", "unreadable")}
    text = "{photos} photos: {looked_at} looked at, {faces} faces in them; {known} copies or moved; {gone} gone; "
    say(config, (text + "{unreadable} cannot be read").format(**counts), **counts)
    return 1 if done.refused else 0


def people(config: Config, library: naming.Library) -> int:
    """List groups of faces that nobody named."""
    for group in library.groups():
        line = {"number": group.number, "photos": group.photos, "faces": len(group.faces)}
        line["example"] = str(library.index.path(group.faces[0].content))
        say(config, "{number:5} {photos:5} photos, such as {example}".format(**line), **line)
    if config.sheet and pictures.save_groups(library, config.sheet):
        settings.say(f"saved {config.sheet}")
    return 0


def name(config: Config, library: naming.Library) -> int:
    """Name a group."""
    number = int(config.words[0])
    name, faces, enrolled, reasons = library.name_group(number, config.words[1], config.force)
    for reason in reasons[:TOLD]:
        settings.say(printable(f"not enrolled: {reason}"))
    line = {"number": number, "name": name, "faces": faces, "enrolled": enrolled, "not_enrolled": len(reasons)}
    say(config, "group {number} is {name}: {faces} faces; {enrolled} photos enrolled".format(**line), **line)
    return 0 if enrolled or not reasons else 1


def who(config: Config, library: naming.Library) -> int:
    """Name the people in photos."""
    failed = 0
    for path in map(Path, config.words) if config.words else (path for path, _ in library.index.photos()):
        try:
            found = library.who(library.index.content(path))
        except settings.UserError as error:
            settings.say(printable(f"error: {error}"))
            failed = 1
            continue
        seen = [live.Seen(one.face.box, match, one.face) for one, match in found]
        text = printable(f"{path}: {', '.join(map(drawing.shown, seen)) or 'no face'}")
        print(live.json_line(str(path), 0, seen) if config.json else text, flush=True)
    return failed


def find(config: Config, library: naming.Library) -> int:
    """List photos of people."""
    names = [library.spelled(word) for word in config.words if word != "and"]
    put = pictures.Folder(config.copy or config.link, bool(config.link), config.faces).put
    for path, content in library.find(names):
        put(path, content)
        say(config, str(path), source=str(path), names=names)
    return 0


def deny(config: Config, library: naming.Library) -> int:
    """Note that somebody is not in a photo."""
    path, name = Path(config.words[0]), library.spelled(config.words[1])
    removed = library.deny(path, name)  # photos that were enrolled from it
    say(config, f"{path}: not {name}, from now on", source=str(path), name=name, removed=removed)
    return 0


ACTIONS = {"people": people, "name": name, "who": who, "find": find, "not": deny}


def main(config: Config) -> int:
    check(config)
    index, *tools = opening.open_index(config.library, config.detector, config.recognizer, config.action == "add")
    if config.action == "add":
        return add(config, index, *tools)
    database = People(config.faces, *tools, config.accept, may_be_new=config.action in ("people", "name"))
    return ACTIONS[config.action](config, naming.Library(index, database))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
