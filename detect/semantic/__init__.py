"""Does a picture show what generators make? A linear probe on what CLIP sees in it."""
