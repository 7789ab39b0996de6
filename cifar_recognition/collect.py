"""Collect images of your own classes with a webcam, and see at once how well they are told apart.

    python cifar_recognition/collect.py cat dog other       # hold 1, 2, 3 to collect; t trains; u undoes; q quits
    python cifar_recognition/collect.py cat dog other       # once more: goes on with what is there
    python cifar_recognition/collect.py red blue --folder data/cups           # another folder, and model, for each set
    python cifar_recognition/collect.py cat dog --source http://192.168.0.5/video --size 640 480
    python cifar_recognition/webcam.py --model own          # afterwards; video.py and predict_static.py take it, too

    data/own/cat/*.jpg      what was collected: look at it, delete what is wrong, add photos of your own
    data/own/dog/*.jpg

Two to nine classes; one called "none of these" holds what belongs to no class. While a key is held up to eight images a
second are taken, none that looks as the last one did. The key t learns in a moment from the features of a network that
knows ImageNet (five images of each class are enough to begin with; some dozens are better), and the window shows the
answers. Meanwhile extract_features.py and train_transfer.py make the model that stays, models/NAME.*, called like the
folder, in programs of their own; when it is there, its answers are shown. Nothing leaves this computer.
Exit code: 0 ended by the user, 1 no camera, no display, or nothing could be saved, 2 wrong usage, 130 Ctrl-C.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from recognition import settings
from recognition.files import DATA
from recognition.media import cameras, canvas, frames, sinks, windows
from recognition.models import cards
from recognition.objects import backbones
from recognition.objects.collecting import collection
from recognition.objects.collecting.session import Session

KEYS = {"t": "train", "u": "undo what was taken last"}


@dataclass
class Config:
    # two to nine classes, in the order of the keys 1 to 9; without any, those that the folder has
    classes: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="CLASS...")] = ()
    folder: Path = DATA / "own"  # for CLASS/*.jpg; the model is called like it
    source: str = "0"  # number of a webcam, device, URL of a stream, or video file
    size: tuple[int, int] = (1280, 720)  # width and height asked of a webcam, pixels
    list_cameras: bool = False  # print the cameras and end


def check(config: Config) -> tuple[collection.Collection, str]:
    """Return the collection and the name of its model; raise UserError for what cannot be collected."""
    names = config.classes or tuple(collection.images_in(config.folder))
    images = collection.Collection(config.folder, collection.check_names(names))
    name = config.folder.resolve().name
    cards.check_name(name)
    backbones.head_card(name)
    if not windows.has_display():
        by_hand = f"put photos into {config.folder / 'CLASS'} by hand, then run {backbones.EXTRACT} {config.folder}"
        raise settings.UserError(f"no display, and so no window to see the camera's picture in: {by_hand}")
    return images, name


def main(config: Config) -> int:
    if config.list_cameras:
        print("\n".join(cameras.list_cameras()))
        return 0
    images, name = check(config)
    session = Session(images, name)
    source = cameras.open_source(config.source, config.size)
    keys = {f"1 to {len(images.files)}": "hold to collect images of a class"} | KEYS
    meter = sinks.FpsMeter()
    with session, sinks.VideoSink(None, True, source, keys, title="collect") as sink:
        for frame in source:
            clean = frames.Frame(frame.source, frame.index, frame.image.copy(), frame.seconds)
            session.draw(frame)
            canvas.draw_fps(frame.image, meter.tick())
            session.press(sink.show(frame), clean)
            if sink.quit:
                break
    counts = ", ".join(f"{count} of {one}" for one, count in images.counts.items())
    print(f"{config.folder}: {counts}")
    return 1 if source.failed or session.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
