"""The analysis of a long recording, step by step: speech, faces, predictions, timeline."""
