"""Read handwritten digits live from a webcam or a phone.

    python digit_recognition/webcam.py                                    # the first webcam, in a window; q quits
    python digit_recognition/webcam.py --list-cameras                     # which cameras there are
    python digit_recognition/webcam.py --source 1 --size 640 480          # another webcam, smaller and faster
    python digit_recognition/webcam.py --source http://192.168.0.5/video  # a phone that streams
    python digit_recognition/webcam.py --json                             # one JSON object a frame on stdout

Prints what it reads once that has stayed for a second. Reads models/pages.*; records the annotated frames to --output,
by default to output/ where there is no display.
Exit code: 0 ended by the user, 1 the camera could not be used or stopped, 2 wrong usage, 130 Ctrl-C.
"""

from dataclasses import dataclass

from recognition import settings
from recognition.digits import drawing, live, numbers, reader
from recognition.media import cameras, canvas, scenes, sinks
from recognition.media.roi import check_roi, draw_roi


@dataclass
class Config:
    source: str = "0"  # number of a webcam, device, URL of a stream, or video file
    size: tuple[int, int] = (1280, 720)  # width and height asked of a webcam, pixels; smaller is faster
    reconnect: bool = True  # take up a stream that dropped again, after 1, 2, 4 ... 30 seconds
    list_cameras: bool = False  # print the cameras and end
    model: str = "pages"  # name of a model in models/ that reads pages
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    roi: tuple[int, int, int, int] | None = None  # x1 y1 x2 y2 in pixels: where to look; default everywhere
    output: str | None = None  # video file, or folder, to record the annotated frames to
    json: bool = False  # print JSON Lines, and open no window
    digits_only: bool = False  # text in the JSON without spaces between numbers and without signs
    show: bool = True  # open a window where there is a display; --no-show records instead


def main(config: Config) -> int:
    if config.list_cameras:
        print("\n".join(cameras.list_cameras()))
        return 0
    model = reader.load(config.model)
    live_reader = live.LiveReader(model, model.threshold(config.threshold), config.roi)
    source = cameras.open_source(config.source, config.size, config.reconnect)
    check_roi(config.roi, source.size)
    show, output = sinks.window_or_output(config, live=True)
    meter, steady = sinks.FpsMeter(), scenes.Steady()
    with sinks.VideoSink(output, show, source, title="digits") as sink:
        for frame in sink.present(source):
            lines = live_reader.read(frame.image)
            if config.json:
                print(numbers.json_line(frame.source, frame.index, lines, config.digits_only), flush=True)
            else:
                steady.tell(frame.seconds, numbers.text_of(lines, config.digits_only).replace("\n", " / "))
            drawing.draw_digits(frame.image, lines)
            canvas.draw_fps(frame.image, meter.tick())
            draw_roi(frame.image, config.roi)
            if sink.put(frame):
                break
    return 1 if source.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
