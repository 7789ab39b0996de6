"""Write in the air: a tip in each frame, the pen that it moves, the strokes that become digits."""
