"""What models take as input: the tensors of several utterances end to end, without padding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mien.modality import Modality


@dataclass(frozen=True)
class Ragged:
    """Sequences of different lengths, one after the other.

    Parameters
    ----------
    values : Tensor (sum L, ...)
        The steps of all sequences: token ids, face crops, spectrogram chunks or features.
    counts : Tensor (B,) int64
        Length of each sequence; 0 where the utterance lacks the modality.

    Examples
    --------
    >>> ragged = Ragged.join([torch.tensor([7, 8]), torch.tensor([], dtype=torch.long)])
    >>> ragged.present.tolist(), len(ragged)
    ([True, False], 2)
    """

    values: Tensor
    counts: Tensor

    @classmethod
    def join(cls, sequences: Sequence[Tensor]) -> "Ragged":
        """Put sequences (L, ...) end to end."""
        return cls(torch.cat(list(sequences)), torch.tensor([len(s) for s in sequences]))

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.counts)

    @property
    def present(self) -> Tensor:
        """Tell which sequences have a step: bool (B,)."""
        return self.counts > 0

    def split(self) -> tuple[Tensor, ...]:
        """Return the sequences one by one."""
        return self.values.split(self.counts.tolist())

    def nonempty(self) -> "Ragged":
        """Drop the sequences without a step."""
        return Ragged(self.values, self.counts[self.present])

    def without(self, rows: Tensor) -> "Ragged":
        """Make the sequences of `rows` (bool (B,)) empty."""
        kept = torch.repeat_interleave(~rows, self.counts)
        return Ragged(self.values[kept], self.counts * ~rows)

    def to(self, device: torch.device | str, **options: Any) -> "Ragged":
        """Return it on `device`."""
        return Ragged(self.values.to(device, **options), self.counts.to(device, **options))

    def pin_memory(self) -> "Ragged":
        """Return it in page-locked memory."""
        return Ragged(self.values.pin_memory(), self.counts.pin_memory())


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The inputs and targets of `B` utterances. No padding enters a convolution.

    Parameters
    ----------
    inputs : mapping of Modality to Ragged
        The input of each encoder, for the modalities of the model.
    targets : dict of str to Tensor (B, C) float32
        For each task the label indicators, or the values; a row of NaN where an utterance has no
        label.
    ids : list of str
        Utterance ids, for reports.
    """

    inputs: Mapping[Modality, Ragged]
    targets: dict[str, Tensor] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(next(iter(self.inputs.values())))

    def present(self, modality: Modality) -> Tensor:
        """Tell which utterances have a modality: bool (B,)."""
        return self.inputs[modality].present

    def without(self, modality: Modality, rows: Tensor) -> "Batch":
        """Return a copy in which the utterances of `rows` (bool (B,)) lack a modality."""
        return replace(self, inputs={**self.inputs, modality: self.inputs[modality].without(rows)})

    def to(self, device: torch.device | str, **options: Any) -> "Batch":
        """Return the batch with every tensor on `device`."""
        return replace(
            self,
            inputs={m: ragged.to(device, **options) for m, ragged in self.inputs.items()},
            targets={task: t.to(device, **options) for task, t in self.targets.items()},
        )

    def pin_memory(self) -> "Batch":
        """Return the batch in page-locked memory, so that copies to a GPU overlap with work."""
        return replace(
            self,
            inputs={m: ragged.pin_memory() for m, ragged in self.inputs.items()},
            targets={task: t.pin_memory() for task, t in self.targets.items()},
        )
