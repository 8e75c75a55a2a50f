"""A model as one function of padded tensors, with the weights and the answers of the model."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.cnn import CNNEncoder
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.pretrained import PretrainedEncoder
from mien.models.encoders.recurrent import FeatureTransformer, RecurrentEncoder
from mien.models.encoders.text import TextEncoder
from mien.models.export.images import PaddedCNN
from mien.models.export.pretrained import PaddedPretrained
from mien.models.export.sequences import PaddedFeatureTransformer, PaddedRecurrent
from mien.models.export.tokens import PaddedText
from mien.models.fusion import StateFusion
from mien.models.model import MultimodalModel

PADDED: dict[type[ModalityEncoder], Callable[[Any], nn.Module]] = {
    CNNEncoder: PaddedCNN,
    RecurrentEncoder: PaddedRecurrent,
    FeatureTransformer: PaddedFeatureTransformer,
    TextEncoder: PaddedText,
    PretrainedEncoder: PaddedPretrained,
}
"""What computes each kind of encoder on padded tensors."""


class TensorModel(nn.Module):
    """A `MultimodalModel` whose forward pass takes and returns tensors alone.

    It has no branch that depends on data, so that it can be exported. Its weights are those of the
    model, in eval mode.

    Parameters
    ----------
    model : MultimodalModel
        The model; it is set to eval mode.

    Raises
    ------
    MienError
        An encoder has no form on padded tensors.

    Examples
    --------
    >>> from mien.models import preset
    >>> tensors = TensorModel(MultimodalModel(preset("lf-rnn"), {"emotion": 6}))
    >>> inputs = [torch.randn(2, 5, size) for size in (300, 144, 35)]
    >>> counts = [torch.tensor([5, 3]), torch.tensor([0, 2]), torch.tensor([1, 5])]
    >>> {name: list(value.shape) for name, value in tensors.named(inputs, counts).items()}
    {'emotion': [2, 6], 'embedding': [2, 958]}
    """

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        self.model = model.eval()
        self.encoders = nn.ModuleDict(
            {m.value: _padded(m, model.encoder(m)) for m in model.config.modalities}
        )
        self.outputs = [*model.fusion, "embedding"]
        """Names of what `forward` returns: the logits of each task, and the embedding."""

    def named(self, values: list[Tensor], counts: list[Tensor]) -> dict[str, Tensor]:
        """Return what `forward` returns by name."""
        return dict(zip(self.outputs, self(values, counts), strict=True))

    def forward(self, values: list[Tensor], counts: list[Tensor]) -> tuple[Tensor, ...]:
        """Predict each utterance.

        Parameters
        ----------
        values : list of Tensor (B, L, ...)
            The steps of each modality, in the order of the model's configuration. What they are
            behind the number of steps does not matter.
        counts : list of Tensor (B,) int64
            Numbers of steps; 0 where an utterance lacks the modality, which has one of padding.

        Returns
        -------
        tuple of Tensor
            As `outputs` names them: logits (B, C) and the embedding (B, E).
        """
        present = {m: count > 0 for m, count in zip(self._modalities, counts, strict=True)}
        states = self._states(values, counts, present)
        units = {m: F.normalize(state, dim=1) for m, state in states.items()}
        logits = [self._logits(task, states, units, present) for task in self.model.fusion]
        return (*logits, self._embedding(states, units, present))

    @property
    def _modalities(self) -> tuple[Modality, ...]:
        return self.model.config.modalities

    def _states(
        self, values: list[Tensor], counts: list[Tensor], present: Mapping[Modality, Tensor]
    ) -> dict[Modality, Tensor]:
        """Encode each modality as states (B, dim), zeros where it is missing."""
        states: dict[Modality, Tensor] = {}
        for modality, own, count in zip(self._modalities, values, counts, strict=True):
            guide = states.get(Modality.TEXT)
            state = self.encoders[modality.value](own, count, guide)
            states[modality] = torch.where(present[modality][:, None], state, 0.0)
        return states

    def _logits(
        self,
        task: str,
        states: Mapping[Modality, Tensor],
        units: Mapping[Modality, Tensor],
        present: Mapping[Modality, Tensor],
    ) -> Tensor:
        fusion, exist = self.model.fusion[task], torch.stack(list(present.values()), dim=1)
        if isinstance(fusion, StateFusion):
            fused: Tensor = fusion(list(units.values()), exist)
            return fused
        heads = cast(nn.ModuleDict, self.model.heads[task])
        each = [heads[m.value](state) * present[m][:, None] for m, state in states.items()]
        logits: Tensor = fusion(torch.stack(each, dim=1), exist)
        return logits

    def _embedding(
        self,
        states: Mapping[Modality, Tensor],
        units: Mapping[Modality, Tensor],
        present: Mapping[Modality, Tensor],
    ) -> Tensor:
        if self.model.persons is None:
            return F.normalize(torch.cat(list(units.values()), dim=1), dim=1)
        every = {m.value: state for m, state in states.items()}
        fused: Tensor = self.model.persons(every, torch.stack(list(present.values()), dim=1))[0]
        return fused


def _padded(modality: Modality, encoder: ModalityEncoder) -> nn.Module:
    for kind, make in PADDED.items():
        if isinstance(encoder, kind):
            return make(encoder)
    raise MienError(
        f"the {modality} encoder, {type(encoder).__name__}, can't be exported: it has no form on"
        " padded tensors; use the run with mien itself"
    )
