"""Where one scene of a video ends and the next begins, and what stayed for a while."""

import cv2
import numpy as np

CUT = 0.6  # correlation of two frames below which a new scene began; pans, zooms and flashes stay above 0.8
BLANK = 0.1  # length of a thumbnail below which it shows nothing


class CutDetector:
    """Tells when a new scene begins."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def is_cut(self, frame: np.ndarray) -> bool:
        """Tell whether a frame, BGR uint8 (H, W, 3) or gray (H, W), shows another scene than the one before."""
        view = thumbnail(frame, (32, 18))
        last, self._last = self._last, view
        return last is not None and alike(last, view) < CUT


class Steady:
    """Prints what live frames say, each text once: when it has stayed for `least` seconds and was not the last one."""

    def __init__(self, least: float = 1.0) -> None:
        self._least, self._text, self._since, self._told = least, "", 0.0, ""

    def tell(self, seconds: float, text: str) -> None:
        """Print the text of a frame of that time to stdout if it is to be told; no text is never printed."""
        if text != self._text:
            self._text, self._since = text, seconds
        if text != self._told and seconds - self._since >= self._least:
            self._told = text
            if text:
                print(text, flush=True)


class Stays:
    """What a video shows from when to when. A context manager: it is printed at the end, however that comes.

    `fps`: frames a second; `nothing`: what is printed where there is nothing, None to print nothing at all.
    """

    def __init__(self, fps: float, nothing: str | None):
        self._step, self._nothing = 1 / fps, nothing
        self._texts: list[tuple[float, str]] = []

    def __enter__(self) -> "Stays":
        return self

    def __exit__(self, *_: object) -> None:
        if self._nothing is None:
            return
        end = self._texts[-1][0] + self._step if self._texts else 0.0
        stays = lasting([*self._texts, (end, "")], min(0.5, end / 2))
        print("\n".join(f"{start:.1f}-{end:.1f} s: {text}" for start, end, text in stays) or self._nothing)

    def add(self, seconds: float, text: str) -> None:
        """Take in what a frame of that time shows, one line; nothing is ""."""
        self._texts.append((seconds, text))


def thumbnail(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a BGR or gray image small, gray and blurred, float32 (height, width), of mean 0 and length 1.

    Of a blank one only rounding would be left, so it is all 0.
    """
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    small = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) if small.ndim == 3 else small
    small = cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1)
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length > BLANK else np.zeros_like(small)


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation, -1 to 1, of two thumbnails; 1 where both are blank."""
    return float((a * b).sum()) if a.any() or b.any() else 1.0


def lasting(texts: list[tuple[float, str]], least: float = 0.5) -> list[tuple[float, float, str]]:
    """Return the texts that stayed for `least` seconds, as (start, end, text), of all (seconds, text) of a video.

    A text lasts till the next one comes; it is one stay if it comes back within `least` seconds.
    """
    stays: list[tuple[float, float, str]] = []
    for start, text in texts:
        if stays:
            stays[-1] = stays[-1][0], start, stays[-1][2]
        if not stays or text != stays[-1][2]:
            stays.append((start, start, text))
    joined: list[tuple[float, float, str]] = []
    for start, end, text in stays:
        if text and end - start >= least:
            if joined and joined[-1][2] == text and start - joined[-1][1] < least:
                start = joined.pop()[0]
            joined.append((start, end, text))
    return joined
