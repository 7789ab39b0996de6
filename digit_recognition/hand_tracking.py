"""Write numbers in the air, with the tip of a finger or with a coloured cap or pen.

    python digit_recognition/hand_tracking.py                                # the index finger writes before the webcam
    python digit_recognition/hand_tracking.py --tracker marker --color red   # the red cap of a pen does
    python digit_recognition/hand_tracking.py --source clip.mp4 --json       # from a video, one JSON object a number
    python digit_recognition/hand_tracking.py --save-strokes strokes.jsonl   # keep what is written, to train with it

The pen is down while the finger points or the marker is in view. It lifts at a pinch or a fist, when the marker is
covered or leaves the view, and after a pause in the air; another pause lowers it. A longer break ends the number.
Keys: u undo, c clear, 0-9 correct the last digit, Enter ends the number, l and click learn the marker's colour, h help.

Reads models/digits.* and, for the fingertip, data/models/hand_landmarker.task (downloaded once). Appends numbers to
--text. Exit code: 0 all done, 1 the camera or video failed (what was written till then is kept), 2 wrong usage.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import cv2

from recognition import cameras, draw, fingertip, marker, models, settings, sinks, strokes

KEYS = {
    "u": "undo",
    "c": "clear",
    "0-9": "correct the last digit",
    "Enter": "end the number",
    "l, click": "learn color",
}


@dataclass
class Config:
    source: str = "0"  # camera number, device, URL or video file
    tracker: Literal["fingertip", "marker"] = "fingertip"  # what writes: the index finger or something coloured
    color: str = "red"  # of the marker: red, orange, yellow, green, cyan, blue, purple, pink
    learn: tuple[int, int, int, int] | None = None  # instead of --color: box x1 y1 x2 y2 in the first frame that has it
    mirror: bool | None = None  # show the writer himself as in a mirror; default: cameras yes, files no
    pause: float = 0.5  # seconds without movement that lift or lower the pen; raise it if strokes break
    number_pause: float = 3.0  # seconds with the pen up that end a number
    model: str = "digits"  # name of a model in models/
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    text: str | None = "output/numbers.txt"  # file to which each finished number is appended
    save_strokes: str | None = (
        None  # file (.jsonl) to which the strokes of each digit are appended, for train.py --extra
    )
    output: str | None = None  # video file for the annotated frames
    json: bool = False  # print JSON Lines, one a number, and open no window
    show: bool = True  # open a window where there is a display
    size: tuple[int, int] = (1280, 720)  # width and height asked of the camera
    list_cameras: bool = False  # print the cameras and exit


def open_tracker(config: Config) -> fingertip.FingertipTracker | marker.MarkerTracker:
    """Return what finds the writing tip in each frame; its colour is checked before the camera starts."""
    return marker.MarkerTracker(config.color) if config.tracker == "marker" else fingertip.FingertipTracker()


def report(number: list[strokes.AirDigit], frame: sinks.Frame, mirror: bool, config: Config) -> str:
    """Print a finished number, append it to the files that are wanted, and return its text."""
    text = "".join(str(digit.digit) for digit in number)
    if config.json:
        width = frame.image.shape[1] if mirror else 0  # boxes belong to the camera's own frame
        found = [asdict(digit) for digit in strokes.as_digits(number, width)]
        print(json.dumps({"source": frame.source, "frame": frame.index, "text": text, "digits": found}), flush=True)
    else:
        print(text, flush=True)
    if config.text:
        with open(config.text, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    if config.save_strokes:
        strokes.append_strokes(Path(config.save_strokes), number)
    return text


def press(key: str, writer: strokes.Writer) -> None:
    """Do what a key asks of the number being written."""
    if key == "u":
        writer.undo()
    elif key == "c":
        writer.clear()
    elif key.isdecimal():
        writer.correct(int(key))
