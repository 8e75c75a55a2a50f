"""Reading text as token ids."""

from typing import Any

import torch
from torch import Tensor

from mien.models.encoders.base import Reader
from mien.utterance import Sample


class TextReader(Reader):
    """Read the text of a sample as token ids (L,) int64.

    Parameters
    ----------
    tokenizer
        A tokenizer of transformers.
    max_len : int
        Longest text in tokens; the rest is cut off.
    """

    def __init__(self, tokenizer: Any, max_len: int) -> None:
        self.tokenizer, self.max_len = tokenizer, max_len

    def read(self, sample: Sample) -> Tensor:
        """Return the tokens of a sample, none if it has no text."""
        if sample.text is None:
            return torch.zeros(0, dtype=torch.long)
        tokens = self.tokenizer(sample.text, truncation=True, max_length=self.max_len)
        return torch.tensor(tokens["input_ids"], dtype=torch.long)
