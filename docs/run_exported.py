"""Say what a photo shows, by a model that cifar_recognition/export.py wrote: python run_exported.py FILE.tflite PHOTO

Needs pip install ai-edge-litert numpy pillow, and nothing else (tflite_runtime has the same Interpreter). The model
is given a look at all of the photo, whose edges are repeated, one at the square in its middle and a closer one; a model
made with --backbone cifar10 a single one.
"""

import sys
import zipfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

labels = zipfile.ZipFile(sys.argv[1]).read("labels.txt").decode().splitlines()
model = Interpreter(sys.argv[1])
index, (count, *size, _) = (model.get_input_details()[0][key] for key in ("index", "shape"))
photo = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGB")
half, (short, long) = max(photo.size) / 2, sorted(photo.size)
edges = [(int(half - side / 2), int(half - side / 2 + 0.5)) for side in reversed(photo.size)]
square = Image.fromarray(np.pad(photo, [*edges, (0, 0)], "edge"))
sides = (long, short, 0.75 * short) if count > 1 else (min((long * short) ** 0.5, 1.5 * short),)
boxes = [(half - side / 2,) * 2 + (half + side / 2,) * 2 for side in sides]
looks = np.float32([square.resize(size, Image.Resampling.BOX, box) for box in boxes])
model.allocate_tensors()
model.set_tensor(index, looks)
model.invoke()
seen = model.get_tensor(model.get_output_details()[0]["index"])[0]
print("none of these" if seen[-1] > 0.5 else f"{labels[seen[:-1].argmax()]} {seen[:-1].max():.0%}")
