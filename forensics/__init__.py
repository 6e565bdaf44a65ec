"""Analysers that need no training: provenance, metadata, and traces in the signal.

Importing this package registers them; each module below holds one family.
"""
