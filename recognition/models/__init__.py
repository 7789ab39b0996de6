"""Run, describe, check, load and save models. A model is three files: NAME.weights.h5, NAME.tflite, NAME.json."""
