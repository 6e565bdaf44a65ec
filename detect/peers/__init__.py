"""Published detectors, written from their papers, to be trained and measured beside ours.

A network maps (B, 3, H, W) RGB in [0, 1], sides of 64 pixels or more, to logits (B, h, w); their
mean is the logit of the picture, above 0 means synthetic. What a paper does to its input is part of
the network. `recipes` lists them, `linear` holds those without a network, `as_published` those that
run with the weights of their authors.
"""
