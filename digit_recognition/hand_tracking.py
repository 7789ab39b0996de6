"""Write numbers in the air, with the tip of a finger or with a coloured cap or pen.

    python digit_recognition/hand_tracking.py                                # the index finger writes before the webcam
    python digit_recognition/hand_tracking.py --tracker marker --color red   # the red cap of a pen does
    python digit_recognition/hand_tracking.py --source clip.mp4 --json       # from a video, one JSON object a number
    python digit_recognition/hand_tracking.py --save-strokes strokes.jsonl   # keep what is written, to train with it

The pen is down while the finger points or the marker is in view. It lifts at a pinch or a fist, when the marker is
covered or leaves the view, and after a pause in the air; another pause lowers it. A longer break ends the number.
Keys: u undo, c clear, 0-9 correct the last digit, Enter ends the number, a click learns the marker's colour, h help.

Reads models/digits.* and, for the fingertip, data/models/hand_landmarker.task (downloaded once). Appends numbers to
--text. Exit code: 0 all done, 1 the camera or video failed (what was written till then is kept), 2 wrong usage,
130 Ctrl-C.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import tyro

from recognition import files, settings
from recognition.air_writing import drawing, fingertip, marker, strokes
from recognition.air_writing.pen import Pen
from recognition.digits import crops, numbers
from recognition.media import cameras, canvas, frames, sinks

KEYS = {
    "u": "undo the stroke being written, else the last digit",
    "c": "clear the number",
    "0-9": "correct the last digit, also a ?",
    "Enter": "end the number",
    "click": "follow a marker of this colour",
}


@dataclass
class Config:
    source: str = "0"  # camera number, device, URL or video file
    tracker: Literal["fingertip", "marker"] = "fingertip"  # what writes: the index finger or something coloured
    color: str = "red"  # of the marker: red, orange, yellow, green, cyan, blue, purple, pink
    learn: tuple[int, int, int, int] | None = None  # instead of --color: box x1 y1 x2 y2 around it in the first frame
    mirror: Annotated[bool | None, tyro.conf.arg(constructor=bool)] = None  # as in a mirror; default: only cameras
    pause: float = 0.5  # seconds without movement that lift or lower the pen; raise it if strokes break
    number_pause: float = 3.0  # seconds with the pen up that end a number
    model: str = "digits"  # name of a model in models/
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    text: str | None = "output/numbers.txt"  # file to which each finished number is appended
    save_strokes: str | None = None  # file (.jsonl) to append each digit's strokes to, for train.py --extra
    output: str | None = None  # video file for the annotated frames
    json: bool = False  # print JSON Lines, one a number, and open no window
    show: bool = True  # open a window where there is a display
    size: tuple[int, int] = (1280, 720)  # width and height asked of the camera
    reconnect: bool = True  # take up a stream that dropped again, after 1, 2, 4 ... 30 seconds
    list_cameras: bool = False  # print the cameras and exit


def open_tracker(config: Config) -> fingertip.FingertipTracker | marker.MarkerTracker:
    """Return what finds the writing tip in each frame."""
    if config.tracker == "marker":
        return marker.MarkerTracker(config.color.lower())
    return fingertip.FingertipTracker(fingertip.fetch_model())


def check(config: Config) -> None:
    """Raise UserError for settings that cannot work, before any work is done."""
    if not config.pause >= 0.1:  # so that NaN fails, too
        raise settings.UserError(f"--pause {config.pause:g}: must be 0.1 seconds or more", 2)
    if not config.number_pause >= config.pause:
        raise settings.UserError(f"--number-pause {config.number_pause:g}: must not be less than --pause", 2)
    if config.tracker != "marker" and (config.learn or config.color != Config.color):
        raise settings.UserError("--color and --learn are for coloured markers: add --tracker marker", 2)
    if config.learn and not (config.learn[0] < config.learn[2] and config.learn[1] < config.learn[3]):
        raise settings.UserError(
            f"--learn {' '.join(map(str, config.learn))}: must be x1 y1 x2 y2, x1 < x2, y1 < y2", 2
        )
    if config.text:
        files.check_appendable(Path(config.text), "--text")
    if config.save_strokes:
        if Path(config.save_strokes).suffix != ".jsonl":
            raise settings.UserError(f"--save-strokes {config.save_strokes}: name it .jsonl, for train.py --extra", 2)
        files.check_appendable(Path(config.save_strokes), "--save-strokes")


def finish(number: list[strokes.AirDigit], frame: frames.Frame, mirror: bool, config: Config) -> str:
    """Print a finished number and append it to the files that are wanted; return what to tell the user."""
    found = strokes.as_digits(number, mirrored=frame.image.shape[1] if mirror else 0)
    lines = [[numbers.join(found)]]  # wherever in the air its digits were written
    text = numbers.text_of(lines)
    print(numbers.json_line(frame.source, frame.index, lines) if config.json else text, flush=True)
    if config.text:
        with Path(config.text).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    if config.save_strokes:
        strokes.append_strokes(Path(config.save_strokes), number)
    return f"wrote {text}"


def press(key: str, writer: strokes.Writer, pen: Pen) -> list[strokes.AirDigit] | None:
    """Do what a key asks of the number and the stroke that are being written; return the number if it is ended."""
    if key not in (*"uc0123456789", "\r"):
        return None
    if key.isdecimal() and writer.digits:
        writer.correct(int(key))  # what was read; a stroke being written goes on
        return None
    stroke = pen.lift() if pen.down else None  # a pen that is up stays up
    if key == "u" and stroke is None:
        writer.undo()
    elif key == "c":
        writer.clear()
    elif key != "u":
        writer.add(stroke)
    if key.isdecimal():
        writer.correct(int(key))
    return writer.finish() if key == "\r" else None


def learn(tracker: marker.MarkerTracker, image: np.ndarray, target: tuple) -> str:
    """Let the marker have the colour at a point clicked or in the box of --learn; return what to tell the user."""
    try:
        tracker.learn(image, target) if len(target) == 4 else tracker.learn_at(image, target)
    except settings.UserError as error:
        if len(target) == 4:
            raise settings.UserError(f"--learn {' '.join(map(str, target))}: {error}", 2) from None
        return str(error)
    return "colour learned"


def main(config: Config) -> int:
    if config.list_cameras:
        print("\n".join(cameras.list_cameras()))
        return 0
    check(config)
    model = crops.load(config.model)
    writer = strokes.Writer(model.predict, model.threshold(config.threshold), config.number_pause)
    source = cameras.open_source(config.source, config.size, config.reconnect)
    tracker = open_tracker(config)
    mirror = source.live if config.mirror is None else config.mirror
    show, output = sinks.window_or_output(config, live=True)
    pen, meter, frame = Pen(*source.size, config.pause), sinks.FpsMeter(), None
    keys = {key: meaning for key, meaning in KEYS.items() if key != "click" or config.tracker == "marker"}
    note, target = "", config.learn  # a line for the user, and where to learn the marker's colour
    if mirror and target:
        target = (source.size[0] - target[2], target[1], source.size[0] - target[0], target[3])
    with sinks.VideoSink(output, show, source, keys, "write in the air") as sink:
        try:
            for frame in sink.present(source):
                if mirror:
                    frame.image = cv2.flip(frame.image, 1)
                if target:
                    note, target = learn(tracker, frame.image, target), None
                seconds = frame.seconds - sink.paused
                tip = tracker.track(frame.image, seconds)
                writer.add(pen.update(tip, seconds))
                number = writer.pause(seconds, pen.writing)
                drawing.draw_writing(frame.image, pen, writer, tip, note)
                canvas.draw_fps(frame.image, meter.tick())
                sink.write(frame)
                number = press(sink.show(frame), writer, pen) or number
                note = finish(number, frame, mirror, config) if number else note
                target = sink.clicked if config.tracker == "marker" else None
                if sink.quit:
                    break
        finally:  # also after Ctrl-C: what was written is kept
            writer.add(pen.lift())
            number = writer.finish()
            if number:
                finish(number, frame, mirror, config)
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
