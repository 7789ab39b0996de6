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
from recognition.people.photo_files import AlreadyThere, encode
from recognition.settings import UserError

MIN_EYES = 18  # pixels between the eyes. ORL's smallest are 27, LFW's 21; the clip's far audience has 10 to 15
SHARPNESS = 0.004  # LFW 0.4 %, ORL 0; all of both, blurred by a sigma of 0.08 of the eyes' distance
NOSE = 0.08, 0.92  # where the tip of the nose is between the eyes, 0 to 1: with the next, LFW 2.0 %, ORL 0
NARROW = 0.22  # distance of the eyes, of the face's longer side; half faces have less
DARK, FLAT = 30, 8  # mean and spread of the face's gray, of 255; LFW and ORL are above 62 and 15
CANDIDATES = 20  # frames of a video that are compared with each other
MARGIN = 1.0  # around a face that is cut out of a frame, in its own sizes: another detector must find it again


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


def cut_out(frame: np.ndarray, face: Face) -> np.ndarray:
    """Return the part of a BGR frame around a face, with a margin on every side where the frame has one."""
    x1, y1, x2, y2 = face.box
    margin = round(MARGIN * face.size)
    return frame[max(0, y1 - margin) : y2 + margin, max(0, x1 - margin) : x2 + margin]


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
    content = encode(cut_out(frame, main_face(frame, faces)))
    embedding, reason = next(people.embed_photos([(Path("photo"), content)]))  # what is kept is what is embedded
    if reason:
        raise UserError(reason)
    return enroll(people, name, content, embedding, force)


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
