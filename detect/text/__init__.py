"""Is a text written by a machine? Statistics of language models, stylometry, n-grams, fused."""
