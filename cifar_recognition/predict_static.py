"""Say what photos show.

    python cifar_recognition/predict_static.py photo.jpg               # prints the classes, shows or saves the picture
    python cifar_recognition/predict_static.py photos/ "pets/*.png"    # folders, and those in them; patterns
    python cifar_recognition/predict_static.py photos/ --json          # one JSON object a photo on stdout, nothing else
    python cifar_recognition/predict_static.py --paths-from list.txt --resume all.jsonl   # very many, also after a stop
    python cifar_recognition/predict_static.py photos/ --output named/ # annotated pictures into a folder
    python cifar_recognition/predict_static.py photo.jpg --explain     # the picture shows what spoke for the class
    python cifar_recognition/predict_static.py photo.jpg --model imagenet   # a thousand kinds of things, not ten

Reads models/photos.* and EfficientNet-Lite0, which pip brings and which is converted once, or the model of --model (see
train_photos.py, train.py, train_transfer.py); writes annotated pictures to --output, by default to output/ where there
is no display. A photo that fits no class is "none of these".
Exit code: 0 all photos were looked at, 1 some could not be used (the others were), 2 wrong usage.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import tyro

from recognition import settings
from recognition.bulk import lists, resuming
from recognition.media import frames, sinks
from recognition.objects import classification, drawing, occlusion


@dataclass
class Config:
    # images, folders or patterns such as "photos/*.jpg"
    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH...")] = ()
    paths_from: str | None = None  # file with more of them, one a line; - is the standard input
    model: str = "photos"  # photos, imagenet (a thousand kinds), cifar10 (the 32x32 network), or one of your own
    threshold: float | None = None  # least fit of a class, 0 to 1, default the model's own; higher errs less
    top: int = 5  # classes listed, the most probable first
    explain: bool = False  # colour what spoke for the class in the picture; takes forty times as long
    output: str | None = None  # folder, or image file, for the annotated pictures
    json: bool = False  # print JSON Lines instead of text, and open no window
    resume: str | None = None  # .jsonl file to add them to, without the photos that it has
    show: bool = True  # open a window where there is a display; --no-show saves instead


def main(config: Config) -> int:
    paths, config.json = lists.paths_of(config.paths, config.paths_from), config.json or bool(config.resume)
    settings.check_range(config, 1, math.inf, "top")
    if config.explain and config.json and not config.output:
        raise settings.UserError("--explain colours pictures, and --json makes none: name a folder with --output", 2)
    classifier = classification.load(config.model)
    threshold = classifier.threshold(config.threshold)
    show, output = sinks.window_or_output(config)
    suffix = "_explained.png" if config.explain else "_named.png"
    with resuming.resumed(config.resume, "known") as done, sinks.FrameSink(output, show, suffix, done) as sink:
        source = frames.FrameSource(paths, all_pages=True, subfolders=True, leave_out=[output], done=done)
        for frame in source:
            seen = classification.classify(frame.image, classifier, threshold, config.top)
            if show or output:
                heat = occlusion.explain(frame.image, classifier, seen.top[0].label) if config.explain else None
                frame.image = drawing.picture(frame.image, seen, heat)
            line = config.json and classification.json_line(frame.source, frame.index, seen)
            if sink.put(frame, classification.text_of(seen), line):
                break
    return 1 if source.failed or sink.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
