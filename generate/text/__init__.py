"""Texts: SeqGAN (Yu et al. 2017), its oracle protocol, poems and speeches."""
