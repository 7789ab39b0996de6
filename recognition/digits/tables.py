"""The numbers of a page as the rows and columns of a table, and as a .csv file that spreadsheets open."""

import csv
import io
from pathlib import Path

import numpy as np

from recognition.digits.numbers import Number
from recognition.digits.rows import slant
from recognition.files import check_appendable, write_atomically
from recognition.settings import UserError

NEAR = 0.8  # heights of a digit from a column's left edge, right edge or middle to that of a number in it


def csv_rows(lines: list[list[Number]]) -> list[list[str]]:
    """Return the numbers as a table, a row a line; an absent number leaves an empty cell, so that columns stay columns.

    The row with most numbers says where columns are, the others add those that it lacks. Columns may lean.
    """
    numbers = [(number, row) for row, line in enumerate(lines) for number in line]
    if not numbers:
        return []
    boxes = np.array([number.box for number, _ in numbers], float)
    row_of = np.array([row for _, row in numbers])
    heights, middles = boxes[:, 3] - boxes[:, 1], boxes[:, [1, 3]].mean(1)
    unit = max(float(np.median(heights)), 1.0)
    lean = slant(np.tile(middles, 2), boxes[:, [0, 2]].T.ravel(), np.tile(heights, 2))  # rows and columns swapped
    left, right = (boxes[:, [0, 2]] - np.tan(lean) * middles[:, None]).T
    places = np.stack([left, right, (left + right) / 2], 1)
    column_of = np.zeros(len(numbers), int)
    columns, counts = np.zeros((0, 3)), np.zeros(0)  # the mean places of each column's numbers, and how many they are
    for row in np.argsort(-np.bincount(row_of), kind="stable"):
        members = np.flatnonzero(row_of == row)
        chosen = _match(places[members], columns, unit)
        for k, column in zip(members, chosen, strict=True):
            if column < 0:
                column = len(columns)
                columns, counts = np.vstack([columns, places[k]]), np.append(counts, 0)
            counts[column] += 1
            columns[column] += (places[k] - columns[column]) / counts[column]
            column_of[k] = column
    rank = columns[:, 2].argsort().argsort()
    table = [[""] * len(columns) for _ in lines]
    for (number, row), column in zip(numbers, column_of, strict=True):
        table[row][rank[column]] = number.text
    return table


def _match(places: np.ndarray, columns: np.ndarray, unit: float) -> list[int]:
    """Return the column of each number of a row, -1 for none; both (N, 3) as left, right, middle. No two share one."""
    distance = np.abs(places[:, None] - columns[None]).min(2)
    common = np.minimum(places[:, None, 1], columns[:, 1]) - np.maximum(places[:, None, 0], columns[:, 0])
    narrower = np.minimum(places[:, None, 1] - places[:, None, 0], columns[:, 1] - columns[:, 0])
    cost = distance - np.clip(common, 0, unit)
    cost[(distance > NEAR * unit) & (common < 0.5 * narrower)] = np.inf
    chosen = [-1] * len(places)
    for k, column in zip(*np.unravel_index(cost.argsort(axis=None, kind="stable"), cost.shape), strict=True):
        if cost[k, column] == np.inf:
            break
        if chosen[k] < 0 and column not in chosen:
            chosen[k] = int(column)
    return chosen


def check_csv(path: str, flag: str = "--csv") -> None:
    """Raise UserError for a file that is not named .csv or cannot be written; make its folder."""
    if Path(path).suffix.lower() != ".csv":  # a photo whose name came after the flag would be lost
        raise UserError(f"{flag} {path}: name it .csv", 2)
    check_appendable(Path(path), flag)


def write_csv(path: str, pages: list[tuple[str, list[list[Number]]]], several: bool) -> None:
    """Write the tables of pages, each with its source, one below the other; `several`: the source is the first cell.

    There is no header. Of several pages one without numbers is a row that holds its source alone.
    """
    text = io.StringIO()
    table = csv.writer(text)
    for source, lines in pages:
        rows = csv_rows(lines)
        table.writerows([[source, *row] for row in rows or [[]]] if several else rows)
    write_atomically(
        Path(path), lambda file: file.write_text(text.getvalue(), encoding="utf-8", errors="replace", newline="")
    )
