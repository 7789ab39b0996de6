"""Follow faces over the frames of a video or camera, and name them by what several embeddings of each agree on.

The embedding of a face is what takes time, so only faces that are new or in doubt get one, the most useful first, at
most one a frame and so many a second.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from recognition.faces.detection import Face
from recognition.faces.following import Follower, shrunk
from recognition.faces.gallery import Match
from recognition.faces.tracks import Identity, clarity, quality_of, view_of
from recognition.media.frames import Frame
from recognition.media.scenes import CutDetector, alike, thumbnail
from recognition.media.tracking import Track, Tracker
from recognition.progress import ahead

NEEDED = 0.75  # confidence of a face that is shown at once; less sure ones from their second frame on
# Frames from one detection to the next; in between faces are followed, which takes a quarter of YuNet's time
EVERY = {"yunet": 4, "hog": 4, "cnn": 12}
RATE, BURST = 5.0, 10.0  # embeddings a second of video, and at most at once after a time without
DELAY, HELD = 1.0, 300_000_000  # seconds that frames wait for names to settle, and bytes that these may take
AHEAD = 8  # frames that faces are detected ahead of their turn: fewer, and one thread waits for another
SAME, CHANGED = 0.4, 0.65  # correlation of a face with itself one frame before: below, it is another; may be another


@dataclass
class Seen:
    """One face in a frame: box x1 y1 x2 y2 in pixels, may reach over the border; who it is, as known by now; the face
    as it was detected, None where it was missed in this frame."""

    box: tuple[int, int, int, int]
    who: Identity | Match
    face: Face | None = None

    @property
    def name(self) -> str | None:
        """Who it is; None for unknown."""
        return self.who.name

    @property
    def track(self) -> int | None:
        """The number of the face in its video, the same as long as it is followed; None in photos."""
        return getattr(self.who, "number", None)

    @property
    def perhaps(self) -> str | None:
        """Who it may be, where that is not sure enough for a name."""
        return self.who.perhaps

    @property
    def confidence(self) -> float:
        """That it is the nearest enrolled person, 0 to 1."""
        return self.who.confidence

    @property
    def distance(self) -> float:
        """To the nearest enrolled person; infinite where there is none, or no view was good enough."""
        return self.who.distance


class Watcher:
    """Watches one video: give it frame after frame.

    `detector`: as detection.load_detector gives it. `recognizer`: see recognizers. `closely`: look for faces in every
    frame and show what may be one at once, so that nobody comes into a blurred film unblurred.
    """

    def __init__(self, detector, recognizer, closely: bool = False):
        self._detector, self._recognizer = detector, recognizer
        self._every = 1 if closely else EVERY.get(getattr(detector, "name", ""), 1)
        self._needed = 0.0 if closely else NEEDED
        self._cuts, self._follower = CutDetector(), Follower()
        self._allowance, self._seconds, self._count = BURST, None, 0
        self._begin_scene()

    def _begin_scene(self) -> None:
        self._tracker, self._faces, self._since = Tracker(self._needed), [], 0
        self._identities: dict[Track, Identity] = {}
        self._views: dict[Track, np.ndarray] = {}

    def _new(self) -> Identity:
        self._count += 1
        return Identity(self._count)

    def detect_ahead(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, list[Face] | None]]:
        """Yield frames with their faces where it will be time to detect them: a thread can do that before `watch`."""
        for frame in frames:
            yield frame, None if frame.index % self._every else self._detector.detect(frame.image)

    def watch(self, frame: np.ndarray, seconds: float, found: list[Face] | None = None) -> list[Seen]:
        """Return the faces of the next BGR frame, taken at `seconds`, the largest first.

        Their names may still come, or change, while the faces are followed over the next frames. `found`: the faces in
        it, if they were detected already.
        """
        small = shrunk(frame)
        if self._cuts.is_cut(small):
            self._begin_scene()
        passed = 0.0 if self._seconds is None else max(0.0, seconds - self._seconds)
        self._allowance, self._seconds = min(BURST, self._allowance + RATE * passed), seconds
        self._faces = self._find(frame, small, found)
        boxes = np.array([face.box for face in self._faces], float).reshape(-1, 4)
        tracks = self._tracker.update(boxes, [None] * len(boxes), [face.confidence for face in self._faces])
        self._identities = {track: self._identities.get(track) or self._new() for track in tracks}
        self._embed(frame, [track for track in tracks if track.found is not None], seconds)
        let_one_have_each_name(self._identities.values())
        seen = [self._seen(track) for track in tracks]
        return sorted(seen, key=lambda one: one.box[0] - one.box[2])

    def _seen(self, track: Track) -> Seen:
        face = None if track.found is None else self._faces[track.found]
        return Seen(tuple(np.rint(track.box).astype(int).tolist()), self._identities[track], face)

    def refresh(self) -> bool:
        """Take in what was enrolled or trained since; tell whether something was. Then all faces are embedded anew."""
        changed = self._recognizer.refresh()
        if changed:
            self.embed_anew()
        return changed

    def embed_anew(self) -> None:
        """Begin anew to tell who the faces are, which keep their numbers: the recognizer knows others now."""
        self._identities = {track: Identity(one.number) for track, one in self._identities.items()}
        self._allowance = BURST

    def _find(self, frame: np.ndarray, small: np.ndarray, found: list[Face] | None) -> list[Face]:
        """Return the faces of a frame, detected if it is time to or one was lost, else followed from the last one."""
        scale = frame.shape[1] / small.shape[1]
        followed = self._follower.follow(small, self._faces, scale) if self._every > 1 else []
        if found is None and (self._since % self._every == 0 or len(followed) < len(self._faces)):
            found = self._detector.detect(frame)
        self._since = self._since + 1 if found is None else 1
        return followed if found is None else found

    def _embed(self, frame: np.ndarray, tracks: list[Track], seconds: float) -> None:
        """Embed the face where that is most useful, if it is time to."""
        views, candidates = {}, []
        for track in tracks:
            face = self._faces[track.found]
            view = view_of(frame, face)
            views[track] = thumbnail(view, (16, 16))
            kept = alike(self._views[track], views[track]) if track in self._views else 1.0
            if kept < SAME:
                self._identities[track] = self._new()  # one person came before another, or a cut was not noticed
            elif kept < CHANGED:
                self._identities[track].changed = True
            identity = self._identities[track]
            if identity.priority(1.0, face.size, seconds) > 0:  # else even the best view is not wanted now
                quality = quality_of(face) * clarity(view)
                candidates.append((identity.priority(quality, face.size, seconds), quality, track, face))
        self._views = views
        priority, quality, track, face = max(candidates, key=lambda one: one[0], default=(0.0, 0.0, None, None))
        if priority > 0 and self._allowance >= 1:
            self._allowance -= 1
            identity = self._identities[track]
            crops = self._recognizer.crop(frame, [face])
            crops = crops[:, :, ::-1] if identity.requested % 2 else crops  # its mirror image counts as another view
            identity.request(seconds)
            embeddings = self._recognizer.embed(np.ascontiguousarray(crops))
            if identity.learn(embeddings[0], quality, self._recognizer.match(embeddings)[0]):
                self._identities[track] = self._new()
            else:
                identity.match = self._recognizer.match(identity.embedding[None])[0]


def settled(frames: Iterable[Frame], watcher: Watcher) -> Iterator[tuple[Frame, list[Seen]]]:
    """Yield each frame of a video with the faces in it, about a second late: a name counts from the first frame on."""
    waiting: deque[tuple[Frame, list[Seen]]] = deque()
    for frame, found in ahead(watcher.detect_ahead(frames), AHEAD):
        waiting.append((frame, watcher.watch(frame.image, frame.seconds, found)))
        room = HELD // max(1, frame.image.nbytes)
        while len(waiting) > room + 1 or frame.seconds - waiting[0][0].seconds > DELAY:
            yield waiting.popleft()
    yield from waiting


def let_one_have_each_name(identities: Iterable[Identity]) -> None:
    """Leave a name to the face of a frame that is most like the person: nobody is in two places."""
    nearest: dict[str, Identity] = {}
    for identity in sorted(identities, key=lambda one: one.distance):
        identity.shadowed = False
        identity.shadowed = identity.name is not None and nearest.setdefault(identity.name, identity) is not identity


def json_line(source: str, index: int, seen: list[Seen], scale: float = 1) -> str:
    """Return what was seen in one frame as one line of JSON; a face that was not compared has no distance, one
    that is not followed no track. `scale`: of the boxes, see media.frames.Frame."""
    faces = [
        {
            "name": one.name,
            "perhaps": one.perhaps,
            "confidence": round(one.confidence, 4),
            "distance": round(one.distance, 4) if np.isfinite(one.distance) else None,
            "box": [round(scale * side) for side in one.box],
            **({"track": one.track} if one.track else {}),
        }
        for one in seen
    ]
    return json.dumps({"source": source, "frame": index, "faces": faces})
