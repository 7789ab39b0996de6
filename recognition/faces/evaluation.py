"""How well people are told apart: verification (do two photos show one person?) and identification (who is it?).

Verification follows the protocol of Labeled Faces in the Wild: G. Huang, M. Ramesh, T. Berg, E. Learned-Miller,
"Labeled faces in the wild" (2007). Identification holds photos against people, or against each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.embeddings.statistics import Statistics
from recognition.faces.gallery import Gallery, Match
from recognition.files import check_file
from recognition.media.frames import SUFFIXES
from recognition.settings import UserError, reason_of

Pair = tuple[Path, Path, bool]  # two photos, and whether they show the same person


def load_pairs(path: Path, folder: Path) -> list[Pair]:
    """Return the pairs that a file in LFW's format lists, of photos FOLDER/NAME/NAME_0001.jpg.

    Its first line holds the count of pairs of each kind; then NAME 1 2 is one person's photos 1 and 2, NAME 1 OTHER 2
    is two persons'. Raises UserError for a file of another form, or a photo that is not there.
    """
    try:
        check_file(path)
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read ({reason_of(error)}): name a list of pairs like LFW's pairs.txt", 2
        ) from None
    pairs = []
    for number, line in enumerate(lines, 2):
        words = line.split("\t") if "\t" in line else line.split()
        if not words:
            continue
        if len(words) not in (3, 4) or not all(word.isdecimal() for word in (words[1], words[-1])):
            raise UserError(f"{path}, line {number}: needs NAME 1 2 or NAME 1 OTHER 2, has '{line[:60]}'", 2)
        one, other = (words[0], words[1]), (words[-2] if len(words) == 4 else words[0], words[-1])
        try:
            pairs.append((_photo(folder, *one), _photo(folder, *other), len(words) == 3))
        except UserError as error:
            raise UserError(f"{path}, line {number}: {error}", 2) from None
    if len({same for _, _, same in pairs}) < 2:
        raise UserError(f"{path}: needs pairs of one person and pairs of two", 2)
    return pairs


def _photo(folder: Path, name: str, number: str) -> Path:
    stem = folder / name / f"{name}_{int(number):04d}"
    for suffix in (".jpg", *sorted(SUFFIXES)):
        if (path := stem.with_name(stem.name + suffix)).exists():
            return path
    raise UserError(f"{stem}.jpg not found: name the folder that holds LFW's people", 2)


def roc(distances: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of pairs of two persons and of one not above a threshold, as it rises, float (T,) each.

    `distances`: float (N,), infinite where no threshold shall help; `same`: bool (N,).
    """
    thresholds = np.unique(distances[np.isfinite(distances)])
    wrong, found = (
        np.searchsorted(np.sort(distances[kind]), thresholds, side="right") / max(1, kind.sum())
        for kind in (~same, same)
    )
    return wrong, found


def accuracy(distances: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """Return the share of pairs of which it is told rightly, by a threshold, whether they show one person."""
    return float(((distances < threshold) == same).mean())


@dataclass
class Probe:
    """A photo, whose it is, and whom it was taken for; `stranger`: that person was not enrolled."""

    path: Path
    person: str
    match: Match
    stranger: bool

    @property
    def right(self) -> bool:
        """Whether the person was named, or the stranger was not."""
        return self.match.name == (None if self.stranger else self.person)


def leave_one_out(
    paths: list[Path], embeddings: np.ndarray, statistics: Statistics, accepted: float
) -> Iterator[Probe]:
    """Yield each photo twice: against all others, and as a stranger, against all others but those of its person.

    `paths`: of N photos FOLDER/NAME/*; `embeddings`: float32 (N, D), of which `statistics` are known. `accepted`: share
    of strangers that may be named.
    """
    persons = np.array([path.parent.name for path in paths])
    for k, path in enumerate(paths):
        for others, stranger in ((np.arange(len(paths)) != k, False), (persons != persons[k], True)):
            names, owners = np.unique(persons[others], return_inverse=True)
            if stranger or persons[k] in names:
                gallery = Gallery(names.tolist(), embeddings[others], owners, statistics, accepted)
                yield Probe(path, path.parent.name, gallery.match(embeddings[k : k + 1])[0], stranger)


def score(probes: list[Probe]) -> dict[str, float | int | None]:
    """Return how many photos there were of people and of strangers, and the shares of what happened to them.

    `found`: named rightly; `mistaken`: named as somebody else; `nearest`: most like the right person, named or not;
    `strangers_named`. A share is None where there is nothing to measure it on.
    """
    known, strangers = ([probe for probe in probes if probe.stranger is kind] for kind in (False, True))
    return {
        "people": len({probe.person for probe in known}),
        "photos": len(known),
        "found": _share([probe.right for probe in known]),
        "mistaken": _share([probe.match.name not in (None, probe.person) for probe in known]),
        "nearest": _share([probe.match.nearest == probe.person for probe in known]),
        "stranger_photos": len(strangers),
        "strangers_named": _share([not probe.right for probe in strangers]),
    }


def _share(values: list[bool]) -> float | None:
    return float(np.mean(values)) if values else None


def curve(probes: list[Probe]) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of strangers named, rising, and of people found when less and less sure names count, (N,).

    Whoever is most like somebody else is never found, so the second share need not reach 1.
    """
    distances = [
        -probe.match.confidence if probe.stranger or probe.match.nearest == probe.person else np.inf for probe in probes
    ]
    return roc(np.array(distances), np.array([not probe.stranger for probe in probes]))
