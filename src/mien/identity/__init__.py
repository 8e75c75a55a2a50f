"""Who is in a clip: embeddings of speakers, comparison of clips, and verification trials."""
