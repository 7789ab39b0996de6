"""One window: show frames in it, and learn which keys were pressed, where it was clicked, whether it was closed."""

import contextlib
import os
import socket
import sys

import cv2
import imutils
import numpy as np

from recognition.media.canvas import text_size, write
from recognition.settings import quiet, say

WINDOW_SIDE = 1280  # pixels of a window's longer side
X11_MODIFIERS = range(0xFFE1, 0xFFEF)  # Shift, Ctrl, Alt and such are no keys of their own: Alt comes before Alt+F4


class Window:
    """One window; `closed` tells whether the user closed it, `clicked` where it was clicked since the last key()."""

    def __init__(self, title: str):
        self.closed, self.clicked = False, None
        self._title, self._scale, self._is_open = title, 1.0, False

    def show(self, image: np.ndarray, lines: list[str]) -> None:
        """Show a BGR image, large ones smaller, with lines of text over it; key() makes it visible."""
        self._scale = min(1.0, WINDOW_SIDE / max(image.shape[:2]))
        if self._scale * min(image.shape[:2]) < 1:  # a strip
            self._scale = 1.0
        if self._scale < 1:
            image = imutils.resize(image, width=max(1, round(self._scale * image.shape[1])))
        if lines:
            image = image.copy()
            _draw_lines(image, lines)
        if not self._is_open:
            with quiet():  # Qt complains about fonts that it does not need
                cv2.namedWindow(self._title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
                cv2.imshow(self._title, image)
            cv2.setMouseCallback(self._title, self._on_mouse)
            self._is_open = True
        else:
            cv2.imshow(self._title, image)

    def key(self, milliseconds: int) -> str:
        """Wait so long for a key and return it in lower case; "" for none, "\\0" for one that is no character.

        Letters with an accent come, too; those of other alphabets are none to Qt.
        """
        self.clicked = None
        code = cv2.waitKeyEx(max(1, milliseconds))
        try:
            self.closed = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # Qt, once its last window is closed
            self.closed = True
        if code == -1 or code in X11_MODIFIERS:
            return ""
        if -64 <= code < -1:  # Latin-1 in a signed byte
            return chr(code + 256).lower()
        code &= 0xFFFF  # above are the states of Shift and NumLock; waitKey would make a Q of the left arrow
        return chr(code).lower() if code < 128 else "\0"

    def close(self) -> None:
        """Close the window, if it was opened and the user did not."""
        if self._is_open:
            with contextlib.suppress(cv2.error):
                cv2.destroyWindow(self._title)

    def _on_mouse(self, event: int, x: int, y: int, *_: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            self.clicked = int(x / self._scale), int(y / self._scale)


def _draw_lines(image: np.ndarray, lines: list[str]) -> None:
    """Write lines of text on a dark field at the top left of a BGR image, in place."""
    size, height = 15, 22
    width = max(text_size(line, size)[0] for line in lines) + 20
    field = image[: height * len(lines) + 10, :width]
    field[:] = field // 4
    for number, line in enumerate(lines):
        write(image, line, (10, height * number + 5), size)


def has_display() -> bool:
    """Tell whether a window can be opened."""
    if not sys.platform.startswith("linux"):
        return "SSH_CONNECTION" not in os.environ
    display = os.environ.get("DISPLAY", "")  # not Wayland's: OpenCV's wheels draw through X11 only
    answers = _answers(display)
    if display and not answers:
        say(f"DISPLAY={display} does not answer: no window is opened")
    return answers


def _answers(display: str) -> bool:
    """Tell whether there is an X server at "HOST:NUMBER.SCREEN": without one Qt would abort the program."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdecimal():
        return False
    path = f"/tmp/.X11-unix/X{number}"
    for address in (path, f"\0{path}") if host in ("", "unix") else [(host, 6000 + int(number))]:
        with (
            contextlib.suppress(OSError, OverflowError),  # a port over 65535
            socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as connection,
        ):
            connection.settimeout(3)
            connection.connect(address)
            return True
    return False
