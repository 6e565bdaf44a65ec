"""The games: one file for each family of GANs."""
