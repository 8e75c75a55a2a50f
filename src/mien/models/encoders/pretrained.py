"""An encoder of audio or video made of pretrained networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor, nn

from mien.batch import Ragged, RaggedGroup, References
from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.pooling import Branch, statistics
from mien.models.encoders.selection import Selection
from mien.models.layers.adapters import add_adapters, is_adapter
from mien.models.layers.scale import Scale
from mien.models.pretrained.families import describe_part, family_of
from mien.models.pretrained.names import parts_of
from mien.models.pretrained.trunk import LayerChoice, Trunk

if TYPE_CHECKING:
    from mien.models.encoders.pretrained_settings import PretrainedSettings

SHRINKAGE = 2.0
"""The mean state of k references is multiplied by k / (k + 2): of few it is uncertain."""


class PretrainedEncoder(ModalityEncoder):
    """Pretrained networks side by side, pooled over time and standardised.

    Each utterance goes through the networks alone, so that neither padding nor the other
    utterances of a batch change its state, not even in the last bit.

    Parameters
    ----------
    settings : PretrainedSettings
        Layers, pooling, what is frozen, and the head.
    modality : Modality
        The modality.
    trunks : sequence of Trunk
        The networks.
    """

    pretrained_part = "trunks"
    needs_fit = True

    def __init__(
        self, settings: PretrainedSettings, modality: Modality, trunks: Sequence[Trunk]
    ) -> None:
        super().__init__()
        self.settings, self.modality = settings, modality
        self.trunks = nn.ModuleList(trunks)
        self.frozen, self.lr_factor = settings.frozen, settings.divisor
        self._freeze()
        factor = 2 if settings.pooling == "mean+std" else 1
        self.branches = nn.ModuleList(
            Branch(1, trunk.width, True, settings)
            if trunk.pools
            else Branch(
                trunk.depth,
                trunk.width * (factor if settings.pools_first else 1),
                settings.pools_first,
                settings,
            )
            for trunk in trunks
        )
        self.widths = [cast(Branch, b).depth * cast(Branch, b).width for b in self.branches]
        self.dim = sum(cast(int, branch.dim) for branch in self.branches)
        self.scale = Scale(self.dim, [cast(int, branch.dim) for branch in self.branches])
        self.train()

    def _freeze(self) -> None:
        """Freeze what the settings say, and add adapters."""
        freeze = self.settings.freeze
        for trunk in self._trunks():
            if freeze == "none" and not trunk.pools:
                continue
            trunk.requires_grad_(False)
            if trunk.pools:
                continue
            if isinstance(freeze, int):
                for layer in self._layers_above(trunk, freeze):
                    layer.requires_grad_(True)
            if self.settings.lora:
                add_adapters(trunk, self.settings.lora, trunk.adaptable)

    def _layers_above(self, trunk: Trunk, frozen: int) -> list[nn.Module]:
        """Return the layers above those that are frozen. Raises `MienError` if there are none."""
        if not (above := trunk.layers()[frozen:]):
            raise MienError(
                f"the {self.modality} encoder computes {len(trunk.layers())} layers, so that none"
                f" is above {frozen} frozen ones: choose fewer, or all",
                parameter="freeze",
            )
        return above

    def _trunks(self) -> Iterator[Trunk]:
        for trunk in self.trunks:
            yield cast(Trunk, trunk)

    def key(self) -> dict[str, Any]:
        """Return what the states of frozen networks depend on beside their weights and input."""
        return self.settings.key() | {"networks": [trunk.description for trunk in self._trunks()]}

    def constant(self, steps: Tensor) -> list[Tensor]:
        """Compute what comes before the learned weights, for the steps (L, ...) of one utterance.

        Returns
        -------
        list of Tensor (T, K)
            For each network its states, or one step of their statistics if pooling has no weights.
        """
        # lower precision would make the states of a training differ from those that are stored
        kind = steps.device.type
        exact = torch.autocast(kind, enabled=False) if self.frozen else nullcontext()
        learning = torch.no_grad() if self.frozen else nullcontext()
        with exact, learning:
            return [self._constant(trunk, steps) for trunk in self._trunks()]

    def _constant(self, trunk: Trunk, steps: Tensor) -> Tensor:
        states = trunk(steps)
        if self.settings.pools_first and not trunk.pools:
            return statistics(states, self.settings.pooling).reshape(1, -1)
        return states.flatten(1)

    def pooled(self, ragged: Ragged | RaggedGroup) -> Tensor:
        """Pool utterances, whose states may be computed already, to vectors (B, dim)."""
        if not len(ragged):
            return torch.zeros(0, self.dim, device=self.scale.mean.device)
        if isinstance(ragged, Ragged):
            rows = [self.constant(steps) for steps in ragged.split()]
            ragged = RaggedGroup.join(rows)
        parts = zip(self.branches, ragged.parts, strict=True)
        return torch.cat([branch(part) for branch, part in parts], dim=1)

    def forward(
        self,
        ragged: Ragged | RaggedGroup,
        guide: Tensor | None = None,
        references: References | None = None,
    ) -> tuple[Tensor, Selection | None]:
        """Encode as `ModalityEncoder.forward` says."""
        states = self.scale(self.pooled(ragged))
        if references is not None and len(references):
            states = states - self._baseline(references, len(states))
        return states, None

    def _baseline(self, references: References, count: int) -> Tensor:
        """Compute the shrunk mean state (B, dim) of the references of each utterance."""
        states = self.scale(self.pooled(references.clips))
        weights = references.weights.to(states)
        # the last row is for references of utterances that lack the modality
        total = states.new_zeros(count + 1, self.dim)
        total = total.index_add(0, references.rows, states * weights[:, None])
        number = states.new_zeros(count + 1).index_add(0, references.rows, weights)
        return (total / (number + SHRINKAGE)[:, None])[:count]

    def head(self, labels: int) -> nn.Module:
        """Build a head with one hidden layer, or a linear one."""
        hidden, dropout = self.settings.hidden, nn.Dropout(self.settings.head_dropout)
        if not hidden:
            return nn.Sequential(dropout, nn.Linear(self.dim, labels))
        return nn.Sequential(
            nn.Linear(self.dim, hidden), nn.GELU(), dropout, nn.Linear(hidden, labels)
        )

    def load_pretrained(self, name: str) -> None:
        """Load the weights of each network. Raises `MienError` as `Trunk.load` does."""
        names = parts_of(name)
        if len(names) != len(self.trunks):
            raise MienError(
                f"{name!r} names {len(names)} models, and the {self.modality} encoder has"
                f" {len(self.trunks)}"
            )
        for trunk, part in zip(self._trunks(), names, strict=True):
            trunk.load(part)

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights of the networks that are trained."""
        return (weight for weight in self.trunks.parameters() if weight.requires_grad)

    def fixed_names(self) -> Iterator[str]:
        """Name the weights that always equal those of the pretrained models."""
        for number, trunk in enumerate(self._trunks()):
            learned = {_owner(n) for n, w in trunk.named_parameters() if w.requires_grad}
            if self.settings.freeze == "none" and learned:
                continue  # a few constants of a network that is trained are stored with it
            for name in trunk.state_dict():
                if _owner(name) not in learned and not is_adapter(name):
                    yield f"{self.pretrained_part}.{number}.{name}"

    def observe(self, ragged: Ragged | RaggedGroup) -> None:
        """Observe the states of training utterances, for their mean and deviation."""
        before = self.training
        self.eval()
        with torch.no_grad():
            self.scale.observe(self.pooled(ragged))
        self.train(before)

    def fit(self) -> None:
        """Use the mean and deviation of the states that were observed."""
        self.scale.fit()

    def train(self, mode: bool = True) -> Self:
        """Set the training mode; frozen networks and layers stay in eval mode."""
        nn.Module.train(self, mode)  # pooling has dropout, even if the networks are frozen
        for trunk in self._trunks():
            _eval_frozen(trunk)
        return self


