"""What is known beforehand of how the embeddings of strangers and of one person's photos lie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """What is known beforehand of one network's embeddings; distances are less `allowance` * sqrt(1 + 1 / photos).

    `strangers`: mean distance of a stranger from a person. `nearest`: what 1 % of strangers are below, with one person;
    `decade`: how much lower that is with ten people, or for a tenth of that share.

    And of the distance of two photos: `pair`, below which they show one person; `same`, below which the second shows
    nothing new; `apart`, up to which two frames of a video are of one person, though light and pose change; dlib's
    where nobody has measured more.
    """

    allowance: float
    strangers: float
    nearest: float
    decade: float
    pair: float
    same: float = 0.17
    apart: float = 0.45


# From 779 photos of every second person in LFW's development pairs, aligned as `crops_of` does and averaged with their
# mirror images: 1 to 150 people with one to five photos enrolled, all others strangers. `pair` is dlib's author's, for
# descriptors of whatever length. `same`: 89 % of a film clip's frames 1/30 s apart and all copies in another size or
# JPEG quality are below, 99 % of LFW's other photos of a person are above
DLIB = Statistics(allowance=0.094, strangers=0.430, nearest=0.285, decade=0.041, pair=0.6)
