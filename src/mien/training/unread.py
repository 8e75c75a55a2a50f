"""Settings that the chosen model, protocol or task does not read: they would change nothing."""

from collections.abc import Callable, Collection
from typing import TypeVar

from pydantic import BaseModel

from mien.dataset.protocols import PROTOCOLS
from mien.errors import MienError
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.tasks import parse_tasks
from mien.training.config import TrainConfig

Reads = Callable[[ModelConfig, TrainConfig], bool]
Settings = TypeVar("Settings", bound=BaseModel)


def _persons(model: ModelConfig, config: TrainConfig) -> bool:
    return any(kind.identifies_speakers for kind in parse_tasks(config.task))


def _folds(model: ModelConfig, config: TrainConfig) -> bool:
    return config.protocol is not None and PROTOCOLS[config.protocol].folds


def _media(model: ModelConfig, config: TrainConfig) -> bool:
    """Tell whether media are read; a model of features must name the length that these have."""
    return model.hand_crafted or model.modalities != (Modality.TEXT,)


READERS: dict[str, tuple[Reads, str]] = {
    "fold": (_folds, "a protocol of folds, such as sessions,"),
    "num_folds": (
        lambda m, c: c.protocol is not None and PROTOCOLS[c.protocol].free,
        "a protocol of any number of folds, such as kfold-speakers,",
    ),
    "init_modalities": (
        lambda m, c: c.init is not None,
        "a training with init",
    ),
    "balance": (
        lambda m, c: any(kind.balanced for kind in parse_tasks(c.task)),
        "a task with labels",
    ),
    "modality_dropout": (lambda m, c: len(m.encoders) > 1, "a model of several modalities"),
    "embedding_loss": (
        lambda m, c: _persons(m, c) and m.embedding_size > 0,
        "the task person, with an embedding size above 0,",
    ),
    "embedding_size": (_persons, "the task person"),
    "augment": (
        lambda m, c: any(encoder.augments for encoder in m.encoders.values()),
        "a model of faces or audio (mme2e or mme2e-sparse with a or v)",
    ),
    "max_seconds": (_media, "a model of audio or video"),
    "text_lr_factor": (
        lambda m, c: any(encoder.learns_slowly for encoder in m.encoders.values()),
        "a text encoder that learns, or a sparse model,",
    ),
}
"""For settings that some runs do not read: which runs do, and that in words.

Whatever is not here is always read; a setting that no encoder has is refused by
`mien.models.presets`. `mien.training.baseline.settle` judges `max_seconds` of a baseline, since
that depends on its features.
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
            why = f"has no effect here: only {who} uses it; leave it out"
            raise MienError(why, parameter=name)


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
    notes = [f"{n} has no effect here: only {idle[n]} uses it" for n in idle if n in lost]
    return _without(model, idle), _without(config, idle), notes


def _without(settings: Settings, names: Collection[str]) -> Settings:
    values = {name: getattr(settings, name) for name in settings.model_fields_set - set(names)}
    return type(settings).model_validate(values)
