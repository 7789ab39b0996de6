"""Measure dlib's descriptor and SFace beside each other: who is found and who is taken for somebody else, by group.

    python benchmarks/faces_recognizers.py                    # all rows: ten minutes on two cores
    python benchmarks/faces_recognizers.py --only strangers   # some rows: see ROWS below

Uses data/lfw with its lists, and the models in data/models. The numbers that SFace decides by were chosen on the
development half, every second of the people; the other half was not used for that. Galleries are drawn at random over
and over, from the same seed for both recognizers, at the default share of strangers that may be named, 1 %.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import faces
import measuring
import numpy as np
from measuring import percent

from recognition import settings
from recognition.embeddings import sface_conversion, sface_embedder
from recognition.faces import detection, evaluation, gallery, labelled_photos
from recognition.faces.crops import crops_of
from recognition.media.frames import read_image
from recognition.people import embed_photos, recognizers

# People in data/lfw with a Chinese, Japanese or Korean name, as far as the name alone tells
_NAMES = """
    Annette_Lu Cecilia_Chang Cecilia_Cheung Chang_Dae-whan Chang_Jae_On Chen_Shui-bian Chok_Tong_Goh Edward_Lu
    Elaine_Chao Gao_Qiang Hana_Urushima Jeong_Se-hyun Jiang_Zemin Kaoru_Hasuike Kim_Hong-gul Kim_Yong-il Koichi_Tanaka
    Kosuke_Kitajima Lucy_Liu Michelle_Yeoh Naoto_Kan Norman_Mineta Park_Jie-won Paul_Kariya Princess_Hisako Regina_Ip
    Roman_Tam Se_Hyuk_Joo Shigeru_Ishiba Sung_Hong_Choi Takeo_Fukui Tang_Jiaxuan Tomoko_Hagiwara Toshi_Izawa
    Tsutomu_Takebe Yang_Pao-yu Yasushi_Akashi Yoon_Jeong_Cho Yoriko_Kawaguchi Zhang_Yimou
"""
EAST_ASIAN = set(_NAMES.split())
COMPARED = ("dlib", "sface")  # recognizers
SURE = 0.9  # confidence that is to mean: right in nine of ten
TEN = 10  # people of a gallery whose strangers are counted
FEW, ENROLLED = 16, 250  # photos that are enough to measure the speed, and that are enrolled
DRAWS = {10: 400, 100: 60}  # galleries of so many people that are drawn; 5 of everybody


@dataclass
class Described:
    """One recognizer's embeddings of photos, float32 (N, 128), of which person each is, and where its photo lies."""

    embedder: object
    embeddings: np.ndarray
    people: np.ndarray
    photos: dict[Path, int]
    crops: np.ndarray = field(repr=False)


@dataclass
class Config:
    only: tuple[str, ...] = ()  # rows to print, by their names in ROWS; all by default


def describe(count: int | None = None, names: tuple[str, ...] = COMPARED) -> list[Described]:
    """Return what each of some recognizers makes of all photos, or of so many."""
    paths = sorted(faces.LFW.glob("*/*.jpg"))[:count]
    photos = labelled_photos.MainFaces(paths, detection.load_detector("yunet"), count=len(paths))
    embedders = [recognizers.load_embedder(name) for name in names]
    seen, crops = [], [[] for _ in embedders]
    for frame, face in photos:
        seen.append(Path(frame.source))
        for kept, embedder in zip(crops, embedders, strict=True):
            kept.append(crops_of(frame.image, [face], embedder.size, embedder.padding)[0])
    people, places = np.array([path.parent.name for path in seen]), {path: k for k, path in enumerate(seen)}
    return [
        Described(embedder, gallery.unit(embedder.embed(np.stack(kept))), people, places, np.stack(kept[:FEW]))
        for kept, embedder in zip(crops, embedders, strict=True)
    ]


def halves() -> dict[str, set[str]]:
    """Return the people of LFW's development half, which statistics are made of, and all others."""
    listed = set(faces.PEOPLE.read_text().split())
    others = sorted(path.name for path in faces.LFW.iterdir() if path.name not in listed)
    return {"development half": set(others[::2]), "held out": set(others[1::2]) | listed}


