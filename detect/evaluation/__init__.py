"""Score any detector on any labelled data, and say honestly how good it is."""
