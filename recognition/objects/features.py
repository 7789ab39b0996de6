"""Features of a class folder's images in an .h5 file, so that no image goes through a backbone twice.

    features    float32 (N, D), of the crops of each image
    labels      int64 (N,), into class_names
    class_names, files, hashes    text: files relative to the folder, SHA-256 of what is in them

and as attributes what the features depend on: backbone, backbone_sha256, size, version; and the folder.
"""

import contextlib
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.files import ROOT, read_bytes, sha256
from recognition.media.frames import read_image
from recognition.models.weights import weight_shapes, write_hdf5
from recognition.objects.backbones import EXTRACT, Backbone
from recognition.progress import watched
from recognition.settings import UserError, reason_of, say

FOLDER = ROOT / "data" / "features"
SAVE = 30  # seconds between two checkpoints
BATCH = 64  # images
MOST = 288_000_000  # bytes of what comes before the last block: 5,000 images of 160x160; more do not fit everywhere
TEXTS = "class_names", "files", "hashes"
ATTRIBUTES = {
    "name": "backbone",
    "sha256": "backbone_sha256",
    "size": "size",
    "version": "version",
}  # Backbone.identity
KINDS = str, str, int, int


@dataclass
class Features:
    """What a features file holds; see the top of this module. `backbone`: the identity of the backbone."""

    features: np.ndarray
    labels: np.ndarray
    class_names: list[str]
    files: list[str]
    hashes: list[str]
    backbone: dict
    folder: str

    @property
    def sha256(self) -> str:
        """The SHA-256 over the files and what is in them: of the dataset."""
        lines = [f"{file}\0{digest}\n" for file, digest in zip(self.files, self.hashes, strict=True)]
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write(path: Path, content: Features) -> None:
    """Write a features file, moved into place when complete."""
    import h5py

    def fill(file: h5py.File) -> None:
        file["features"] = np.asarray(content.features, np.float32)
        file["labels"] = np.asarray(content.labels, np.int64)
        for name in TEXTS:
            file.create_dataset(name, data=np.array(getattr(content, name), object), dtype=h5py.string_dtype())
        file.attrs.update({name: content.backbone[key] for key, name in ATTRIBUTES.items()})
        file.attrs["folder"] = content.folder

    path.parent.mkdir(parents=True, exist_ok=True)
    write_hdf5(path, fill)


def read(path: Path, how: str = f"run {EXTRACT} FOLDER") -> Features:
    """Return a features file. Raises UserError for one that is missing, half written, or no features file."""
    import h5py

    if not path.exists():
        raise UserError(f"{path} not found: {how}")
    weight_shapes(path, how)  # refuses what is damaged, and what points outside the file
    try:
        with h5py.File(path, "r") as file:
            features, labels = file["features"], file["labels"]
            if features.ndim != 2 or features.dtype.kind != "f" or features.nbytes > path.stat().st_size:
                raise ValueError(f"features of shape {features.shape}")
            count = len(features)
            if labels.shape != (count,) or any(len(file[name]) > count for name in TEXTS):
                raise ValueError(f"{count} features, {labels.shape} labels")
            texts = {name: _read_texts(file[name], path.stat().st_size) for name in TEXTS}
            told = {name: file.attrs[name] for name in (*ATTRIBUTES.values(), "folder")}
            backbone = {key: kind(told[name]) for (key, name), kind in zip(ATTRIBUTES.items(), KINDS, strict=True)}
            folder = str(told["folder"])
            content = Features(features[()].astype(np.float32), labels[()], **texts, backbone=backbone, folder=folder)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError) as error:
        raise UserError(f"{path} is no features file ({reason_of(error)}): {how}") from error
    _check(content, path, how)
    return content


def _read_texts(dataset, most: int) -> list[str]:
    """Return a dataset of texts. Raises ValueError for more bytes than its file has: all may be one and the same."""
    found: list[str] = []
    for start in range(0, len(dataset), 64):
        found += dataset.asstr()[start : start + 64].tolist()
        most -= sum(map(len, found[start:]))
        if most < 0:
            raise ValueError("texts longer than the file")
    return found


