"""Measure how well people are recognised, and show where it errs.

    python face_recognition/evaluate.py                            # your people: each photo against all the others
    python face_recognition/evaluate.py photos                     # photos/NAME/* of them; other names are strangers
    python face_recognition/evaluate.py photos --recognizer cnn    # by the network that train.py trained
    python face_recognition/evaluate.py data/lfw --pairs data/lfw_pairs.txt   # is it one person? LFW's protocol
    python face_recognition/evaluate.py --json                     # the numbers as one JSON object on stdout

Reads --faces, the database of people. Writes found.png (people found against strangers named), confusion.png and
wrong.png (mistakes, the surest first) to --output; with --pairs roc.png and wrong.png.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import tyro

from recognition import (
    embeddings,
    faces,
    frames,
    identification,
    people,
    progress,
    recognizers,
    reports,
    settings,
    verification,
)

WORST = 30  # mistakes shown


@dataclass
class Config:
    photos: Annotated[Path | None, tyro.conf.Positional] = None  # folder of photos NAME/*; default: your people's own
    faces: Path = people.FACES  # folder of people, each a folder of photos
    pairs: Path | None = None  # list of pairs of photos in the folder, as LFW has it
    recognizer: Literal["embedding", "cnn", "vggface"] = "embedding"  # what is measured
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    threshold: float = 0.6  # with --pairs: distance below which two photos are one person's; dlib's author's is 0.6
    output: str = "output/evaluate"  # folder for the figures
    json: bool = False  # print JSON instead of a table
    show: bool = True  # open the figures in windows where there is a display


def embed_photos(source, count: int | None, detector, embedder) -> tuple[list[Path], np.ndarray, list[str]]:
    """Return the paths of photos with a face, their embeddings, float32 (N, D), and the photos without one."""
    paths, found, faceless = [], [], []
    for frame in progress.watched(source, count, "photo"):
        face = faces.main_face(frame.image, detector.detect(frame.image), rival=1.0)
        if face is None:
            faceless.append(frame.source)
            settings.say(f"{frame.source}: no face found")
            continue
        paths.append(Path(frame.source))
        found.append(embedder.embed(embeddings.crops_of(frame.image, [face], embedder.size, embedder.padding)))
    return paths, np.concatenate(found) if found else np.zeros((0, 128), np.float32), faceless


def evaluate_pairs(config: Config, output: Path) -> tuple[dict, list[Path]]:
    """Return the numbers of LFW's protocol, and the figures; pairs with a photo without a face count as mistakes."""
    pairs = verification.load_pairs(config.pairs, config.photos)
    wanted = sorted({path for pair in pairs for path in pair[:2]})
    source = frames.FrameSource([str(path) for path in wanted])
    detector, embedder = (
        faces.load_detector(config.detector),
        recognizers.load_embedder(config.recognizer, config.weights),
    )
    paths, found, faceless = embed_photos(source, len(wanted), detector, embedder)
    rows = dict(zip(paths, found, strict=True))
    same = np.array([pair[2] for pair in pairs])
    distances = np.array([
        np.linalg.norm(rows[one] - rows[other]) if one in rows and other in rows else np.nan for one, other, _ in pairs
    ])  # fmt: skip
    missing = np.isnan(distances)
    distances[missing] = np.where(same[missing], np.inf, -np.inf)
    accuracy = verification.accuracy(distances, same, config.threshold)
    _, right, wrong = verification.roc(distances, same)
    result = {
        "pairs": len(pairs),
        "photos": len(wanted),
        "without_a_face": len(faceless) + len(source.failed),
        "threshold": config.threshold,
        "accuracy": accuracy,
        "found": float((distances[same] < config.threshold).mean()),
        "mistaken": float((distances[~same] < config.threshold).mean()),
    }
    figures = [output / "roc.png"]
    reports.plot_shares(wrong, right, ("pairs of two people taken for one", "pairs of one person found"), figures[0])
    errors = np.flatnonzero(((distances < config.threshold) != same) & ~missing)
    errors = errors[np.argsort(-np.abs(distances[errors] - config.threshold))][: WORST // 2]
    if len(errors):
        figures.append(output / "wrong.png")
        kinds = ["one person" if same[k] else "two people" for k in errors]
        titles = [
            title for k, kind in zip(errors, kinds, strict=True) for title in (f"{kind}\n{distances[k]:.2f}", "\n")
        ]
        reports.plot_images([thumbnail(path) for k in errors for path in pairs[k][:2]], titles, figures[1], 6)
    return result, figures


def thumbnail(path: Path, side: int = 200) -> np.ndarray:
    """Return a photo as RGB uint8 (side, side, 3), shrunk, its margin white."""
    image = frames.read_image(path)[..., ::-1]
    scale = side / max(image.shape[:2])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:side, :side]
    square = np.full((side, side, 3), 255, np.uint8)
    square[: image.shape[0], : image.shape[1]] = image
    return square


