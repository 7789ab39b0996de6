"""Numbers of a classifier on labelled images."""

import numpy as np


def confusion_matrix(true: np.ndarray, read: np.ndarray, classes: int) -> np.ndarray:
    """Return counts, int64 (classes, classes): row = true class, column = class read. `true`, `read`: int (N,)."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (np.asarray(true, int), np.asarray(read, int)), 1)
    return matrix


def per_class(matrix: np.ndarray) -> list[dict]:
    """Return precision and recall in [0, 1] and count of every class; None where a class was never read or never true.

    None rather than NaN, because JSON has no NaN and these numbers go into cards.
    """
    right, read, true = np.diag(matrix), matrix.sum(0), matrix.sum(1)
    return [
        {
            "precision": float(right[k] / read[k]) if read[k] else None,
            "recall": float(right[k] / true[k]) if true[k] else None,
            "count": int(true[k]),
        }
        for k in range(len(matrix))
    ]


def trust(matrix: np.ndarray) -> dict[str, float | list[float]]:
    """Return what tells how far an accuracy is to be trusted, each 0 to 1, from a confusion matrix of some images.

    "baseline": of whoever always says the largest class; "balanced_accuracy": the mean recall of the classes there are;
    "interval": where the accuracy of many more such images lies in 95 of 100 cases (E. Wilson, 1927).
    """
    true, count = matrix.sum(1), matrix.sum()
    found = {"baseline": true.max() / count, "balanced_accuracy": (np.diag(matrix)[true > 0] / true[true > 0]).mean()}
    return {key: round(float(value), 5) for key, value in found.items()} | {
        "interval": [round(one, 5) for one in interval(int(np.trace(matrix)), int(count))]
    }


def trust_text(told: dict) -> str:
    """Return what `trust` returned as one line, with a warning where nothing better than the baseline was shown."""
    low, high = told["interval"]
    line = (
        f"95 % interval {low:.1%} to {high:.1%}; mean of the classes {told['balanced_accuracy']:.1%}; "
        f"always the largest class {told['baseline']:.1%}"
    )
    return line if low > told["baseline"] else f"{line}: not shown to be better than that"


def print_classes(rows: dict[str, dict]) -> None:
    """Print precision, recall and count of every class that there is, see `per_class`, for a person."""
    width = max(map(len, [*rows, "class"]))
    print(f"{'class':>{width}}  precision   recall   images")
    for name, row in rows.items():
        if row["count"]:
            shares = [f"{row[key]:9.2%}" if row[key] is not None else f"{'-':>9}" for key in ("precision", "recall")]
            print(f"{name:>{width}}  {''.join(shares)} {row['count']:8,}")


def interval(count: int, total: int) -> tuple[float, float]:
    """Return between which shares the true one lies with 95 %, if `count` of `total` were seen: Wilson's interval."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, count / total
    middle, spread = share + z**2 / (2 * total), z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low, high = ((middle + side * spread) / (1 + z**2 / total) for side in (-1, 1))
    return float(max(0, low)), float(min(1, high))
