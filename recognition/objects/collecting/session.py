"""What the keys of collect.py do, and what its window tells."""

import time
from pathlib import Path

from recognition.media.frames import Frame
from recognition.objects import classification, drawing, live
from recognition.objects.collecting import learner, panel
from recognition.objects.collecting.collection import Collection
from recognition.settings import UserError, say

NOTE = 5.0  # seconds that a note is shown
SEEN = 1.0  # seconds without a new image although the key is held, after which the user is told why
ACTIVE = 0.4  # seconds after an image was taken that its class is marked


class Session:
    """What the keys do, and what the window tells. `classifier`: what is learned by now, `live` its answers."""

    def __init__(self, images: Collection, name: str):
        self.images, self.learner = images, learner.Learner(images, name)
        self.classifier: classification.Classifier | None = None
        self.live: live.LiveObjects | None = None
        self.saving: learner.Saving | None = None
        self.failed = False
        self._active, self._note, self._noted, self._taken = "", "", 0.0, 0.0
        self._hint = f"hold 1 to {len(images.files)} to collect, t trains, q quits, h: keys"

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        """Wait for the model that is being made, unless what ends this is a failure or Ctrl-C."""
        try:
            if self.saving and kind is None:
                say(f"the window is closed, but {self.learner.name} is still being made; Ctrl-C leaves it")
                self.look_after(wait=True)
        finally:
            if self.saving:
                self.saving.stop()

    def press(self, key: str, frame: Frame) -> None:
        """Do what a key asks for; `frame`: as it came from the camera."""
        names = list(self.images.files)
        try:
            if key in [str(number) for number in range(1, len(names) + 1)]:
                self._take(names[int(key) - 1], frame)
            elif key == "u":
                undone = self.images.undo()
                self._tell(
                    f"{undone[1]} of {undone[0]} deleted" if undone else "nothing to undo: only what was just taken is"
                )
            elif key == "t":
                self._train()
        except OSError as error:
            self._tell(f"error: {error.filename}: {error.strerror}")

    def draw(self, frame: Frame) -> None:
        """Draw the answers, the counts and the note on a frame, in place."""
        self.look_after()
        if self.live:
            drawing.draw_objects(frame.image, self.live.classify(frame))
        active = self._active if time.monotonic() < self._taken + ACTIVE else ""
        panel.draw_counts(frame.image, self.images.counts, active, self.note() or self._hint)

    def note(self) -> str:
        """Return what the user should know now; "" if that is nothing."""
        new = time.monotonic() < self._noted + NOTE
        return self._note if new else "saving the model ..." if self.saving else ""

    def look_after(self, wait: bool = False) -> None:
        """Take over the model that stays, once it is there; `wait`: until it is."""
        try:
            if not self.saving or not self.saving.done(wait):
                return
            path, printed = self.saving.result()
            classifier = classification.load(path)
        except UserError as error:
            self.failed, self.saving = True, None
            self._tell(str(error))
            return
        self.failed, self.saving, self.classifier = False, None, classifier
        self.live = live.LiveObjects(classifier, classifier.threshold(None))
        print(printed, flush=True)
        self._tell(f"saved: python cifar_recognition/webcam.py --model {Path(path).name}")

    def _tell(self, note: str) -> None:
        """Show a note, and print it to stderr."""
        self._note, self._noted = note, time.monotonic()
        say(note)

    def _take(self, name: str, frame: Frame) -> None:
        file = self.images.take(name, frame.image, frame.seconds)
        if file:
            self.learner.look(file)
            self._active, self._taken = name, time.monotonic()
        elif time.monotonic() > self._taken + SEEN:
            self._note, self._noted = "it looks as before: move it, or the camera", time.monotonic()

    def _train(self) -> None:
        if missing := self.learner.missing():
            self._tell(missing)
            return
        self.classifier = self.learner.learn()
        self.live = live.LiveObjects(self.classifier, self.classifier.threshold(None))
        if self.saving:
            self.saving.stop()
        self.saving = self.learner.save()
        self._tell("learned; the model that stays is made meanwhile")
