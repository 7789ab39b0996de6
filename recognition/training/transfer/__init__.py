"""Learn own classes from what a pre-trained network says of images: the head, and with --unfreeze its last block."""
