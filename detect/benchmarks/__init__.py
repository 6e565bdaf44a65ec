"""`unmask evaluate` on texts and on speech: the standard tables of the field's benchmarks."""
