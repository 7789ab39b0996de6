"""One window: show frames in it, and learn which keys were pressed, where it was clicked, whether it was closed."""

import contextlib
import os
import socket
import sys

import cv2
import numpy as np

from recognition.media.canvas import text_size, write
from recognition.names import printable
from recognition.settings import quiet, say

LARGEST = 1200, 640  # pixels of a new window: it fits the screen of every laptop, with the frame and bars around it
SMALLEST = 240, 60  # and what has room for a line
X11_MODIFIERS = range(0xFFE1, 0xFFEF)  # Shift, Ctrl, Alt and such are no keys of their own: Alt comes before Alt+F4


class Window:
    """One window; `closed` tells whether the user closed it, `clicked` where it was clicked since the last key().

    `title` is what its bar says, and may be changed. The user can resize it: pictures fill it as their shape allows.
    """

    def __init__(self, title: str):
        self.closed, self.clicked, self.title = False, None, title
        self._name, self._is_open, self._shown = title, False, ""  # the name that OpenCV knows it by
        self._scale, self._left, self._top = 1.0, 0, 0  # of the picture in the window

    def show(self, image: np.ndarray, lines: list[str]) -> None:
        """Show a BGR image as large as the window, with lines of text over it; key() makes it visible."""
        if not self._is_open:
            self._open(image)
        if self._shown != self.title:
            self._shown = self.title
            cv2.setWindowTitle(self._name, printable(self.title))  # bytes that are no UTF-8 would crash OpenCV
        shown = self._fitted(image)
        if lines:
            _draw_lines(shown, lines)
        cv2.imshow(self._name, shown)

    def _open(self, image: np.ndarray) -> None:
        """Open the window in the size of an image, or smaller, so that it fits the screen."""
        height, width = image.shape[:2]
        scale = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
        with quiet():  # Qt complains about fonts that it does not need
            cv2.namedWindow(self._name, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(
                self._name, max(SMALLEST[0], round(scale * width)), max(SMALLEST[1], round(scale * height))
            )
        cv2.setMouseCallback(self._name, self._on_mouse)
        self._is_open = True

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        """Return a BGR image as the window shows it, scaled to fit in, with black beside it."""
        width, height = (max(1, side) for side in cv2.getWindowImageRect(self._name)[2:])
        self._scale = min(width / image.shape[1], height / image.shape[0])
        size = max(1, round(self._scale * image.shape[1])), max(1, round(self._scale * image.shape[0]))
        if size != image.shape[1::-1]:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if self._scale < 1 else cv2.INTER_LINEAR)
        self._left, self._top = (width - size[0]) // 2, (height - size[1]) // 2
        shown = np.zeros((height, width, 3), np.uint8)
        shown[self._top : self._top + size[1], self._left : self._left + size[0]] = image
        return shown

    def key(self, milliseconds: int) -> str:
        """Wait so long for a key and return it in lower case; "" for none, "\\0" for one that is no character.

        Letters with an accent come, too; those of other alphabets are none to Qt.
        """
        self.clicked = None
        code = cv2.waitKeyEx(max(1, milliseconds))
        try:
            self.closed = cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) < 1
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
                cv2.destroyWindow(self._name)

    def _on_mouse(self, event: int, x: int, y: int, *_: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            self.clicked = int((x - self._left) / self._scale), int((y - self._top) / self._scale)


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
