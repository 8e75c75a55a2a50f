"""Settings that the chosen model, protocol or task does not read: they would change nothing."""

from collections.abc import Callable, Collection
from typing import TypeVar

from pydantic import BaseModel

from mien.dataset.protocols import PROTOCOLS
from mien.errors import MienError
from mien.models.config import ModelConfig
from mien.training.config import TrainConfig

Reads = Callable[[ModelConfig, TrainConfig], bool]
Settings = TypeVar("Settings", bound=BaseModel)


def _pictures(model: ModelConfig, config: TrainConfig) -> bool:
    """Tell whether there is a CNN, for faces or for sound."""
    return bool(set(model.decoded) & set("av"))


def _text(model: ModelConfig, config: TrainConfig) -> bool:
    return "t" in model.decoded


def _sparse(model: ModelConfig, config: TrainConfig) -> bool:
    return model.model == "mme2e-sparse" and _pictures(model, config)


def _transformers(model: ModelConfig, config: TrainConfig) -> bool:
    return model.model == "lf-transformer" or _pictures(model, config)


def _rnn(model: ModelConfig, config: TrainConfig) -> bool:
    return model.model == "lf-rnn"


def _persons(model: ModelConfig, config: TrainConfig) -> bool:
    return config.task in ("person", "both")


def _folds(model: ModelConfig, config: TrainConfig) -> bool:
    return config.protocol is not None and PROTOCOLS[config.protocol].folds


READERS: dict[str, tuple[Reads, str]] = {
    "fold": (_folds, "--protocol sessions"),
    "init_modalities": (lambda m, c: c.init is not None, "--init"),
    "balance": (lambda m, c: c.task != "sentiment", "a task with labels"),
    "modality_dropout": (lambda m, c: len(m.modalities) > 1, "a model of several modalities"),
    "embedding_loss": (
        lambda m, c: _persons(m, c) and m.embedding_size > 0,
        "the task person or both, with an --embedding-size above 0,",
    ),
    "embedding_size": (_persons, "the task person or both"),
    "augment": (_pictures, "a model of faces or sound (mme2e or mme2e-sparse with a or v)"),
    "max_seconds": (
        lambda m, c: m.hand_crafted or _pictures(m, c),  # a baseline must name what its data say
        "a model of faces or sound",
    ),
    "text_lr_factor": (
        lambda m, c: (_text(m, c) and not c.freeze_text) or _sparse(m, c),
        "a text encoder that learns, or --model mme2e-sparse,",
    ),
    **dict.fromkeys(
        ("freeze_text", "text_model", "text_pooling", "text_max_len"),
        (_text, "a model of words (mme2e or mme2e-sparse with t in --modalities)"),
    ),
    "front_end": (
        lambda m, c: "a" in m.decoded,
        "a model of sound (mme2e or mme2e-sparse with a in --modalities)",
    ),
    **dict.fromkeys(
        ("width", "cnn_dropout", "trans_dim", "trans_nheads"),
        (_pictures, "a model of faces or sound (mme2e or mme2e-sparse with a or v)"),
    ),
    **dict.fromkeys(
        ("sparse_threshold", "sparsity", "attention"),
        (_sparse, "--model mme2e-sparse with a or v in --modalities"),
    ),
    **dict.fromkeys(
        ("feature_sizes", "standardize"),
        (lambda m, c: m.hand_crafted, "--model lf-rnn or lf-transformer"),
    ),
    "audio_feature_type": (
        lambda m, c: m.hand_crafted and "a" in m.modalities,
        "--model lf-rnn or lf-transformer with a in --modalities",
    ),
    **dict.fromkeys(("rnn", "rnn_layers", "rnn_hidden", "bidirectional"), (_rnn, "--model lf-rnn")),
    "rnn_state": (
        lambda m, c: _rnn(m, c) and "t" in m.modalities,
        "--model lf-rnn with t in --modalities",
    ),
    **dict.fromkeys(
        ("trans_nlayers", "trans_feedforward", "positions"),
        (_transformers, "a model with transformers over time (faces, sound, or lf-transformer)"),
    ),
    "dropout": (
        lambda m, c: _transformers(m, c) or (_rnn(m, c) and m.rnn_layers > 1),
        "a model with transformers over time, or lf-rnn with --rnn-layers 2 or more,",
    ),
}
"""For settings that some runs do not read: which runs do, and that in words.

Whatever is not here is always read. `mien.training.baseline.settle` judges `max_seconds` of a
baseline, since that depends on its features.
"""


def unread(model: ModelConfig, config: TrainConfig) -> dict[str, str]:
    """Name the settings that this model and this training don't read, and what would read each."""
    return {name: who for name, (reads, who) in READERS.items() if not reads(model, config)}


def given(settings: BaseModel) -> set[str]:
    """Name the settings that were given, with another value than the default."""
    default = type(settings)()
    changed = settings.model_fields_set
    return {name for name in changed if getattr(settings, name) != getattr(default, name)}


def refuse_unread(
    model: ModelConfig, config: TrainConfig, names: Collection[str] | None = None
) -> None:
    """Refuse settings that nothing reads, since whoever gave them expects an effect.

    Parameters
    ----------
    model, config
        All settings.
    names : collection of str, optional
        Those that were given (default: those with another value than their default).

    Raises
    ------
    MienError
        One of the names is not read.
    """
    names = given(model) | given(config) if names is None else names
    for name, who in unread(model, config).items():
        if name in names:
            flag = "--" + name.replace("_", "-")
            raise MienError(f"{flag} changes nothing here: only {who} reads it; leave it out")


def drop_unread(
    model: ModelConfig, config: TrainConfig
) -> tuple[ModelConfig, TrainConfig, list[str]]:
    """Leave out the settings that nothing reads.

    Returns
    -------
    model, config
        The settings that are left.
    notes : list of str
        A sentence for each that was left out and had another value than its default.
    """
    idle, lost = unread(model, config), given(model) | given(config)
    notes = [f"{n} changes nothing here: only {idle[n]} reads it" for n in idle if n in lost]
    return _without(model, idle), _without(config, idle), notes


def _without(settings: Settings, names: Collection[str]) -> Settings:
    values = settings.model_dump(include=settings.model_fields_set - set(names))
    return type(settings).model_validate(values)
