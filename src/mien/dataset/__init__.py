"""Prepared data: from the utterances of a corpus to shards, and back to samples."""
