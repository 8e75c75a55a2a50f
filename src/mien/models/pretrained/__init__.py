"""Pretrained networks: where they come from, and how an utterance goes through them."""
