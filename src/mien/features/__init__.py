"""Hand-crafted features of words, voice and face, for the two-phase baselines."""
