"""Read pictures with another program, RapidOCR or Tesseract, as its users do, for benchmarks/digit_readers.py.

    PYTHON benchmarks/digit_yardsticks.py rapidocr PICTURE...       # with the Python that has rapidocr-onnxruntime
    PYTHON benchmarks/digit_yardsticks.py tesseract-6 PICTURE...    # the number is Tesseract's page segmentation mode

Prints one JSON object, {picture: text}. Nothing of this project is imported.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np

CHARACTERS = "0123456789.,-:/"  # all that Tesseract may read


def rapidocr() -> Callable[[np.ndarray], str]:
    """Return a function that maps a BGR frame to text, one line a row."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR()

    def read(frame: np.ndarray) -> str:
        found, _ = engine(frame)
        return in_rows([(np.array(corners), text) for corners, text, _ in found or []])

    return read


def in_rows(found: list[tuple[np.ndarray, str]]) -> str:
    """Return texts, each with its four corners, in reading order: RapidOCR mixes up what stands in one row."""
    rows: list[list[tuple[np.ndarray, str]]] = []
    for corners, text in sorted(found, key=lambda one: one[0][:, 1].mean()):
        middle = corners[:, 1].mean()
        if rows and middle < rows[-1][-1][0][:, 1].mean() + 0.4 * np.ptp(rows[-1][-1][0][:, 1]):
            rows[-1].append((corners, text))
        else:
            rows.append([(corners, text)])
    return "\n".join(" ".join(text for _, text in sorted(row, key=lambda one: one[0][:, 0].min())) for row in rows)


def tesseract(mode: str) -> Callable[[np.ndarray], str]:
    """Return a function that maps a BGR frame to text, one line a row."""
    command = ["tesseract", "stdin", "stdout", "--psm", mode, "-c", f"tessedit_char_whitelist={CHARACTERS}"]
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}  # more threads only wait for one another

    def read(frame: np.ndarray) -> str:
        picture = cv2.imencode(".png", frame)[1].tobytes()
        done = subprocess.run(command, input=picture, capture_output=True, env=environment)
        return done.stdout.decode(errors="replace")  # nothing where it finds the picture too small

    return read


if __name__ == "__main__":
    engine, *paths = sys.argv[1:]
    read = rapidocr() if engine == "rapidocr" else tesseract(engine.removeprefix("tesseract-"))
    print(json.dumps({path: read(cv2.imread(path)) for path in paths}))
