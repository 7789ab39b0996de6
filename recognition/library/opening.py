"""Open the index of a library with the detector and the embedder that it was made with."""

from pathlib import Path

from recognition.embeddings.dlib_embedder import DlibEmbedder
from recognition.embeddings.sface_embedder import SFace
from recognition.faces import detection
from recognition.library.index import LibraryIndex
from recognition.people import recognizers
from recognition.people.database import CROP_VERSION

RECOGNIZERS = {SFace.name: "sface", DlibEmbedder.name: "dlib"}  # by the names of their embeddings


def open_index(path: Path, detector: str, recognizer: str, may_be_new: bool = False) -> tuple:
    """Return the index of a library, its detector and its embedder, which is loaded when a face is to be described.

    `detector`, `recognizer`: see detection.DETECTORS and recognizers; "auto" is what the library was made with, and in
    a new one what it is elsewhere. Raises UserError for others than these, and see LibraryIndex.
    """
    index = LibraryIndex(path, may_be_new)
    finds, describes, _ = index.way() or ("auto", "", 0)
    finder = detection.load_detector(finds if detector == "auto" else detector, "usual")
    embedder = recognizers.late_embedder(RECOGNIZERS.get(describes, "auto") if recognizer == "auto" else recognizer)
    index.use((finder.name, embedder.name, CROP_VERSION))
    return index, finder, embedder
