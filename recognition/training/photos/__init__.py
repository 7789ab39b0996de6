"""Train the head for photos: CIFAR-10's images made to look like photos, and what a backbone says of them, kept."""
