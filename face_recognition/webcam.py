"""Recognise faces live from a webcam or a phone.

    python face_recognition/webcam.py                                    # the first webcam, in a window; q quits
    python face_recognition/webcam.py --list-cameras                     # which cameras there are
    python face_recognition/webcam.py --source 1 --size 640 480          # another webcam, smaller and faster
    python face_recognition/webcam.py --source http://192.168.0.5/video  # a phone that streams
    python face_recognition/webcam.py --json                             # one JSON object a frame on stdout

Prints who is there once that has stayed for a second.
The key c enrolls the unknown face in front: look into the camera, press it, type the name. Whoever is enrolled by
another program meanwhile is known at once, too. Photos stay on this computer, in --faces; ask people first.
Exit code: 0 ended by the user, 1 the camera could not be used or stopped, 2 wrong usage, 130 Ctrl-C.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import settings
from recognition.faces import detection, drawing, live, timeline
from recognition.media import cameras, canvas, frames, scenes, sinks
from recognition.people import enrolment, recognizers
from recognition.people.database import FACES, People
from recognition.shared import opening

KEYS = {"c": "name the unknown face in front"}
REFRESH = 0.5  # seconds from one look at --faces to the next
NOTE = 4.0  # seconds that a note is shown


@dataclass
class Config:
    source: str = "0"  # number of a webcam, device, URL of a stream, or video file
    size: tuple[int, int] = (640, 480)  # width and height asked of a webcam, pixels; larger finds faces farther away
    reconnect: bool = True  # take up a stream that dropped again, after 1, 2, 4 ... 30 seconds
    list_cameras: bool = False  # print the cameras and end
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; yunet is best and fastest, cnn is slow
    recognizer: Literal["auto", "sface", "dlib", "cnn", "vggface"] = "auto"  # names faces; cnn: trained by train.py
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    timeline: str | None = None  # .csv file for who was seen from when to when; a .png picture comes beside it
    output: str | None = None  # video file, or folder, to record the annotated frames to
    json: bool = False  # print JSON Lines, and open no window
    show: bool = True  # open a window where there is a display; --no-show records instead


def enroll_in_front(
    sink: sinks.VideoSink, frame: frames.Frame, clean: np.ndarray, seen: list[live.Seen], database: People, hint: str
) -> str:
    """Ask for the name of the largest unknown face and enroll it, from `clean`, BGR; return what to tell the user.

    `hint`: what else to tell whoever has enrolled somebody.
    """
    unknown = [one for one in seen if one.name is None and one.face]
    if not unknown:
        return "no unknown face in view"
    asked = replace(frame, image=frame.image.copy())  # the frame itself is being recorded
    canvas.draw_box(asked.image, unknown[0].box, "who is this?", canvas.ORANGE)
    typed = sink.ask(asked, "name")
    name = typed.title() if typed.islower() else typed  # most windows do not tell capitals from small letters
    if not name:
        return "nobody was enrolled"
    try:
        enrolment.enroll_frame(database, name, clean, [unknown[0].face])
    except settings.UserError as error:
        settings.say(f"error: {error}")
        return f"not enrolled: {error}"
    note = f"enrolled {name}: {hint}"
    settings.say(note)
    return note


def main(config: Config) -> int:
    if config.list_cameras:
        print("\n".join(cameras.list_cameras()))
        return 0
    source = cameras.open_source(config.source, config.size, config.reconnect)
    who = timeline.Timeline(source.fps, config.timeline)
    detector = detection.load_detector(config.detector, "quick")
    recognizer = opening.load(config.recognizer, config.faces, detector, config.accept, config.model, config.weights)
    database = getattr(recognizer, "people", None)  # the cnn has none
    hint = (
        f"unknown to the cnn till you {recognizers.TRAIN}" if database is None else "people.py rename changes the name"
    )
    show, output = sinks.window_or_output(config, live=True)
    meter, steady, note, noted, refreshed = sinks.FpsMeter(), scenes.Steady(), "", 0.0, 0.0
    with who, sinks.VideoSink(output, show, source, KEYS, "faces") as sink:
        watcher = live.Watcher(detector, recognizer)
        for frame in sink.present(source):
            now = time.monotonic()
            if now - refreshed > REFRESH:
                refreshed = now
                watcher.refresh()
            clean = frame.image.copy() if show else frame.image
            seen = watcher.watch(frame.image, frame.seconds)
            who.add(frame.seconds - sink.paused, seen)
            if config.json:
                print(live.json_line(frame.source, frame.index, seen), flush=True)
            else:
                steady.tell(frame.seconds, ", ".join(sorted(one.name for one in seen if one.name)))
            drawing.draw_faces(frame.image, seen)
            canvas.draw_fps(frame.image, meter.tick())
            canvas.draw_text(frame.image, "", note if now < noted + NOTE else "")
            sink.write(frame)
            if sink.show(frame) == "c":
                database = database or opening.open_people(config.faces, detector, recognizers.load_embedder("auto"))
                note = enroll_in_front(sink, frame, clean, seen, database, hint)
                noted, refreshed = time.monotonic(), 0.0
            if sink.quit:
                break
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
