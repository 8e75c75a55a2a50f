"""Hand-crafted features of text, audio and video, for the two-phase baselines."""
