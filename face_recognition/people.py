"""Look after the people who are enrolled: list, rename, merge, part again and forget them.

    python face_recognition/people.py                            # everybody, with the number of photos
    python face_recognition/people.py list --sheet people.png    # and a picture of everybody
    python face_recognition/people.py rename "Ada" "Ada Lovelace"
    python face_recognition/people.py merge Ada2 Ada             # all photos of Ada2 become Ada's, if they look alike
    python face_recognition/people.py undo                       # the last merge, in the photo library, too
    python face_recognition/people.py forget Ada                 # deletes photos and embeddings for good, after asking
    python face_recognition/people.py copy data/faces postgresql://host/people  # to a gallery of many machines, or back

The photos in --faces are the truth: a folder put there, renamed or deleted by hand counts as well. What `forget` could
not delete it names, with exit code 1, and the next start goes on with it; networks that know the person it names, too.
Exit code: 0 done, 1 it could not be done, 2 wrong usage, 130 Ctrl-C.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import settings
from recognition.evaluation import sheets
from recognition.faces import detection
from recognition.library import everywhere, shared_words
from recognition.names import printable
from recognition.people import cut_outs, recognizers
from recognition.people.database import FACES, People
from recognition.shared import opening

NAMES = {"list": 0, "rename": 2, "merge": 2, "undo": 0, "forget": 1, "copy": 2}  # how many names each action takes


@dataclass
class Config:
    # what to do
    action: Annotated[Literal["list", "rename", "merge", "undo", "forget", "copy"], tyro.conf.Positional] = "list"
    # rename OLD NEW, merge FROM INTO, forget NAME, copy FROM TO (folders of people, or addresses of shared galleries)
    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME...")] = ()
    sheet: Path | None = None  # image file (.png) for a picture of everybody, with list
    yes: bool = False  # forget without asking
    force: bool = False  # merge people who do not look alike, too
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    # photo library, where names change, too; default: data/library.sqlite of data/faces. copy takes its words along
    library: Path | None = None
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces in photos that were not looked at yet
    recognizer: Literal["auto", "sface", "dlib"] = "auto"  # and describes them
    json: bool = False  # print JSON instead of text


def save_people(database: People, names: list[str], path: Path) -> None:
    """Save a picture with everybody's face and name."""
    portraits = [cut_outs.portrait(database.pictures(name), database.detector) for name in names]
    titles = [printable(name if len(name) < 20 else f"{name[:18]}...") for name in names]
    sheets.save_sheet(portraits, titles, path, columns=6, private=True)
    settings.say(f"saved {path}")


def agreed(name: str, count: int) -> bool:
    """Ask whether a person shall be forgotten; raise UserError where nobody can answer."""
    if not sys.stdin.isatty():
        raise settings.UserError(f"forget deletes {name} and {settings.counted(count, 'photo')} for good: add --yes", 2)
    print(f"Delete {name} and {settings.counted(count, 'photo')} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def main(config: Config) -> int:
    wanted = NAMES[config.action]
    if len(config.names) != wanted:
        raise settings.UserError(f"{config.action} takes {wanted} names, not {len(config.names)}: see --help", 2)
    if config.sheet and (config.action != "list" or config.sheet.suffix.lower() != ".png"):
        raise settings.UserError(f"--sheet {config.sheet}: a .png file, and with list", 2)
    if config.action == "copy":
        counts = opening.copy(*config.names)
        text = "copied {people} people with {photos} photos; {there} photos were there already"
        if config.library and any(map(opening.is_address, config.names)):
            there = opening.is_address(config.names[1])
            corrections = opening.open_corrections(config.names[there])
            counts["words"] = shared_words.copy_words(config.library, corrections, there)
            text += "; {words} words of the photo library"
        print(json.dumps({"done": "copy", **counts}) if config.json else text.format(**counts))
        return 0
    detector, embedder = detection.load_detector(config.detector), recognizers.late_embedder(config.recognizer)
    database = opening.open_people(config.faces, detector, embedder)
    if config.action == "list":
        rows = database.describe()
        for row in rows if config.json else []:
            print(json.dumps(row))
        width = max((len(row["name"]) for row in rows), default=0)
        for row in [] if config.json else rows:
            print(f"{row['name']:{width}} {row['photos']:4} photos, {row['usable']:4} usable, newest {row['newest']}")
        if not rows:
            settings.say(f"nobody is enrolled in {database.place}: python face_recognition/enroll.py NAME PHOTO")
        elif config.sheet:
            save_people(database, [row["name"] for row in rows], config.sheet)
        return 0
    if config.action == "forget":
        agree = (lambda *_: True) if config.yes else agreed
        result = everywhere.forget(database, *config.names, config.library, config.faces, agree)
        if result:
            photos = settings.counted(result["photos"], "photo")
            done = f"forgot {result['names'][0]}: {photos} and all that was seen in them deleted"
            if "library_faces" in result:
                done += f"; {settings.counted(result['library_faces'], 'face')} in the photo library nobody's now"
            print(json.dumps(result) if config.json else done)
        return 0 if result else 1
    library = everywhere.open_library(config.library, config.faces)
    names = [database.existing(name) for name in config.names[:1]]
    result = {"done": config.action, "names": names}
    if config.action == "undo":
        merge, faces = everywhere.undo_merge(database, library)
        names += [merge.source, merge.into]
        done = f"{merge.source} has {settings.counted(len(merge.photos), 'photo')} of {merge.into} again"
        if library:
            result["library_faces"] = faces
            done += f", and {settings.counted(result['library_faces'], 'face')} in the photo library"
    elif config.action == "rename":
        names.append(everywhere.rename(database, library, *config.names)[1])
        done = "{} is now called {}".format(*names)
    else:
        names[:] = everywhere.merge(database, library, *config.names, force=config.force)
        done = "all photos of {} are now {}'s".format(*names)
    print(json.dumps(result) if config.json else done)
    return 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
