"""Settings without effect, because the model, the protocol or the task does not use them."""

from collections.abc import Callable, Collection
from typing import TypeVar

from pydantic import BaseModel

from mien.dataset.protocols import PROTOCOLS
from mien.errors import MienError
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.tasks import EmotionTask, parse_tasks
from mien.training.config import TrainConfig

Reads = Callable[[ModelConfig, TrainConfig], bool]
Settings = TypeVar("Settings", bound=BaseModel)


def _speakers(model: ModelConfig, config: TrainConfig) -> bool:
    return any(kind.identifies_speakers for kind in parse_tasks(config.task))


def _folds(model: ModelConfig, config: TrainConfig) -> bool:
    return config.protocol is not None and PROTOCOLS[config.protocol].folds


def _media(model: ModelConfig, config: TrainConfig) -> bool:
    """Return whether media are used; a model of features must state the length of these."""
    return model.hand_crafted or model.modalities != (Modality.TEXT,)


READERS: dict[str, tuple[Reads, str]] = {
    "fold": (_folds, "a protocol of folds, such as sessions,"),
    "num_folds": (
        lambda m, c: c.protocol is not None and PROTOCOLS[c.protocol].free,
        "a protocol of any number of folds, such as kfold-speakers,",
    ),
    "early_stop": (
        lambda m, c: not c.train_on_validation,
        "a training whose validation split does not train",
    ),
    "init_modalities": (
        lambda m, c: c.init is not None,
        "a training with init",
    ),
    "map": (
        lambda m, c: any(issubclass(kind, EmotionTask) for kind in parse_tasks(c.task)),
        "the task emotion",
    ),
    "balance": (
        lambda m, c: any(kind.balanced for kind in parse_tasks(c.task)),
        "a task with labels",
    ),
    "label_smoothing": (
        lambda m, c: any(kind.balanced for kind in parse_tasks(c.task)),
        "a task with labels",
    ),
    "mixup": (lambda m, c: not _speakers(m, c), "a task that does not identify speakers"),
    "cache": (
        lambda m, c: any(encoder.cacheable for encoder in m.encoders.values()),
        "a frozen pretrained encoder with a pooling without weights",
    ),
    "modality_dropout": (lambda m, c: len(m.encoders) > 1, "a model of several modalities"),
    "embedding_loss": (
        lambda m, c: _speakers(m, c) and m.embedding_size > 0,
        "the task person, with an embedding size above 0,",
    ),
    "embedding_size": (_speakers, "the task person"),
    "augment": (
        lambda m, c: any(encoder.augments for encoder in m.encoders.values()),
        "a model that encodes faces or audio (mme2e or mme2e-sparse with a or v)",
    ),
    "max_seconds": (_media, "a model of audio or video"),
    "group_by": (lambda m, c: m.text is not None, "a model with a pretrained text encoder"),
    "text_lr_factor": (
        lambda m, c: any(encoder.learns_slowly for encoder in m.encoders.values()),
        "a text encoder that learns, or a sparse model,",
    ),
}
"""For each setting that some runs do not use, a test for those that do, and their description.

Other settings are always used, and `mien.models.presets` refuses a setting that no encoder has.
`mien.training.baseline.settle` checks `max_seconds` of a baseline against its features.
"""


ENCODER_READERS: dict[str, tuple[Reads, str]] = {
    "copies": (lambda m, c: c.augment, "a training with augment"),
    "specaugment": (lambda m, c: c.augment, "a training with augment"),
    "hidden": (lambda m, c: m.fusion == "weighted", "the fusion weighted"),
    "head_dropout": (lambda m, c: m.fusion == "weighted", "the fusion weighted"),
}
"""The same for settings of encoders that depend on others than those of the encoder
(`EncoderConfig.unused`)."""


def unread(model: ModelConfig, config: TrainConfig) -> dict[str, str]:
    """Return the settings that have no effect here, each with what would use it.

    A setting of an encoder has the name of its modality before it; without this name it is listed
    if it has no effect in any encoder that has it.
    """
    own = {name: who for name, (reads, who) in READERS.items() if not reads(model, config)}
    return own | _unread_of_encoders(model, config)


def _unread_of_encoders(model: ModelConfig, config: TrainConfig) -> dict[str, str]:
    around = {n: who for n, (reads, who) in ENCODER_READERS.items() if not reads(model, config)}
    found: dict[str, str] = {}
    used: set[str] = set()
    for modality, encoder in model.encoders.items():
        idle = around | encoder.unused
        for name in type(encoder).model_fields:
            if name not in idle:
                used.add(name)
                continue
            found |= dict.fromkeys((name, f"{modality}_{name}"), idle[name])
    return {name: who for name, who in found.items() if name not in used}


def given(settings: BaseModel) -> set[str]:
    """Return the names of the settings that differ from their defaults.

    A setting of an encoder has the name of its modality before it.
    """
    default = type(settings)()
    changed = settings.model_fields_set
    names = {name for name in changed if getattr(settings, name) != getattr(default, name)}
    if isinstance(settings, ModelConfig):
        for modality, encoder in settings.encoders.items():
            names |= {f"{modality}_{name}" for name in given(encoder)}
    return names


def refuse_unread(
    model: ModelConfig, config: TrainConfig, names: Collection[str] | None = None
) -> None:
    """Refuse settings that have no effect, since the user expects one.

    Parameters
    ----------
    model, config
        All settings.
    names : collection of str, optional
        Those that the user gave (default: those that differ from their defaults).

    Raises
    ------
    MienError
        One of them has no effect, or references would remove what identifies a speaker.
    """
    if _speakers(model, config) and any(e.takes_references for e in model.encoders.values()):
        raise MienError(
            "the mean of a speaker's other clips is subtracted, which removes what identifies the"
            " speaker: leave references out, or train without the task person",
            parameter="references",
        )
    names = given(model) | given(config) if names is None else names
    for name, who in unread(model, config).items():
        if name in names:
            why = f"has no effect here: only {who} uses it; leave it out"
            raise MienError(why, parameter=name)


def drop_unread(
    model: ModelConfig, config: TrainConfig
) -> tuple[ModelConfig, TrainConfig, list[str]]:
    """Remove the settings that have no effect.

    Returns
    -------
    model, config
        The remaining settings.
    notes : list of str
        A message for each that was removed and differed from its default.
    """
    idle, lost = unread(model, config), given(model) | given(config)
    notes = [f"{n} has no effect here: only {idle[n]} uses it" for n in idle if n in lost]
    left = _without(model, idle)
    encoders = {
        m: _without(encoder, [n for n in type(encoder).model_fields if f"{m}_{n}" in idle])
        for m, encoder in left.encoders.items()
    }
    return left.model_copy(update={"encoders": encoders}), _without(config, idle), notes


def _without(settings: Settings, names: Collection[str]) -> Settings:
    values = {name: getattr(settings, name) for name in settings.model_fields_set - set(names)}
    return type(settings).model_validate(values)
