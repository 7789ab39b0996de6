"""Read the handwritten numbers in photos.

    python digit_recognition/predict_static.py photo.jpg              # prints the numbers, shows or saves the picture
    python digit_recognition/predict_static.py photos/ "scans/*.png"  # folders, and those in them; patterns
    python digit_recognition/predict_static.py photos/ --json         # one JSON object a photo on stdout, nothing else
    python digit_recognition/predict_static.py --paths-from list.txt --resume all.jsonl   # very many, also after a stop
    python digit_recognition/predict_static.py photos/ --output read/ # annotated pictures into a folder
    python digit_recognition/predict_static.py page.jpg --csv page.csv  # a table for a spreadsheet

Reads models/pages.*; writes annotated pictures to --output, by default to output/ where there is no display, and a
table to --csv.
Exit code: 0 all photos were read, 1 some could not be used (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from typing import Annotated

import tyro

from recognition import settings
from recognition.bulk import lists, resuming
from recognition.digits import drawing, numbers, reader, tables
from recognition.media import frames, sinks


@dataclass
class Config:
    # images, folders or patterns such as "photos/*.jpg"
    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH...")] = ()
    paths_from: str | None = None  # file with more of them, one a line; - is the standard input
    model: str = "pages"  # name of a model in models/ that reads pages
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    output: str | None = None  # folder, or image file, for the annotated pictures
    csv: str | None = None  # .csv file for the numbers, a row a line; if there are several pictures, file names first
    json: bool = False  # print JSON Lines instead of text, and open no window
    resume: str | None = None  # .jsonl file to add them to, without the photos that it has
    digits_only: bool = False  # text without spaces between numbers and without signs
    handwritten: bool = False  # leave printed digits out
    show: bool = True  # open a window where there is a display; --no-show saves instead


def main(config: Config) -> int:
    paths, config.json = lists.paths_of(config.paths, config.paths_from), config.json or bool(config.resume)
    if config.csv:
        tables.check_csv(config.csv)
    if config.csv and config.resume:
        raise settings.UserError("--resume adds JSON Lines to a file, --csv writes a whole table: choose one", 2)
    model = reader.load(config.model)
    threshold = model.threshold(config.threshold)
    show, output = sinks.window_or_output(config)
    pages = []
    try:
        with resuming.resumed(config.resume, "digits") as done, sinks.FrameSink(output, show, done=done) as sink:
            source = frames.FrameSource(paths, all_pages=True, subfolders=True, leave_out=[output], done=done)
            for frame in source:
                lines, rotated = reader.read_page(frame.image, model, threshold, config.handwritten)
                pages += [(frame.source, lines)] * bool(config.csv)
                drawing.draw_digits(frame.image, lines)
                text = numbers.text_of(lines, config.digits_only).replace("\n", " / ") or "no digit"
                if rotated:
                    text += f"  (turned by {rotated} degrees)"
                line = config.json and numbers.json_line(
                    frame.source, frame.index, lines, config.digits_only, rotated, frame.scale
                )
                if sink.put(frame, text, line):
                    break
    finally:
        if config.csv and pages:  # also what was read before Ctrl-C
            tables.write_csv(config.csv, pages, several=len(pages) + len(source.failed) > 1)
    return 1 if source.failed or sink.failed else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
