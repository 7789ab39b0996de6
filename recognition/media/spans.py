"""When something was seen: moments of a video joined to spans."""


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
