"""Decide whether a photo can be enrolled, and enrol it: each refusal says its reason in one line.

The thresholds were set by looking at 500 photos of LFW, the 400 of ORL (92x112) and a film clip, as they are and
blurred on purpose; how many of them each reason refuses is said beside it.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recognition.faces.crops import crops_of
from recognition.faces.detection import Face, main_face
from recognition.faces.gallery import unit
from recognition.faces.quality import sharpness, upright
from recognition.media.frames import Frame
from recognition.media.roi import Box
from recognition.media.tracking import iou
from recognition.people.embed_photos import no_face
from recognition.people.photo_files import AlreadyThere, encode
from recognition.settings import UserError

MIN_EYES = 18  # pixels between the eyes. ORL's smallest are 27, LFW's 21; the clip's far audience has 10 to 15
SHARPNESS = 0.004  # LFW 0.4 %, ORL 0; all of both, blurred by a sigma of 0.08 of the eyes' distance
NOSE = 0.08, 0.92  # where the tip of the nose is between the eyes, 0 to 1: with the next, LFW 2.0 %, ORL 0
NARROW = 0.22  # distance of the eyes, of the face's longer side; half faces have less
DARK, FLAT = 30, 8  # mean and spread of the face's gray, of 255; LFW and ORL are above 62 and 15
CANDIDATES = 20  # frames of a video that are compared with each other
# Around a face that is cut out of a frame, in its own sizes: another detector must find it again. Less where somebody
# else would stand out
MARGINS = 1.0, 0.5, 0.25
OVERLAP = 0.3  # of a face and the one that is found in what was cut out, which then is the same


def refusal(frame: np.ndarray, faces: list[Face]) -> str | None:
    """Return why the person of a BGR frame, with the faces found in it, cannot be enrolled; None if nothing is wrong.

    Who it is does not matter here: see `enroll`.
    """
    if not faces:
        return "no face found"
    face = main_face(frame, faces)
    if face is None:
        return f"{len(faces)} faces and none stands out: cut the photo to one person"
    left, right, nose = face.landmarks[:3]
    eyes = float(np.linalg.norm(right - left))
    if eyes < MIN_EYES:
        return f"too small: {eyes:.0f} pixels between the eyes, {MIN_EYES} are needed"
    place = float((nose - left) @ (right - left)) / eyes**2
    if not NOSE[0] < place < NOSE[1] or eyes < NARROW * face.size:
        return "turned away: look into the camera"
    gray = upright(frame, face.landmarks)
    if gray.mean() < DARK or gray.std() < FLAT:
        return "too dark or too flat: more light is needed"
    if sharpness(gray) < SHARPNESS:
        return "too blurred: hold still, or take a sharper photo"
    return None


def cut_out(frame: np.ndarray, face: Face, margin: float = MARGINS[0]) -> np.ndarray:
    """Return the part of a BGR frame around a face, with a margin, in sizes of the face, on every side that has one."""
    x1, y1, x2, y2 = around(face, margin)
    return frame[y1:y2, x1:x2]


def around(face: Face, margin: float) -> Box:
    """Return a face's box with a margin, in sizes of the face; where the frame begins, none."""
    x1, y1, x2, y2 = face.box
    margin = round(margin * face.size)
    return max(0, x1 - margin), max(0, y1 - margin), x2 + margin, y2 + margin


def enroll(people, name: str, content: bytes, embedding: np.ndarray, force: bool = False) -> Path:
    """Add an image file's bytes to the photos of a person, who may be new; return the path of the photo written.

    `embedding`: float32 (D,), of the face in it. `force`: also if it looks like somebody else.
    Raises UserError with the reason for a photo that cannot be taken, AlreadyThere for one that shows nothing new.
    """
    known, limit = people.embeddings(name), people.embedder.statistics.same
    if len(known) and np.linalg.norm(unit(known) - unit(embedding[None]), axis=1).min() < limit:
        raise AlreadyThere("already there: another photo of the same person shows the same")
    match = people.gallery().match(embedding[None])[0]
    if match.name and match.name != people.spelling(name) and not force:
        raise UserError(
            f"looks like {match.name} (distance {match.distance:.2f}): --force enrols it as {name} nevertheless"
        )
    return people.add(name, content, embedding)


def enroll_frame(people, name: str, frame: np.ndarray, faces: list[Face], force: bool = False) -> Path:
    """Add the person of a BGR frame with these faces in it, as `enroll` does; the part around the face is kept."""
    reason = refusal(frame, faces)
    if reason:
        raise UserError(reason)
    return enroll(people, name, *part_around(people, frame, main_face(frame, faces)), force)


def part_around(people, frame: np.ndarray, face: Face, refuse=no_face) -> tuple[bytes, np.ndarray]:
    """Return the part of a BGR frame around a face, as an image file's bytes, and the embedding, float32 (D,), that it
    has as a photo of the person: what is kept is what is embedded.

    `refuse`: see embed_photos. Raises UserError where all that is cut out is refused, or shows somebody else foremost.
    """
    reason = ""
    for margin in MARGINS:

        def refuse_others(part: np.ndarray, faces: list[Face], margin: float = margin) -> str | None:
            if reason := refuse(part, faces):
                return reason
            place = np.array([face.box], float) - np.tile(around(face, margin)[:2], 2)
            same = iou(np.array([main_face(part, faces).box], float), place)[0, 0] > OVERLAP
            return None if same else "another face stands out in the part around it"

        content = encode(cut_out(frame, face, margin))
        embedding, reason = next(people.embed_photos([(Path("photo"), content)], refuse_others))
        if reason is None:
            return content, embedding
    raise UserError(reason)


def best_frames(frames: Iterable[Frame], people, count: int) -> list[tuple[Frame, Face]]:
    """Return up to `count` frames of a video that show the same face, alone, well and as differently as can be."""
    kept: list[tuple[float, Frame, Face]] = []
    second, apart = -1.0, 0.5  # the sharpest of every half second, and of longer parts of longer videos
    for frame in frames:
        faces = people.detector.detect(frame.image)
        if len(faces) != 1 or refusal(frame.image, faces):
            continue
        sharp = sharpness(upright(frame.image, faces[0].landmarks))
        if kept and frame.seconds - second < apart:
            if sharp > kept[-1][0]:
                kept[-1] = sharp, frame, faces[0]
            continue
        second = frame.seconds
        kept.append((sharp, frame, faces[0]))
        if len(kept) > CANDIDATES:
            kept, apart = kept[::2], 2 * apart
    if not kept:
        return []
    size, padding, limits = people.embedder.size, people.embedder.padding, people.embedder.statistics
    crops = np.concatenate([crops_of(frame.image, [face], size, padding) for _, frame, face in kept])
    embeddings = unit(people.embedder.embed(crops))
    apart = np.linalg.norm(embeddings[:, None] - embeddings, axis=2)
    middle = int(np.median(apart, 1).argmin())
    chosen = [middle]
    while len(chosen) < count:
        new = np.where(apart[middle] < limits.apart, apart[chosen].min(0), 0)
        if new.max() < limits.same:
            break
        chosen.append(int(new.argmax()))
    return [kept[k][1:] for k in sorted(chosen)]
