"""Sound as the games of `generate/` make it: notes, music, voices."""
