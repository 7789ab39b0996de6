"""How well are people named, and strangers not? Photos against a database of people, or a folder against itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.embeddings.statistics import Statistics
from recognition.gallery import Gallery, Match
from recognition.verification import roc


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
