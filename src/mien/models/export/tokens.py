"""The text encoder on padded token ids."""

from torch import Tensor, nn

from mien.models.encoders.text import TextEncoder
from mien.models.export.sequences import valid_steps


class PaddedText(nn.Module):
    """A `TextEncoder` on padded token ids.

    Parameters
    ----------
    encoder : TextEncoder
        Whose weights it uses.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, values: Tensor, counts: Tensor, guide: Tensor | None) -> Tensor:
        """Encode token ids (B, L) as states (B, dim)."""
        # a text without tokens is encoded as one of padding, and left out by its caller
        mask = valid_steps(counts.clamp(min=1), values.shape[1])
        states = self.encoder.encoder(input_ids=values, attention_mask=mask.long())
        hidden: Tensor = states.last_hidden_state
        if self.encoder.pooling == "first":
            return hidden[:, 0]
        weight = mask[:, :, None].to(hidden)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1)