def drawn(one: Described, among: set[str], count: int) -> dict[str, float]:
    """Return what becomes of photos when `count` people of those are enrolled with one photo each, over many draws.

    `found`, `wrong`: shares of their other photos; `named`: share of all photos of the others. `right`: how often the
    name is right where the confidence is SURE and more, if every second face is a stranger's.
    """
    rng, names = np.random.default_rng(0), sorted(among & set(one.people))
    photos = {name: np.flatnonzero(one.people == name) for name in names}
    found, wrong, named, sure = [], [], [], [[], []]
    for _ in range(DRAWS.get(count, 5)):
        enrolled = [names[k] for k in rng.choice(len(names), min(count, len(names)), replace=False)]
        first = np.array([rng.choice(photos[name]) for name in enrolled])
        people = gallery.Gallery(enrolled, one.embeddings[first], np.arange(len(first)), one.embedder.statistics)
        own = np.setdiff1d(np.concatenate([photos[name] for name in enrolled]), first)
        others = [photos[name] for name in names if name not in enrolled]
        for match, name in zip(people.match(one.embeddings[own]), one.people[own], strict=True):
            sure[0].append((match.confidence >= SURE, match.name == name))
            found.append(match.name == name)
            wrong.append(match.name not in (None, name))
        for match in people.match(one.embeddings[np.concatenate(others)]) if others else []:
            sure[1].append((match.confidence >= SURE, False))
            named.append(match.name is not None)
    counted, right = (sum(np.mean([one[0] and one[k] for one in some or [(0, 0)]]) for some in sure) for k in (0, 1))
    shares = {key: np.mean(some or [0]) for key, some in (("found", found), ("wrong", wrong), ("named", named))}
    return {key: float(share) for key, share in shares.items()} | {"right": float(right / max(counted, 1e-9))}


def pairs_rows(compared: list[Described]) -> list[measuring.Row]:
    """Return the row of pairs of photos: one person or two?"""
    pairs = evaluation.load_pairs(faces.PAIRS, faces.LFW)
    same, texts = np.array([pair[2] for pair in pairs]), []
    for one in compared:
        places = np.array([[one.photos[path] for path in pair[:2]] for pair in pairs]).T
        embeddings = gallery.unit(one.embeddings)
        distances = np.linalg.norm(embeddings[places[0]] - embeddings[places[1]], axis=1)
        limit = gallery.pair_threshold(one.embedder.statistics)
        texts.append(f"{percent(evaluation.accuracy(distances, same, limit))} at {limit:.3f}")
    return [(f"LFW, {len(pairs):,} development pairs", texts[0], "≥ 99.5 %", texts[1])]


def strangers_rows(compared: list[Described]) -> list[measuring.Row]:
    """Return a row for each half of LFW: strangers named, when ten people of a group are enrolled."""
    rows = []
    for half, people in halves().items():
        texts = []
        for one in compared:
            some = [drawn(one, group, TEN) for group in (people & EAST_ASIAN, people - EAST_ASIAN)]
            named, found = (" / ".join(percent(group[key]) for group in some) for key in ("named", "found"))
            texts.append(f"{named} named; {found} of their own other photos found")
        claim = (
            f"strangers, {TEN} people with one photo each, {half}: {len(people & EAST_ASIAN)} people with East Asian"
        )
        rows.append((f"{claim} names / {len(people - EAST_ASIAN)} others", texts[0], "≤ 1.5 % / ≤ 1 % named", texts[1]))
    return rows


def sure_rows(compared: list[Described]) -> list[measuring.Row]:
    """Return the row of what a high confidence is worth, by group, on the half that chose nothing."""
    held, texts = halves()["held out"], []
    for one in compared:
        right = [percent(drawn(one, group, TEN)["right"]) for group in (held & EAST_ASIAN, held - EAST_ASIAN)]
        texts.append(" / ".join(right) + " right")
    claim = f"a confidence of {SURE} and more, every second face a stranger's, held out: East Asian names / others"
    return [(claim, texts[0], "≥ 90 % right", texts[1])]


def turned_rows(_: list[Described]) -> list[measuring.Row]:
    """Return the rows of photos on their side, upside down, and in the dark: who is named of who is named upright."""
    photos = [sorted((faces.LFW / name).glob("*.jpg")) for name in faces.PEOPLE.read_text().split()]
    enrolled, probes = ([path for own in photos for path in own[part]] for part in (slice(5), slice(5, 10)))
    detector, texts = detection.load_detector("yunet"), []
    changes = {f"{90 * k}°": partial(np.rot90, k=k) for k in (1, 2, 3)} | {"5 % light": partial(np.multiply, 0.05)}
    for name in COMPARED:
        embedder = recognizers.load_embedder(name)
        described = list(embed_photos.embed_photos(((path, None) for path in enrolled), detector, embedder))
        known = [path.parent.name for path in enrolled]
        people, owners = np.unique(known, return_inverse=True)
        known = gallery.Gallery([*people], np.stack([row for row, _ in described]), owners, embedder.statistics)
        named = {}
        for change, function in ({"": partial(np.multiply, 1)} | changes).items():
            images = [np.ascontiguousarray(function(read_image(path)).astype(np.uint8)) for path in probes]
            found = [(image, detection.main_face(image, detector.detect(image), 1.0)) for image in images]
            crops = [crops_of(image, [face], embedder.size, embedder.padding) for image, face in found if face]
            shown = [path for path, (_, face) in zip(probes, found, strict=True) if face]
            matches = known.match(embedder.embed(np.concatenate(crops)))
            named[change] = {path for path, match in zip(shown, matches, strict=True) if match.name == path.parent.name}
        upright = named.pop("")
        shares = {change: percent(len(still & upright) / len(upright)) for change, still in named.items()}
        texts.append("; ".join(f"{change} {share}" for change, share in shares.items()))
    claim = f"of {len(probes)} photos of 15 people, five enrolled of each: named when turned, of those named upright"
    return [(claim, texts[0], "≥ 95 %", texts[1])]


