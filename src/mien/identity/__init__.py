"""Who speaks: embeddings, comparison and trials."""
