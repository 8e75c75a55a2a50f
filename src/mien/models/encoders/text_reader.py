"""Reading text as token ids."""

import hashlib
from typing import Any

import torch
from torch import Tensor

from mien.modality import Modality
from mien.models.encoders.pretrained_reader import StateReader
from mien.utterance import Sample


class TokenReader(StateReader):
    """Read the text of a sample as token ids (L,) int64, unless states are stored.

    Parameters
    ----------
    tokenizer
        A tokenizer of transformers.
    max_len : int
        Longest text in tokens; the rest is cut off.
    """

    modality = Modality.TEXT

    def __init__(self, tokenizer: Any, max_len: int) -> None:
        self.tokenizer, self.max_len = tokenizer, max_len

    def key(self) -> dict[str, Any]:
        """Return the length of texts, and a digest of the vocabulary and its rules."""
        rules = _rules(self.tokenizer)
        return {"max_len": self.max_len, "tokenizer": hashlib.sha256(rules.encode()).hexdigest()}

    def steps(self, sample: Sample) -> Tensor:
        """Return the tokens of a sample, none if it has no text."""
        if sample.text is None:
            return torch.zeros(0, dtype=torch.long)
        tokens = self.tokenizer(sample.text, truncation=True, max_length=self.max_len)
        return torch.tensor(tokens["input_ids"], dtype=torch.long)


def _rules(tokenizer: Any) -> str:
    """Describe all that token ids depend on, wherever the tokenizer was read from."""
    if (backend := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        copy = type(backend).from_str(backend.to_str())
        copy.no_truncation()  # both are those of the last call
        copy.no_padding()
        return str(copy.to_str())
    settings = {name: value for name, value in tokenizer.init_kwargs.items() if "path" not in name}
    return f"{sorted(tokenizer.get_vocab().items())} {sorted(map(repr, settings.items()))}"
