"""Recognise the faces in a video.

    python face_recognition/video.py film.mp4                          # shows it, or saves output/film_read.mp4
    python face_recognition/video.py film.mp4 --output named.mp4       # annotated video, then who was seen when
    python face_recognition/video.py film.mp4 --json                   # one JSON object a frame on stdout, nothing else
    python face_recognition/video.py film.mp4 --timeline seen.csv      # who was seen from when to when; and seen.png
    python face_recognition/video.py film.mp4 --crops cut/             # the best view of everybody, a folder a person
    python face_recognition/video.py film.mp4 --blur unknown           # a video with nobody else's face; or: all
    python face_recognition/video.py http://192.168.0.5/film.mp4       # from the network

People are those of --faces: enroll them with `python face_recognition/enroll.py`; all others are unknown. A face is
followed from frame to frame, and several looks at it must agree before it is named; then the name counts from about a
second before. The same file gives the same result.
Exit code: 0 the whole video was read, 1 it could not be used or was cut short, 2 wrong usage, 130 Ctrl-C.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import progress, settings
from recognition.faces import detection, drawing, live, timeline
from recognition.media import sinks, videos
from recognition.people import cut_outs
from recognition.people.database import FACES
from recognition.shared import opening


@dataclass
class Config:
    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE-OR-URL")]  # the video
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; yunet is best and fastest, cnn is slow
    recognizer: Literal["auto", "sface", "dlib", "cnn", "vggface"] = "auto"  # names faces; cnn: trained by train.py
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    timeline: str | None = None  # .csv file for who was seen from when to when; a .png picture comes beside it
    output: str | None = None  # video file, or folder, for the annotated video
    crops: str | None = None  # folder for the faces, cut out, a folder for each person
    blur: Literal["none", "unknown", "all"] = "none"  # faces to make unrecognisable, instead of boxes and names
    json: bool = False  # print JSON Lines instead of text, and open no window
    show: bool = True  # open a window where there is a display and no --output; --no-show saves instead


def main(config: Config) -> int:
    source = videos.VideoSource(config.path)
    who = timeline.Timeline(source.fps, config.timeline)
    detector = detection.load_detector(config.detector, "quick")
    recognizer = opening.load(config.recognizer, config.faces, detector, config.accept, config.model, config.weights)
    show, output = sinks.window_or_output(config)
    cut = cut_outs.CutOuts(config.crops, opening.folder_of(config.faces))
    with who, cut, sinks.VideoSink(output, show, source, title="faces") as sink:
        watcher = live.Watcher(detector, recognizer, closely=config.blur != "none")
        try:
            for frame, seen in live.settled(progress.watched(source, source.count), watcher):
                who.add(frame.seconds, seen)
                if config.json:
                    print(live.json_line(frame.source, frame.index, seen), flush=True)
                cut.video(frame, seen)
                drawing.draw(frame.image, seen, config.blur)
                if sink.put(frame):
                    break
        finally:  # also of a film that was broken off
            if not config.json:
                print(who.text())
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
