"""Text encoders of transformers, of which any layers are used: BERT, RoBERTa and others."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from transformers import PretrainedConfig

from mien.modality import Modality
from mien.models.pretrained.source import config_of, describe
from mien.models.pretrained.text_source import load_config, source
from mien.models.pretrained.transformers_model import build_model, drop, load_into, shortened
from mien.models.pretrained.trunk import (
    LayerChoice,
    LayerRecorder,
    Trunk,
    checked_layers,
    family,
    layers_of,
    stacked,
)


@family(
    Modality.TEXT,
    *("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "mpnet"),
    *("deberta", "deberta-v2", "modernbert"),
)
class TextTrunk(Trunk):
    """A text encoder of transformers, which encodes the tokens of one text.

    Parameters
    ----------
    config : PretrainedConfig
        Its configuration.
    choice : LayerChoice
        Which layers are computed.
    """

    def __init__(self, config: PretrainedConfig, choice: LayerChoice) -> None:
        super().__init__()
        total = config.num_hidden_layers
        count = checked_layers(choice, total, f"this {config.model_type} model")
        self.last = choice.states == "last" and count == total
        self.model = build_model(shortened(config, count), Modality.TEXT)
        drop(self.model, "pooler")
        if not self.last:
            drop(self.model, "final_norm")  # of ModernBERT
        layers = layers_of(self.model, count)
        used = layers[-1:] if choice.states == "last" else layers
        self.recorder = LayerRecorder(used, choice.states)
        self.depth = len(used) + (choice.states == "weighted")
        self.width = config.hidden_size

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a model as `Trunk.describe` says."""
        return describe(load_config(name))

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "TextTrunk":
        """Build the network as `Trunk.build` says."""
        return cls(config_of(description, "the description of the text encoder"), choice)

    def layers(self) -> list[nn.Module]:
        """Return the transformer layers."""
        return layers_of(self.model, self.model.config.num_hidden_layers)

    def load(self, name: str) -> None:
        """Load the weights of the layers that are computed."""
        load_into(self.model, str(source(name)), Modality.TEXT)

    def forward(self, steps: Tensor) -> Tensor:
        """Encode token ids (L,) as states (L, depth, width)."""
        if self.last:
            return self.model(input_ids=steps[None]).last_hidden_state[0][:, None]
        return stacked(self.recorder.record(lambda: self.model(input_ids=steps[None])))
