"""Measure how well people are recognised, and show where it errs.

    python face_recognition/evaluate.py                            # your people: each photo against all the others
    python face_recognition/evaluate.py photos                     # photos/NAME/* of them; other names are strangers
    python face_recognition/evaluate.py photos --recognizer cnn    # by the network that train.py trained
    python face_recognition/evaluate.py data/lfw --pairs data/lfw_pairs.txt   # is it one person? LFW's protocol
    python face_recognition/evaluate.py --json                     # the numbers, and all mistakes, as one JSON object

Reads --faces, the database of people. Writes found.png (people found against strangers named), confusion.png and
wrong.png (mistakes, the surest first) to --output; with --pairs roc.png and wrong.png.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from recognition import files, progress, settings
from recognition.evaluation import metrics, plots
from recognition.evaluation.sheets import save_sheet
from recognition.faces import detection, evaluation, gallery, labelled_photos
from recognition.faces.crops import crops_of
from recognition.media.frames import read_image
from recognition.people import recognizers
from recognition.people.database import FACES
from recognition.people.embed_photos import BATCH
from recognition.shared import opening

WORST = 30  # mistakes shown


@dataclass
class Config:
    photos: Annotated[Path | None, tyro.conf.Positional] = None  # folder of photos NAME/*; default: your people's own
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    pairs: Path | None = None  # list of pairs of photos in the folder, as LFW has it
    recognizer: Literal["auto", "sface", "dlib", "cnn", "vggface"] = "auto"  # what is measured
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    threshold: float | None = None  # with --pairs: distance below which two photos are one person's, if not by accept
    output: Path = Path("output/evaluate")  # folder for the figures
    json: bool = False  # print JSON instead of a table
    show: bool = True  # open the figures in windows where there is a display


def embed_photos(photos: labelled_photos.MainFaces, embedder) -> tuple[list[Path], np.ndarray]:
    """Return the paths of the photos with a face and their embeddings, float32 (N, D)."""
    paths, found = [], [np.zeros((0, 1), np.float32)]
    cut = ((frame.source, crops_of(frame.image, [face], embedder.size, embedder.padding)) for frame, face in photos)
    for some in progress.batches(cut, BATCH):
        paths += [Path(source) for source, _ in some]
        found.append(embedder.embed(np.concatenate([crop for _, crop in some])))
    return paths, np.concatenate(found[1:] or found)


def evaluate_pairs(config: Config, output: Path) -> tuple[dict, list[Path]]:
    """Return the numbers of LFW's protocol, and the figures; pairs with a photo without a face count as mistakes."""
    pairs = evaluation.load_pairs(config.pairs, config.photos)
    embedder = recognizers.load_embedder(config.recognizer, config.weights)
    threshold = config.threshold or gallery.pair_threshold(embedder.statistics, config.accept)
    wanted = sorted({path for pair in pairs for path in pair[:2]})
    photos = labelled_photos.MainFaces(wanted, detection.load_detector(config.detector), count=len(wanted))
    paths, found = embed_photos(photos, embedder)
    rows = dict(zip(paths, gallery.unit(found), strict=True))
    same = np.array([pair[2] for pair in pairs])
    distances = np.array([
        np.linalg.norm(rows[one] - rows[other]) if one in rows and other in rows else np.nan for one, other, _ in pairs
    ])  # fmt: skip
    missing = np.isnan(distances)
    if missing.all():
        raise settings.UserError(f"{config.pairs}: no pair with a face in both of its photos")
    distances[missing] = np.where(same[missing], np.inf, -np.inf)
    taken = distances < threshold
    errors = np.flatnonzero(taken != same)
    errors = errors[np.argsort(-np.abs(distances[errors] - threshold), kind="stable")]
    result = {
        "pairs": len(pairs),
        "photos": len(wanted),
        "without_a_face": len(photos.faceless),
        "unreadable": len(photos.unreadable),
        "threshold": round(threshold, 4),
        "accuracy": evaluation.accuracy(distances, same, threshold),
        "found": float(taken[same].mean()),
        "mistaken": float(taken[~same].mean()),
        "wrong": [
            {
                "photos": [str(path) for path in pairs[k][:2]],
                "one_person": pairs[k][2],
                "distance": None if missing[k] else round(float(distances[k]), 4),
            }
            for k in errors
        ],
    }
    figures = [output / "roc.png"]
    labels = "pairs of two people taken for one", "pairs of one person found"
    point = result["mistaken"], result["found"]
    plots.plot_shares(*evaluation.roc(distances, same), labels, point, figures[0])
    shown = [k for k in errors if not missing[k]][: WORST // 2]
    (output / "wrong.png").unlink(missing_ok=True)  # of before
    if shown:
        figures.append(output / "wrong.png")
        heads = [
            head for k in shown for head in (f"{'one person' if same[k] else 'two people'} {distances[k]:.2f}", "")
        ]
        show_photos([path for k in shown for path in pairs[k][:2]], heads, figures[1])
    return result, figures


def show_photos(paths: list[Path], heads: list[str], figure: Path) -> None:
    """Save a figure of photos, each below its head and the end of its path."""
    names = ["/".join(path.parts[-2:]) for path in paths]
    names = [name if len(name) <= 20 else f"…{name[-19:]}" for name in names]
    titles = [f"{head}\n{name}" for head, name in zip(heads, names, strict=True)]
    save_sheet([read_image(path) for path in paths], titles, figure, 6, private=True)


def evaluate_people(config: Config, output: Path) -> tuple[dict, list[Path]]:
    """Return how many people are found and strangers named, and the figures."""
    folder = config.photos or opening.needed_folder(config.faces, "evaluate.py without photos")
    folders = labelled_photos.people_folders(folder)
    detector = detection.load_detector(config.detector)
    photos = labelled_photos.MainFaces(folders, detector)
    if config.photos:
        recognizer = opening.load(
            config.recognizer, config.faces, detector, config.accept, config.model, config.weights
        )
        enrolled, probes = set(recognizer.names()), []
        for frame, face in photos:
            match, path = recognizer.identify(frame.image, [face])[0], Path(frame.source)
            probes.append(evaluation.Probe(path, path.parent.name, match, path.parent.name not in enrolled))
    else:
        embedder = recognizers.load_embedder(config.recognizer, config.weights)
        paths, found = embed_photos(photos, embedder)
        everybody = evaluation.leave_one_out(paths, found, embedder.statistics, config.accept)
        probes = list(progress.watched(everybody, 2 * len(paths), "photo"))
    if not probes:
        raise settings.UserError(f"{folder}: no photo with a face in it")
    wrong = sorted((probe for probe in probes if not probe.right), key=lambda one: -abs(one.match.confidence - 0.5))
    result = evaluation.score(probes)
    result |= {"without_a_face": len(photos.faceless), "unreadable": len(photos.unreadable)}
    result["wrong"] = [
        {
            "photo": str(probe.path),
            "person": None if probe.stranger else probe.person,
            "name": probe.match.name,
            "confidence": round(probe.match.confidence, 4),
        }
        for probe in wrong
    ]
    known = [probe for probe in probes if not probe.stranger]
    if not known and not config.photos:
        settings.say(f"{folder}: one photo of each person, so none to compare it with: enrol two or more")
    figures = [output / "confusion.png"] if known else []
    if known:
        names = sorted({probe.person for probe in known} | {probe.match.name for probe in known if probe.match.name})
        columns = [*names, "unknown"]
        rows = [names.index(probe.person) for probe in known]
        read = [names.index(probe.match.name) if probe.match.name else len(names) for probe in known]
        plots.plot_confusion(metrics.confusion_matrix(rows, read, len(columns)), columns, figures[0])
    if known and len(known) < len(probes):
        figures.append(output / "found.png")
        labels, point = ("strangers named", "people found"), (result["strangers_named"], result["found"])
        plots.plot_shares(*evaluation.curve(probes), labels, point, figures[-1])
    (output / "wrong.png").unlink(missing_ok=True)  # of before
    if wrong:
        figures.append(output / "wrong.png")
        heads = [
            f"{'stranger' if probe.stranger else probe.person}\n"
            f"{probe.match.name or 'unknown'} {probe.match.confidence:.0%}"
            for probe in wrong[:WORST]
        ]
        show_photos([probe.path for probe in wrong[:WORST]], heads, figures[-1])
    return result, figures


def main(config: Config) -> int:
    if config.pairs and config.photos is None:
        raise settings.UserError("--pairs: name the folder of the photos, too: data/lfw --pairs data/lfw_pairs.txt", 2)
    recognizers.check(config.recognizer, config.accept, config.model, config.weights)
    if config.threshold is not None and not 0 < config.threshold <= 2:
        raise settings.UserError(f"--threshold {config.threshold}: must be more than 0, at most 2", 2)
    output = files.make_folder(config.output)  # before minutes of work that could not be kept
    result, figures = evaluate_pairs(config, output) if config.pairs else evaluate_people(config, output)
    failed = bool(result["without_a_face"] or result["unreadable"])
    if config.json:
        print(json.dumps(result))
        return failed
    for key, value in result.items():
        value = len(value) if isinstance(value, list) else value
        shown = f"{value:.2%}" if isinstance(value, float) and key != "threshold" else value
        print(f"{key.replace('_', ' '):>16}  {'-' if shown is None else shown}")
    if config.show:
        plots.show(figures)
    return failed


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
