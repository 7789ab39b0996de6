"""The architectures by the names that cards have them under.

All take raw uint8 pixels as floats 0-255 (scaling is their first layer). Digits end in a softmax, pages in maps, faces
in cosines.
"""

from recognition.networks.digits import classic, compact
from recognition.networks.faces import embedding, faces
from recognition.networks.objects import cnn, conv, conv_pool, dense, fast, fine_tuned, head
from recognition.networks.pages import pages

DIGITS, FACES = {"compact": compact, "classic": classic}, {"faces": faces, "embedding": embedding}
OBJECTS = {"dense": dense, "conv": conv, "conv_pool": conv_pool, "cnn": cnn, "fast": fast}
ARCHITECTURES = DIGITS | FACES | OBJECTS | {"head": head, "fine_tuned": fine_tuned, "pages": pages}
