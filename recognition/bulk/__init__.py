"""Very many photos: lists of them, and runs that go on where an earlier one stopped."""
