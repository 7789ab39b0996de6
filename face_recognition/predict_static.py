"""Recognise the people in photos.

    python face_recognition/predict_static.py photo.jpg               # prints the names, shows or saves the picture
    python face_recognition/predict_static.py photos/ "party/*.png"   # folders, and those in them; patterns
    python face_recognition/predict_static.py photos/ --json          # one JSON object a photo on stdout, nothing else
    python face_recognition/predict_static.py --paths-from list.txt --resume all.jsonl   # very many, also after a stop
    python face_recognition/predict_static.py photos/ --output named/ # annotated pictures into a folder
    python face_recognition/predict_static.py photos/ --crops cut/    # faces cut out, a folder for each person
    python face_recognition/predict_static.py photos/ --blur unknown  # pictures with nobody else's face; or: all

Reads the people of --faces (see enroll.py); writes annotated pictures to --output, by default to output/ where there is
no display. Whoever is not enrolled is "unknown"; faces of animals are left out as far as SFace can tell.
Exit code: 0 all photos were looked at, 1 some could not be used (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import settings
from recognition.bulk import lists, resuming
from recognition.faces import detection, drawing, live
from recognition.media import frames, sinks
from recognition.names import printable
from recognition.people import cut_outs
from recognition.people.database import FACES
from recognition.shared import opening


@dataclass
class Config:
    # images, folders or patterns such as "photos/*.jpg"
    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH...")] = ()
    paths_from: str | None = None  # file with more of them, one a line; - is the standard input
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    recognizer: Literal["auto", "sface", "dlib", "cnn", "vggface"] = "auto"  # names faces; cnn: trained by train.py
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; yunet is best and fastest, cnn is slow
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    output: str | None = None  # folder, or image file, for the annotated pictures
    crops: str | None = None  # folder for the faces, cut out, a folder for each person
    blur: Literal["none", "unknown", "all"] = "none"  # faces to make unrecognisable, instead of boxes and names
    json: bool = False  # print JSON Lines instead of text, and open no window
    resume: str | None = None  # .jsonl file to add them to, without the photos that it has
    show: bool = True  # open a window where there is a display; --no-show saves instead


def main(config: Config) -> int:
    paths, config.json = lists.paths_of(config.paths, config.paths_from), config.json or bool(config.resume)
    detector = detection.load_detector(config.detector)
    recognizer = opening.load(config.recognizer, config.faces, detector, config.accept, config.model, config.weights)
    show, output = sinks.window_or_output(config)
    folder = opening.folder_of(config.faces)
    if output and folder and Path(output).resolve().is_relative_to(folder.resolve()):
        raise settings.UserError(f"--output {output}: would become photos of people there: choose another one", 2)
    made = [output, config.crops]
    suffix = "_named.png" if config.blur == "none" else "_blurred.png"
    with (
        resuming.resumed(config.resume, "faces") as done,
        cut_outs.CutOuts(config.crops, folder) as cut,
        sinks.FrameSink(output, show, suffix, done) as sink,
    ):
        source = frames.FrameSource(paths, all_pages=True, subfolders=True, leave_out=made, done=done)
        for frame in source:
            found = detector.detect(frame.image)
            matches = recognizer.identify(frame.image, found)
            seen = [
                live.Seen(face.box, match, face)
                for face, match in zip(found, matches, strict=True)
                if match.human or config.blur != "none"  # what may be a face is better blurred
            ]
            cut.photo(frame, seen)
            drawing.draw(frame.image, seen, config.blur)
            names = [printable(drawing.shown(one)) for one in sorted(seen, key=lambda one: one.box[0])]
            line = config.json and live.json_line(frame.source, frame.index, seen, frame.scale)
            if sink.put(frame, ", ".join(names) or "no face", line):
                break
    return 1 if source.failed or sink.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
