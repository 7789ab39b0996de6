"""What is known beforehand of how the embeddings of strangers and of one person's photos lie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """What is known beforehand of one network's embeddings; distances are less `allowance` * sqrt(1 + 1 / photos).

    `strangers`: mean distance of a stranger from a person. `nearest`: what 1 % of strangers are below, with one person;
    `decade`: how much lower that is with ten people, or for a tenth of that share.
    """

    allowance: float
    strangers: float
    nearest: float
    decade: float


# From 779 photos of every second person in LFW's development pairs, aligned as `crops_of` does and averaged with their
# mirror images: 1 to 150 people with one to five photos enrolled, all others strangers
DLIB = Statistics(allowance=0.094, strangers=0.430, nearest=0.285, decade=0.041)
