"""A model with random weights from its dimensions."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import torch

from mien.errors import MienError
from mien.models.config import ModelConfig
from mien.models.late_fusion import LateFusion
from mien.models.mme2e import MME2E
from mien.models.network import Network

if TYPE_CHECKING:
    from transformers import PretrainedConfig

LARGEST = 2 * 10**9
"""Weights of the largest model that is built; the published one has 17 million."""


def build(
    config: ModelConfig,
    labels: Mapping[str, int],
    text: "PretrainedConfig | None",
    absent: Mapping[str, int] | None = None,
) -> Network:
    """Build a model with random weights.

    Parameters
    ----------
    config : ModelConfig
        Its dimensions.
    labels : mapping of str to int
        How many labels each task has.
    text : PretrainedConfig or None
        Of the text encoder, where the model needs one.
    absent : mapping of str to int, optional
        As `MME2E` takes it; a model of hand-crafted features is built whole.

    Raises
    ------
    MienError
        No model can have these dimensions, or one of more than `LARGEST` weights.
    """
    architecture: Callable[..., Network] = LateFusion
    if not config.hand_crafted:
        architecture = partial(MME2E, text_config=text, absent=absent)
    try:
        with torch.device("meta"):  # a plan without memory shows that it can be built
            plan = architecture(config, labels)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise MienError(f"no model can have these dimensions: {why}") from error
    if (size := sum(weight.numel() for weight in plan.parameters())) > LARGEST:
        raise MienError(f"a model of these dimensions would have {size:,} weights")
    return architecture(config, labels)
