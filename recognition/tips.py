"""What a tracker of air writing reports: where the tip is, and whether it writes."""

from dataclasses import dataclass


@dataclass
class Tip:
    """The writing tip in pixels of the frame; `writing` tells whether the gesture puts the pen down."""

    x: float
    y: float
    writing: bool
