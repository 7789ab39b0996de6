"""Measure everything that docs/ claims about reading digits on whole pages, each row beside its yardsticks, in one run.

    python benchmarks/digit_pages.py                       # prints the table of docs/measured.md (an hour, later less)
    python benchmarks/digit_pages.py --only pages photos   # some rows: see ROWS below
    python benchmarks/digit_pages.py --no-yardsticks       # ours alone: minutes

Reads models/pages.* and, where they are there, usps_train.npz, letters.npz, digit_pages/ and digit_photos/ of data/.
Writes its pictures into output/benchmark/, and what the yardsticks read in them: they read each only once. RapidOCR is
installed there by the first run, into an environment of its own; Tesseract is a program of the system.
"""

import json
from dataclasses import dataclass

import digit_page_costs as costs
import digit_page_scores as scores
import measuring
from digit_readers import OUTPUT, Readers

from recognition import settings
from recognition.training import finish

ROWS = {
    "pages": scores.pages_row,
    "blank": scores.blank_row,
    "photos": scores.photos_row,
    "sheets": scores.sheets_rows,
    "changed": scores.changed_row,
    "numbers": scores.numbers_row,
    "crops": scores.crops_row,
    "learned": scores.learned_rows,
    "speed": costs.speed_rows,
    "hostile": costs.hostile_row,
    "training": costs.training_row,
}


@dataclass
class Config:
    model: str = "pages"  # name of a model in models/, or the path of one
    only: tuple[str, ...] = ()  # rows to print, by their names in ROWS; all by default
    yardsticks: bool = True  # read with RapidOCR and Tesseract, too


def main(config: Config) -> None:
    if unknown := set(config.only) - ROWS.keys():
        raise settings.UserError(f"--only {' '.join(sorted(unknown))}: no such row: there are {' '.join(ROWS)}", 2)
    readers = Readers(config.model, config.yardsticks)
    rows = []
    for name in config.only or ROWS:
        settings.say(f"row {name}")
        rows += ROWS[name](readers)
    measuring.print_table(rows, finish.versions())
    if not config.only:
        OUTPUT.mkdir(parents=True, exist_ok=True)
        (OUTPUT / "digit_pages.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