def _check(content: Features, path: Path, how: str) -> None:
    """Raise UserError where the parts of a features file do not go together."""
    count, classes, labels = len(content.features), len(content.class_names), content.labels
    if not labels.shape == (count,) == (len(content.files),) == (len(content.hashes),):
        raise UserError(f"{path} is damaged ({count} features, {labels.shape} labels): {how}")
    if labels.dtype.kind not in "iu" or not count or labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"{path} is damaged (a label that is none of its {classes} classes): {how}")
    if len(set(content.class_names)) != classes or len(np.unique(labels)) != classes:
        raise UserError(f"{path} is damaged (a class twice, or without images): {how}")
    if not np.isfinite(content.features).all():
        raise UserError(f"{path} is damaged (features that are not finite): {how}")


def known(path: Path, backbone: Backbone) -> dict[str, np.ndarray]:
    """Return the features, float32 (D,), that a file has by the hashes of their images; none of another backbone."""
    if not path.exists():
        return {}
    content = read(path, "delete it, or choose another --name")
    if content.backbone != backbone.identity:
        say(f"{path}: of another backbone ({_told(content.backbone)}), so all is computed anew")
        return {}
    return dict(zip(content.hashes, content.features, strict=True))


def _told(backbone: dict) -> str:
    return f"{backbone['name']}, size {backbone['size']}, SHA-256 {backbone['sha256'][:12]}"


def before_last_block(content: Features, backbone: Backbone) -> np.ndarray:
    """Return what the last block of a backbone works on, float16 (N, crops, side, side, channels), of these images.

    Raises UserError where one of them is not what it was, for other backbones, and for too many images.
    """
    backbone, rows, again = backbone.before_last_block(), [], f"run {EXTRACT} {content.folder} again"
    for file, digest in watched(zip(content.files, content.hashes, strict=True), len(content.files), "image"):
        path = Path(content.folder) / file
        try:
            image = read_bytes(path)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}: {again}") from None
        if sha256(image) != digest:
            raise UserError(f"{path}: changed since: {again}")
        rows.append(backbone.features(backbone.crops(read_image(path, image))).astype(np.float16))
        fit = MOST // rows[0].nbytes
        if len(content.files) > fit:
            raise UserError(f"--unfreeze: {len(content.files):,} images, {fit:,} at most fit: leave it out", 2)
    side = backbone.size // 32
    return np.stack(rows).reshape(len(rows), len(rows[0]), side, side, -1)


class Extraction:
    """Looks at images with a backbone, each content once. `rows`: the features by hash, those known and those new.

    `hashes` has the files that can be used, `failed` lists the others, `computed` counts. What a run that is killed
    computed is in `checkpoint` and found there by the next one.
    """

    def __init__(self, backbone: Backbone, path: Path):
        """`path`: the features file that is made anew."""
        self.checkpoint = path.with_name(f".{path.name}.checkpoint")
        self.rows = known(path, backbone)
        with contextlib.suppress(UserError):  # a damaged one is worth nothing
            self.rows |= known(self.checkpoint, backbone)
        self.hashes: dict[str, str] = {}
        self.failed: list[str] = []
        self.computed = 0
        self._backbone, self._saved = backbone, time.monotonic()
        self._waiting: dict[str, np.ndarray] = {}

    def extract(self, folder: Path, files: list[str]) -> None:
        """Look at the files of a folder; name on stderr those that cannot be used."""
        for file in watched(files, len(files), "image"):
            try:
                content = read_bytes(folder / file)
                digest = sha256(content)
                if digest not in self.rows and digest not in self._waiting:
                    self._waiting[digest] = self._backbone.crops(read_image(folder / file, content))
                self.hashes[file] = digest
            except (UserError, OSError) as error:
                self.failed.append(file)
                say(f"error: {error if isinstance(error, UserError) else f'{folder / file}: {error.strerror}'}")
            if len(self._waiting) >= BATCH:
                self._compute()
        if self._waiting:
            self._compute()

    def _compute(self) -> None:
        found = self._backbone.features_of(list(self._waiting.values()))
        self.rows.update(zip(self._waiting, found, strict=True))
        self.computed += len(found)
        self._waiting = {}
        if time.monotonic() - self._saved > SAVE:
            self.save()

    def save(self) -> None:
        """Write the checkpoint: what is known by now, for another program or the next run."""
        count = len(self.rows)
        if not count:
            return
        features, labels = np.stack(list(self.rows.values())), np.zeros(count, np.int64)
        files = ["?"] * count  # which does not matter to `known`
        write(self.checkpoint, Features(features, labels, ["?"], files, list(self.rows), self._backbone.identity, ""))
        self._saved = time.monotonic()
