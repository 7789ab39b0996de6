"""Say live what a webcam or a phone sees.

    python cifar_recognition/webcam.py                                    # the first webcam, in a window; q quits
    python cifar_recognition/webcam.py --list-cameras                     # which cameras there are
    python cifar_recognition/webcam.py --source 1 --size 640 480          # another webcam, smaller and faster
    python cifar_recognition/webcam.py --source http://192.168.0.5/video  # a phone that streams
    python cifar_recognition/webcam.py --json                             # one JSON object a frame on stdout

Prints what it sees once that has stayed for a second. Reads models/photos.* and EfficientNet-Lite0, or the model of
--model (see predict_static.py); records the annotated frames to --output, by default to output/ where there is no
display. What is shown is averaged over the last half second.
Exit code: 0 ended by the user, 1 the camera could not be used or stopped, 2 wrong usage, 130 Ctrl-C.
"""

import math
from dataclasses import dataclass

from recognition import settings
from recognition.media import cameras, canvas, scenes, sinks
from recognition.media.roi import check_roi, draw_roi
from recognition.objects import classification, drawing, live


@dataclass
class Config:
    source: str = "0"  # number of a webcam, device, URL of a stream, or video file
    size: tuple[int, int] = (1280, 720)  # width and height asked of a webcam, pixels; smaller is faster
    reconnect: bool = True  # take up a stream that dropped again, after 1, 2, 4 ... 30 seconds
    list_cameras: bool = False  # print the cameras and end
    model: str = "photos"  # photos, imagenet (a thousand kinds), cifar10 (the 32x32 network), or one of your own
    threshold: float | None = None  # least fit of a class, 0 to 1, default the model's own; higher errs less
    top: int = 5  # classes listed, the most probable first
    roi: tuple[int, int, int, int] | None = None  # x1 y1 x2 y2 in pixels: where to look; default everywhere
    output: str | None = None  # video file, or folder, to record the annotated frames to
    json: bool = False  # print JSON Lines, and open no window
    show: bool = True  # open a window where there is a display; --no-show records instead


def main(config: Config) -> int:
    if config.list_cameras:
        print("\n".join(cameras.list_cameras()))
        return 0
    settings.check_range(config, 1, math.inf, "top")
    classifier = classification.load(config.model)
    live_objects = live.LiveObjects(classifier, classifier.threshold(config.threshold), config.roi, config.top)
    source = cameras.open_source(config.source, config.size, config.reconnect)
    check_roi(config.roi, source.size)
    show, output = sinks.window_or_output(config, live=True)
    meter, steady = sinks.FpsMeter(), scenes.Steady()
    with sinks.VideoSink(output, show, source, title="objects") as sink:
        for frame in sink.present(source):
            seen = live_objects.classify(frame)
            if config.json:
                print(classification.json_line(frame.source, frame.index, seen), flush=True)
            else:
                steady.tell(frame.seconds, seen.name if seen.known else "")
            drawing.draw_objects(frame.image, seen)
            canvas.draw_fps(frame.image, meter.tick())
            draw_roi(frame.image, config.roi)
            if sink.put(frame):
                break
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
