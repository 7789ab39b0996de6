"""What is known beforehand of how the embeddings of strangers and of one person's photos lie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """What is known beforehand of one network's embeddings; distances are less `allowance` * sqrt(1 + 1 / photos).

    `strangers`: mean distance of a stranger from a person. `nearest`: what 1 % of strangers are below, with one person;
    `decade`: how much lower that is with ten people, or for a tenth of that share.

    And of the distance of two photos: `same`, below which the second shows nothing new; `apart`, up to which two frames
    of a video are of one person, though light and pose change; `group`, up to which two groups of faces are,
    by the root mean square of their distances; dlib's where nobody has measured more. `short`: length of an embedding
    below which it is hardly of a person's face; 0 where lengths do not tell.
    """

    allowance: float
    strangers: float
    nearest: float
    decade: float
    same: float = 0.17
    apart: float = 0.45
    group: float = 0.35
    short: float = 0.0


# From 779 photos of every second person in LFW's development pairs, aligned as `crops_of` does and averaged with their
# mirror images: 1 to 150 people with one to five photos enrolled, all others strangers. `same`: 89 % of a film clip's
# frames 1/30 s apart and all copies in another size or JPEG quality are below, 99 % of LFW's other photos are above.
# `group`: of 0.34 to 0.51 the one with the best groups of LFW's development half that still mixes few people
DLIB = Statistics(allowance=0.094, strangers=0.430, nearest=0.285, decade=0.041)
# From the same photos, by group: 1 % of the strangers of one person are below 0.763, among people with East Asian names
# no more. But two of the 17 with such names are so much alike that strangers of ten of them are named no more often
# than that only from 0.73 on, which costs the others 0.4 % of their photos: so it is 0.73. `same`: 99 % of copies are
# below, 99 % of other photos above; `apart`: as OpenCV publishes it for two photos; `group`: see faces_library.py;
# `short`: photos of LFW and ORL are above, blurred by 2.5 pixels or at an eighth of the light 0.7 % are below
SFACE = Statistics(
    allowance=0.3, strangers=0.923, nearest=0.73, decade=0.057, same=0.52, apart=1.13, group=1.04, short=8.5
)
