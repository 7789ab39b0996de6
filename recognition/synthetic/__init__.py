"""Pictures that we make ourselves: handwriting, pages, clips and people, for training, tests and benchmarks."""
