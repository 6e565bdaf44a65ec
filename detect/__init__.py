"""Learned detectors. Importing this package registers them."""