def found_rows(compared: list[Described]) -> list[measuring.Row]:
    """Return a row for each size of a gallery of anybody: their other photos found."""
    everybody, rows = set(compared[0].people), []
    for count, required in ((10, "97"), (100, "94"), (len(everybody), "88")):
        texts = []
        for one in compared:
            share = drawn(one, everybody, count)
            texts.append(f"{percent(share['found'])} found, {share['wrong']:.2%} wrong names")
            texts[-1] += f", {percent(share['named'])} of strangers named" if count < len(everybody) else ""
        rows.append((f"{count} people with one photo each", texts[0], f"≥ {required} %, ≤ 0.3 % wrong", texts[1]))
    return rows


def fifteen_rows(_: list[Described]) -> list[measuring.Row]:
    """Return the row of fifteen people among many strangers, by evaluate.py."""
    texts = []
    with tempfile.TemporaryDirectory() as folder:
        database, probes = faces.lfw_people(Path(folder))
        for name in COMPARED:
            done = faces.script("evaluate.py", probes, "--faces", database, "--recognizer", name)
            found, named = percent(done["found"]), percent(done["strangers_named"])
            texts.append(
                f"{found} found, {percent(done['mistaken'])} taken for somebody else; {named} of strangers named"
            )
    claim = f"15 people, 5 photos each; {done['photos']} other photos of them, {done['stranger_photos']} of strangers"
    return [(claim, texts[0], "≥ 99 % found, ≤ 0.5 % named", texts[1])]


def enrol_rows(_: list[Described]) -> list[measuring.Row]:
    """Return the row of photos that are enrolled: processor time of the whole command, in milliseconds a photo."""
    texts = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = sorted(faces.LFW.glob("*/*.jpg"))[:ENROLLED]
        faces.copy_photos(((path.parent.name, path) for path in photos), folder / "photos")
        for recognizer in COMPARED:
            command = [sys.executable, faces.ROOT / "face_recognition" / "enroll.py", "--each", folder / "photos"]
            command += ["--faces", folder / recognizer, "--recognizer", recognizer]
            before = os.times()
            subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL)
            after = os.times()
            seconds = after.children_user + after.children_system - before.children_user - before.children_system
            texts.append(f"{1e3 * seconds / len(photos):.0f} ms")
    return [(f"enrol {len(photos)} photos of 250x250, processor time a photo", texts[0], "", texts[1])]


def speed_rows(compared: list[Described]) -> list[measuring.Row]:
    """Return the row of one face and of sixteen, without mirror images: processor time, in milliseconds a face."""
    dlib, ours = compared
    theirs = sface_embedder.SFace()
    theirs.run = sface_embedder.opencv(sface_conversion.NETWORK.fetch_file())
    texts = []
    for embedder, crops in ((dlib.embedder, dlib.crops), (ours.embedder, ours.crops), (theirs, ours.crops)):
        one, many = (processor_seconds(embedder, crops[:count]) / count for count in (1, FEW))
        texts.append(f"{1e3 * one:.0f} / {1e3 * many:.0f} ms")
    claim = f"descriptor, processor time: one face / a face of a batch of {FEW}"
    return [(claim, texts[0], "", f"{texts[1]}; run by OpenCV {texts[2]}")]


def processor_seconds(embedder, crops: np.ndarray, runs: int = 15) -> float:
    """Return the median of the seconds that all cores together spend on describing faces; other work adds little."""
    embedder.embed(crops, mirrored=False)
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        embedder.embed(crops, mirrored=False)
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


ROWS: dict[str, Callable[[list[Described]], list[measuring.Row]]] = {
    "pairs": pairs_rows,
    "strangers": strangers_rows,
    "found": found_rows,
    "sure": sure_rows,
    "turned": turned_rows,
    "fifteen": fifteen_rows,
    "enrol": enrol_rows,
    "speed": speed_rows,
}
BRIEF = {"turned", "fifteen", "enrol", "speed"}  # those that need no embedding of every photo


def main(config: Config) -> None:
    if unknown := set(config.only) - ROWS.keys():
        raise settings.UserError(f"--only {' '.join(sorted(unknown))}: no such row: there are {' '.join(ROWS)}", 2)
    if not faces.LFW.exists():
        raise settings.UserError(f"{faces.LFW} not found: these rows need it")
    compared = describe(FEW if config.only and set(config.only) <= BRIEF else None)
    measuring.print_table([row for name in config.only or ROWS for row in ROWS[name](compared)], faces.versions())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
