"""Hand-crafted features to one vector: an RNN or a transformer over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from mien.batch import Ragged, References
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.layers.scale import Scale
from mien.models.layers.temporal import TemporalEncoder

if TYPE_CHECKING:
    from mien.models.encoders.feature_settings import (
        FeatureTransformerSettings,
        HandCraftedSettings,
        RNNSettings,
    )


class FeatureEncoder(ModalityEncoder):
    """An encoder of hand-crafted features: it standardises them, and its heads have two layers."""

    def __init__(self, config: HandCraftedSettings) -> None:
        super().__init__()
        self.scale = Scale(config.feature_size) if config.standardize else None
        self.needs_fit = config.standardize

    def scaled(self, steps: Tensor) -> Tensor:
        """Standardise steps (n, size) if the settings ask for it."""
        return steps if self.scale is None else self.scale(steps)

    def head(self, labels: int) -> nn.Module:
        """Build the published head of two layers."""
        half = self.dim // 2
        return nn.Sequential(nn.Linear(self.dim, half), nn.ReLU(), nn.Linear(half, labels))

    def observe(self, ragged: Ragged) -> None:
        """Observe steps of the training data for their mean and deviation."""
        if self.scale is not None:
            self.scale.observe(ragged.values)

    def fit(self) -> None:
        """Use the mean and deviation of the steps that were observed."""
        if self.scale is not None:
            self.scale.fit()


class RecurrentEncoder(FeatureEncoder):
    """An RNN over the steps of an utterance, without padding.

    Parameters
    ----------
    config : RNNSettings
        Kind, layers, hidden size, directions.
    last_step : bool
        Use the output at the last step, where the backward direction has read only that step,
        instead of the final state of each direction.

    Notes
    -----
    The LF-RNN of Dai et al. 2021, section 5.2. With the last step for text it equals the published
    one for utterances without padding; the published one reads padding as if it were data.
    """

    def __init__(self, config: RNNSettings, last_step: bool = False) -> None:
        super().__init__(config)
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[config.rnn]
        hidden, layers = config.rnn_hidden or config.feature_size, config.rnn_layers
        self.rnn = kind(
            config.feature_size,
            hidden,
            layers,
            dropout=config.dropout if layers > 1 else 0.0,
            bidirectional=config.bidirectional,
        )
        self.directions = 2 if config.bidirectional else 1
        self.dim = hidden * self.directions
        self.last_step = last_step

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None, references: References | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode as `ModalityEncoder.forward` says."""
        counts = ragged.counts
        steps = self.scaled(ragged.values)
        packed = pack_sequence(steps.split(counts.tolist()), enforce_sorted=False)
        outputs, final = self.rnn(packed)
        if self.last_step:
            padded = pad_packed_sequence(outputs)[0]
            return padded[counts - 1, torch.arange(len(counts), device=counts.device)], None
        states = final[0] if isinstance(final, tuple) else final
        return states[-self.directions :].transpose(0, 1).flatten(1), None


class FeatureTransformer(FeatureEncoder):
    """A transformer over the steps, as wide as the number of features.

    Parameters
    ----------
    config : FeatureTransformerSettings
        Layers, feed-forward width, largest number of heads.

    Notes
    -----
    The LF-Transformer of Dai et al. 2021, section 5.2.
    """

    def __init__(self, config: FeatureTransformerSettings) -> None:
        super().__init__(config)
        size = config.feature_size
        self.temporal = TemporalEncoder(
            size,
            config.temporal_layers,
            next(heads for heads in range(config.heads, 0, -1) if size % heads == 0),
            config.temporal_feedforward,
            config.dropout,
            config.positions,
        )
        self.dim = size

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None, references: References | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode as `ModalityEncoder.forward` says."""
        return self.temporal(self.scaled(ragged.values), ragged.counts), None
