"""Read the handwritten digits in a video.

    python digit_recognition/video.py film.mp4                         # shows it, or saves output/film_read.mp4
    python digit_recognition/video.py film.mp4 --output read.mp4       # annotated video; prints what was seen and when
    python digit_recognition/video.py film.mp4 --json                  # one JSON object a frame on stdout, nothing else
    python digit_recognition/video.py film.mp4 --roi 100 50 900 600    # looks for digits in this part only
    python digit_recognition/video.py http://192.168.0.5/film.mp4      # from the network

Reads models/pages.*; writes the annotated video to --output, by default to output/ where there is no display.
Exit code: 0 the whole video was read, 1 it could not be used or was cut short, 2 wrong usage, 130 Ctrl-C.
"""

from dataclasses import dataclass
from typing import Annotated

import tyro

from recognition import progress, settings
from recognition.digits import drawing, live, numbers, reader
from recognition.media import scenes, sinks, videos
from recognition.media.roi import check_roi, draw_roi


@dataclass
class Config:
    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE-OR-URL")]  # the video
    model: str = "pages"  # name of a model in models/ that reads pages
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    roi: tuple[int, int, int, int] | None = None  # x1 y1 x2 y2 in pixels: where to look; default everywhere
    output: str | None = None  # video file, or folder, for the annotated video
    json: bool = False  # print JSON Lines instead of text, and open no window
    digits_only: bool = False  # text without spaces between numbers and without signs
    show: bool = True  # open a window where there is a display and no --output; --no-show saves instead


def main(config: Config) -> int:
    model = reader.load(config.model)
    live_reader = live.LiveReader(model, model.threshold(config.threshold), config.roi)
    source = videos.VideoSource(config.path)
    check_roi(config.roi, source.size)
    show, output = sinks.window_or_output(config)
    stays = scenes.Stays(source.fps, None if config.json else "no digits")
    with sinks.VideoSink(output, show, source, title="digits") as sink, stays:
        for frame in progress.watched(source, source.count):
            lines = live_reader.read(frame.image)
            stays.add(frame.seconds, " / ".join(numbers.text_of(lines, config.digits_only).splitlines()))
            if config.json:
                print(numbers.json_line(frame.source, frame.index, lines, config.digits_only), flush=True)
            drawing.draw_digits(frame.image, lines)
            draw_roi(frame.image, config.roi)
            if sink.put(frame):
                break
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
