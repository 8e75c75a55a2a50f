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


@dataclass(frozen=True)
class RaggedGroup:
    """Several inputs of the same sequences, such as the states of several pretrained networks.

    Parameters
    ----------
    parts : tuple of Ragged
        The inputs; a sequence is empty in all of them or in none.
    """

    parts: tuple[Ragged, ...]

    @classmethod
    def join(cls, sequences: "Sequence[Sequence[Tensor]]") -> "RaggedGroup":
        """Join sequences, each given as its tensor (L, ...) in every part."""
        return cls(tuple(Ragged.join(part) for part in zip(*sequences, strict=True)))

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.parts[0])

    @property
    def present(self) -> Tensor:
        """Tell which sequences have a step: bool (B,)."""
        return self.parts[0].present

    def nonempty(self) -> "RaggedGroup":
        """Drop the sequences without a step."""
        return RaggedGroup(tuple(part.nonempty() for part in self.parts))

    def without(self, rows: Tensor) -> "RaggedGroup":
        """Make the sequences of `rows` (bool (B,)) empty."""
        return RaggedGroup(tuple(part.without(rows) for part in self.parts))

    def to(self, device: torch.device | str, **options: Any) -> "RaggedGroup":
        """Return it on `device`."""
        return RaggedGroup(tuple(part.to(device, **options) for part in self.parts))

    def pin_memory(self) -> "RaggedGroup":
        """Return it in page-locked memory."""
        return RaggedGroup(tuple(part.pin_memory() for part in self.parts))


Input = Ragged | RaggedGroup
"""What an encoder takes as input."""


@dataclass(frozen=True)
class References:
    """Other clips of the speakers in a batch, which show how each speaks in general.

    Parameters
    ----------
    clips : Ragged or RaggedGroup
        The clips, R in all; none is empty.
    rows : Tensor (R,) int64
        The utterance of the batch that each is a reference of.
    weights : Tensor (R,) float32
        Number of clips that each stands for: 1, or more for the mean of several.
    """

    clips: Input
    rows: Tensor
    weights: Tensor

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.rows)

    def of(self, present: Tensor) -> "References":
        """Renumber the n utterances of `present`, bool (B,), from 0; the others get number n."""
        numbers = torch.where(present, present.cumsum(0) - 1, present.sum())
        return replace(self, rows=numbers[self.rows])

    def to(self, device: torch.device | str, **options: Any) -> "References":
        """Return them on `device`."""
        return References(
            self.clips.to(device, **options),
            self.rows.to(device, **options),
            self.weights.to(device, **options),
        )

    def pin_memory(self) -> "References":
        """Return them in page-locked memory."""
        return References(
            self.clips.pin_memory(), self.rows.pin_memory(), self.weights.pin_memory()
        )


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
    references : mapping of Modality to References
        Other clips of the same speakers, for encoders that use them.
    """

    inputs: Mapping[Modality, Input]
    targets: dict[str, Tensor] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    references: Mapping[Modality, References] = field(default_factory=dict)

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
            references={m: own.to(device, **options) for m, own in self.references.items()},
        )

    def pin_memory(self) -> "Batch":
        """Return the batch in page-locked memory, so that copies to a GPU overlap with work."""
        return replace(
            self,
            inputs={m: ragged.pin_memory() for m, ragged in self.inputs.items()},
            targets={task: t.pin_memory() for task, t in self.targets.items()},
            references={m: own.pin_memory() for m, own in self.references.items()},
        )
