"""The two-phase baselines: hand-crafted features, an RNN or a transformer, late fusion."""

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from mien.batch import Batch
from mien.models.config import ModelConfig
from mien.models.layers.temporal import TemporalEncoder
from mien.models.network import Network, Output

HEADS = {"t": 4, "a": 2, "v": 5}
"""Attention heads of each modality's transformer, as published for 300, 144 and 35 features."""


class Recurrent(nn.Module):
    """An RNN over the steps of an utterance; none of them is padding.

    Parameters
    ----------
    size : int
        Features of a step.
    config : ModelConfig
        Kind, layers, hidden size, directions.
    last_step : bool
        Take the output at the last step, where the backward direction has seen that step alone
        and learns from no other, instead of the final state of each direction.
    """

    def __init__(self, size: int, config: ModelConfig, last_step: bool) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[config.rnn]
        hidden, layers = config.rnn_hidden or size, config.rnn_layers
        self.rnn = kind(
            size,
            hidden,
            layers,
            dropout=config.dropout if layers > 1 else 0.0,
            bidirectional=config.bidirectional,
        )
        self.directions = 2 if config.bidirectional else 1
        self.dim = hidden * self.directions
        self.last_step = last_step

    def forward(self, steps: Tensor, counts: Tensor) -> Tensor:
        """Summarise steps (sum L, size) of utterances with `counts` (B,) >= 1 as (B, dim)."""
        packed = pack_sequence(steps.split(counts.tolist()), enforce_sorted=False)
        outputs, final = self.rnn(packed)
        if self.last_step:
            padded = pad_packed_sequence(outputs)[0]
            return padded[counts - 1, torch.arange(len(counts), device=counts.device)]
        states = final[0] if isinstance(final, tuple) else final
        return states[-self.directions :].transpose(0, 1).flatten(1)


class Scale(nn.Module):
    """Give each feature mean 0 and deviation 1, as over the training part."""

    mean: Tensor
    sd: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("sd", torch.ones(size))

    def fit(self, mean: Tensor, variance: Tensor) -> None:
        """Take over what was measured; what all but never changes keeps its scale."""
        sd = variance.clamp(min=0).sqrt()
        self.mean.copy_(mean)
        self.sd.copy_(torch.where(sd > 1e-6 * mean.abs().clamp(min=1), sd, 1.0))

    def forward(self, steps: Tensor) -> Tensor:
        """Scale steps (n, size)."""
        return (steps - self.mean) / self.sd


class LateFusion(Network):
    """LF-RNN ("lf-rnn") and LF-Transformer ("lf-transformer") on hand-crafted features.

    Parameters
    ----------
    config : ModelConfig
        Dimensions.
    tasks : mapping of str to int
        Number of labels of each task; all tasks share one trunk.

    Notes
    -----
    The baselines of Dai et al. 2021, section 5.2. With `rnn_state` published it computes what the
    published ones do for utterances that need no padding; those read padding as if it were data.

    Examples
    --------
    >>> model = LateFusion(ModelConfig(model="lf-rnn"), {"emotion": 6})
    >>> {name: encoder.dim for name, encoder in model.encoders.items()}
    {'t': 600, 'a': 288, 'v': 70}
    """

    def __init__(self, config: ModelConfig, tasks: Mapping[str, int]) -> None:
        super().__init__(config)
        # text, sound, faces: the published order of these models' fusion
        for modality in (m for m in "tav" if m in config.modalities):
            self.encoders[modality] = self._encoder(modality)
        self.add_heads(tasks, self._head)
        scaled = self.encoders if config.standardize else ()
        self.scales = nn.ModuleDict({m: Scale(config.feature_size(m)) for m in scaled})

    def _encoder(self, modality: str) -> nn.Module:
        config, size = self.config, self.config.feature_size(modality)
        if config.model == "lf-rnn":
            return Recurrent(size, config, modality == "t" and config.rnn_state == "published")
        return TemporalEncoder(
            size,
            config.trans_nlayers,
            _heads(size, HEADS[modality]),
            config.trans_feedforward,
            config.dropout,
            config.positions,
        )

    def _head(self, modality: str, labels: int) -> nn.Sequential:
        dim = self._dim(modality)
        return nn.Sequential(nn.Linear(dim, dim // 2), nn.ReLU(), nn.Linear(dim // 2, labels))

    def _dim(self, modality: str) -> int:
        return cast(int, self.encoders[modality].dim)

    def forward(self, batch: Batch) -> Output:
        """Answer for each utterance of a batch, whatever its batch-mates."""
        present = {m: batch.present(m) for m in self.encoders}
        return self.answer({m: self._state(m, batch, rows) for m, rows in present.items()}, present)

    def _state(self, modality: str, batch: Batch, rows: Tensor) -> Tensor:
        """Summarise one modality of the utterances that have it, (n, dim)."""
        steps, counts = batch.features[modality], batch.feature_counts[modality]
        if not rows.any():
            return steps.new_zeros(0, self._dim(modality))
        if modality in self.scales:
            steps = self.scales[modality](steps)
        return cast(Tensor, self.encoders[modality](steps, counts[rows]))

    def fit_scales(self, batches: Iterable[Batch]) -> None:
        """Measure the scale of each feature on the training part."""
        sums = {m: torch.zeros(3, self.config.feature_size(m)).double() for m in self.scales}
        for batch in batches:
            for modality, total in sums.items():
                steps = batch.features[modality].double()
                total += torch.stack([steps**power for power in range(3)]).sum(dim=1)
        for modality, (count, total, squares) in sums.items():
            mean = total / count
            cast(Scale, self.scales[modality]).fit(mean, squares / count - mean.square())


def _heads(size: int, wanted: int) -> int:
    """Give the most heads, up to `wanted`, that divide the size."""
    return next(heads for heads in range(wanted, 0, -1) if size % heads == 0)