def _owner(name: str) -> str:
    """Return the name of the module that has a weight, or a buffer such as those of batch norm."""
    return name.rpartition(".")[0]


def _eval_frozen(module: nn.Module) -> None:
    """Set the parts of a network that have weights, none of which is trained, to eval mode."""
    weights = list(module.parameters())
    if weights and not any(weight.requires_grad for weight in weights):
        module.eval()
    for child in module.children() if module.training else ():
        _eval_frozen(child)


def build_trunks(
    modality: Modality, descriptions: Sequence[Mapping[str, Any]], settings: PretrainedSettings
) -> list[Trunk]:
    """Build the networks that a run describes, with random weights.

    Raises
    ------
    MienError
        A description is damaged, or of a type that mien does not support.
    """
    choice = LayerChoice(settings.layers, settings.layer_states)
    trunks = []
    for description in descriptions:
        kind = family_of(modality, str(description.get("model_type")), "the run")
        trunks.append(kind.build(description, choice))
        trunks[-1].description = description
    return trunks


def describe_all(modality: Modality, name: str) -> list[dict[str, Any]]:
    """Describe the pretrained models that a name, or names joined by "+", stand for.

    Raises
    ------
    MienError
        One cannot be found or read, or is of a type that mien does not support.
    """
    return [describe_part(modality, part) for part in parts_of(name)]