def evaluate_people(config: Config, output: Path) -> tuple[dict, list[Path]]:
    """Return how many people are found and strangers named, and the figures."""
    folder = config.photos or config.faces
    source = identification.labelled_photos(folder)
    detector = faces.load_detector(config.detector)
    if config.photos:
        recognizer = recognizers.load(
            config.recognizer, config.faces, detector, config.accept, config.model, config.weights
        )
        enrolled = set(recognizer.names())
        probes, faceless = [], []
        for frame in progress.watched(source, None, "photo"):
            face = faces.main_face(frame.image, detector.detect(frame.image), rival=1.0)
            if face is None:
                faceless.append(frame.source)
                settings.say(f"{frame.source}: no face found")
                continue
            match, path = recognizer.identify(frame.image, [face])[0], Path(frame.source)
            probes.append(identification.Probe(path, path.parent.name, match, path.parent.name not in enrolled))
    else:
        embedder = recognizers.load_embedder(config.recognizer, config.weights)
        paths, found, faceless = embed_photos(source, None, detector, embedder)
        probes = list(
            progress.watched(
                identification.leave_one_out(paths, found, embedder.statistics, config.accept), 2 * len(paths), "photo"
            )
        )
    if not probes:
        raise settings.UserError(f"{folder}: no photo with a face in it")
    result = identification.score(probes) | {"without_a_face": len(faceless) + len(source.failed)}
    known = [probe for probe in probes if not probe.stranger]
    figures = [output / "confusion.png"] if known else []
    if known:
        names = sorted({probe.person for probe in known} | {probe.match.name for probe in known if probe.match.name})
        columns = [*names, "unknown"]
        rows = [names.index(probe.person) for probe in known]
        read = [names.index(probe.match.name) if probe.match.name else len(names) for probe in known]
        reports.plot_confusion(reports.confusion_matrix(rows, read, len(columns)), columns, figures[0])
    if known and len(known) < len(probes):
        figures.append(output / "found.png")
        reports.plot_shares(*identification.curve(probes), ("strangers named", "people found"), figures[-1])
    wrong = sorted((probe for probe in probes if not probe.right), key=lambda one: -abs(one.match.confidence - 0.5))
    if wrong:
        figures.append(output / "wrong.png")
        wrong = wrong[:WORST]
        true = ["stranger" if probe.stranger else probe.person for probe in wrong]
        named = [f"{probe.match.name or 'unknown'} {probe.match.confidence:.0%}" for probe in wrong]
        titles = ["\n".join(lines) for lines in zip(true, named, strict=True)]
        reports.plot_images([thumbnail(probe.path) for probe in wrong], titles, figures[-1], 6)
    return result, figures


def main(config: Config) -> int:
    output = Path(config.output)
    if config.pairs and config.photos is None:
        raise settings.UserError("--pairs: name the folder of the photos, too: data/lfw --pairs data/lfw_pairs.txt", 2)
    recognizers.check_accept(config.accept)
    settings.make_folder(output)  # before minutes of work that could not be kept
    result, figures = evaluate_pairs(config, output) if config.pairs else evaluate_people(config, output)
    if config.json:
        print(json.dumps(result))
        return bool(result["without_a_face"])
    for key, value in result.items():
        shown = f"{value:.2%}" if isinstance(value, float) and key != "threshold" else value
        print(f"{key.replace('_', ' '):>16}  {'-' if shown is None else shown}")
    if config.show:
        reports.show(figures)
    return bool(result["without_a_face"])


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
