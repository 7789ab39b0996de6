"""Images that may lie in the wrong folder: a model that was not trained on them is sure of another class."""

import csv
import io
from pathlib import Path

import numpy as np

from recognition.evaluation.sheets import save_sheet
from recognition.files import make_folder, write_atomically
from recognition.media.frames import read_image
from recognition.settings import UserError, say

DOUBTFUL, SURE = 0.2, 0.5  # probability of an image's own class, below which, and of another, from which it is suspect
MOST = 50  # pictures on the sheet


def suspects(read: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the indices of images read surely, float32 (N, C), as another class than theirs, int (N,).

    First those whose own class has the least probability.
    """
    own = read[np.arange(len(labels)), labels]
    order = np.argsort(own, kind="stable")
    return order[(own[order] < DOUBTFUL) & (read[order].max(1) >= SURE)]


def show_suspects(
    content, read: np.ndarray, measured: np.ndarray, names: list[str], folder: Path | None = None
) -> None:
    """Write suspects.csv and suspects.png, and say so, where there are any; those of before are removed.

    `content`: the features file; `read`: probabilities, (N, C), of images that the model was not trained on, those of
    `measured`; `folder`: where to write, by default output/ in the current one.
    """
    folder = folder or Path("output")
    table, sheet = folder / "suspects.csv", folder / "suspects.png"
    for path in (table, sheet):
        path.unlink(missing_ok=True)
    found = measured[suspects(read[measured], content.labels[measured])]
    if not len(found):
        return
    make_folder(folder, "folder to run in")
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["file", "class", "read as", "probability", "of its own class"])
    pictures, titles = [], []
    for k in found:
        own, other = names[content.labels[k]], names[read[k].argmax()]
        rows.writerow([content.files[k], own, other, f"{read[k].max():.3f}", f"{read[k, content.labels[k]]:.3f}"])
        if len(pictures) < MOST:
            try:
                pictures.append(read_image(Path(content.folder) / content.files[k]))
                titles.append(f"{own}\nread {other}\n{read[k].max():.0%}")
            except (UserError, OSError):  # moved meanwhile
                continue
    write_atomically(table, lambda path: path.write_text(text.getvalue(), encoding="utf-8", newline=""))
    if pictures:
        save_sheet(pictures, titles, sheet)
    say(f"{len(found):,} images look like another class than their folder says: see {sheet if pictures else table}")
