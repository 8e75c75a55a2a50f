"""What models read: the tensors of several utterances, ragged, with nothing padded but tokens."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The tensors of `B` utterances. No padded frame or piece ever enters a convolution.

    Parameters
    ----------
    tokens : Tensor (B, L) int64
        Token ids, padded to the longest text of this batch.
    token_mask : Tensor (B, L) int64
        1 for a token, 0 for padding. A row of zeros: the utterance has no words.
    faces : Tensor (sum T, 3, 48, 48)
        Face crops of all utterances, one after the other, on the scale 0-255.
    face_counts : Tensor (B,) int64
        Faces of each utterance; 0 where there is no picture.
    pieces : Tensor (sum P, 1, 128, 32) float32
        Spectrogram pieces of all utterances.
    piece_counts : Tensor (B,) int64
        Pieces of each utterance; 0 where there is no sound.
    features : dict of str to Tensor (sum L, D) float32
        For models of hand-crafted features, which read nothing else: the steps of all utterances
        in modality "t", "a" or "v". Empty for others.
    feature_counts : dict of str to Tensor (B,) int64
        For each of these modalities the steps of each utterance; 0 where it does not have it.
    targets : dict of str to Tensor (B, C) float32
        For each task the label indicators, or the sentiment; a row of NaN where an utterance has
        no label for it.
    ids : list of str
        Utterance ids, for reports.
    """

    tokens: Tensor
    token_mask: Tensor
    faces: Tensor
    face_counts: Tensor
    pieces: Tensor
    piece_counts: Tensor
    features: dict[str, Tensor] = field(default_factory=dict)
    feature_counts: dict[str, Tensor] = field(default_factory=dict)
    targets: dict[str, Tensor] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.face_counts)

    def present(self, modality: str) -> Tensor:
        """Tell which utterances have modality "t", "a" or "v": bool (B,)."""
        if modality in self.feature_counts:
            return self.feature_counts[modality] > 0
        return {
            "t": self.token_mask.any(dim=1),
            "a": self.piece_counts > 0,
            "v": self.face_counts > 0,
        }[modality]

    def without(self, modality: str, rows: Tensor) -> "Batch":
        """Return a copy in which the utterances of `rows` (bool (B,)) lack a modality."""
        if modality in self.feature_counts:
            return self._without_features(modality, rows)
        if modality == "t":
            return replace(self, token_mask=self.token_mask * ~rows[:, None])
        media, counts = ("faces", "face_counts") if modality == "v" else ("pieces", "piece_counts")
        count = getattr(self, counts)
        kept = torch.repeat_interleave(~rows, count)
        return replace(self, **{media: getattr(self, media)[kept], counts: count * ~rows})

    def _without_features(self, modality: str, rows: Tensor) -> "Batch":
        steps, counts = self.features[modality], self.feature_counts[modality]
        kept = torch.repeat_interleave(~rows, counts)
        return replace(
            self,
            features=self.features | {modality: steps[kept]},
            feature_counts=self.feature_counts | {modality: counts * ~rows},
        )

    def to(self, device: torch.device | str, **options: Any) -> "Batch":
        """Return the batch with every tensor on `device`."""

        def move(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: move(part) for key, part in value.items()}
            return value.to(device, **options) if isinstance(value, Tensor) else value

        return Batch(**{f.name: move(getattr(self, f.name)) for f in fields(self)})

    def pin_memory(self) -> "Batch":
        """Return the batch in page-locked memory, so that copies to a GPU overlap with work."""

        def pin(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: pin(part) for key, part in value.items()}
            return value.pin_memory() if isinstance(value, Tensor) else value

        return Batch(**{f.name: pin(getattr(self, f.name)) for f in fields(self)})
