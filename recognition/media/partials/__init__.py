"""What a recording leaves when it is killed: how that is finished, then or at the next start."""
