"""Say what a video shows, and when.

    python cifar_recognition/video.py film.mp4                         # shows it, or saves output/film_read.mp4
    python cifar_recognition/video.py film.mp4 --output named.mp4      # annotated video; prints what was seen and when
    python cifar_recognition/video.py film.mp4 --json                  # one JSON object a frame on stdout, nothing else
    python cifar_recognition/video.py film.mp4 --roi 100 50 900 600    # looks at this part only
    python cifar_recognition/video.py http://192.168.0.5/film.mp4      # from the network

Reads models/photos.* and EfficientNet-Lite0, or the model of --model (see predict_static.py); writes the annotated
video to --output, by default to output/ where there is no display. What is shown is averaged over half a second, anew
after each cut.
Exit code: 0 the whole video was looked at, 1 it could not be used or was cut short, 2 wrong usage, 130 Ctrl-C.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import tyro

from recognition import progress, settings
from recognition.media import scenes, sinks, videos
from recognition.media.roi import check_roi, draw_roi
from recognition.objects import classification, drawing, live
from recognition.objects.classes import NONE


@dataclass
class Config:
    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE-OR-URL")]  # the video
    model: str = "photos"  # photos, imagenet (a thousand kinds), cifar10 (the 32x32 network), or one of your own
    threshold: float | None = None  # least fit of a class, 0 to 1, default the model's own; higher errs less
    top: int = 5  # classes listed, the most probable first
    roi: tuple[int, int, int, int] | None = None  # x1 y1 x2 y2 in pixels: where to look; default everywhere
    output: str | None = None  # video file, or folder, for the annotated video
    json: bool = False  # print JSON Lines instead of text, and open no window
    show: bool = True  # open a window where there is a display and no --output; --no-show saves instead


def main(config: Config) -> int:
    settings.check_range(config, 1, math.inf, "top")
    classifier = classification.load(config.model)
    live_objects = live.LiveObjects(classifier, classifier.threshold(config.threshold), config.roi, config.top)
    source = videos.VideoSource(config.path)
    check_roi(config.roi, source.size)
    show, output = sinks.window_or_output(config)
    stays = scenes.Stays(source.fps, None if config.json else NONE)
    with sinks.VideoSink(output, show, source, title="objects") as sink, stays:
        for frame in progress.watched(source, source.count):
            seen = live_objects.classify(frame)
            stays.add(frame.seconds, seen.name if seen.known else "")
            if config.json:
                print(classification.json_line(frame.source, frame.index, seen), flush=True)
            drawing.draw_objects(frame.image, seen)
            draw_roi(frame.image, config.roi)
            if sink.put(frame):
                break
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
