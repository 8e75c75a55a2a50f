"""Create a run folder and an initial model from data and settings."""

import logging
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from mien.dataset.leakage import validation_may_train
from mien.dataset.protocols import PROTOCOLS
from mien.dataset.splits import Splits, split, suggest
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.store import FeatureStore
from mien.files import check_writable
from mien.media.decode import FRAME_INTERVAL
from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel, build
from mien.models.encoders.pretrained import describe_all
from mien.models.encoders.pretrained_settings import PretrainedSettings
from mien.models.model import Pretrained
from mien.models.pretrained.source import describe
from mien.models.pretrained.text_source import load_config, load_tokenizer
from mien.runs.config import DataConfig, RunConfig
from mien.runs.data import usable
from mien.runs.frozen import FrozenWeights, find_frozen
from mien.runs.run import Run
from mien.tasks import EmotionTask, Task, parse_tasks, speaker_task
from mien.training.baseline import settings_of, settle, word_vectors_of
from mien.training.checkpoint import STATE, finished
from mien.training.config import TrainConfig
from mien.training.initial import read_weights
from mien.utterance import SPLITS

logger = logging.getLogger(__name__)


def reopen(store: Store, out: Path) -> Run:
    """Open a run to resume with its data, and record the present folder of these."""
    run = Run(out)
    if not run.folder.joinpath(STATE).is_file() and not finished(run.folder):
        raise MienError(f"{out} holds no finished epoch to resume: delete it and train again")
    check_writable(run.folder)
    recorded, found = run.config.data, _identity(store)
    known = found.keys() & recorded.model_fields_set
    other = any(found[name] != getattr(recorded, name) for name in known)
    if other or settings_of(store) != run.config.features:
        raise MienError(
            f"{store.folder} holds other data than those that {out} was trained on: give the folder"
            " of these, or train again into another folder"
        )
    now = recorded.model_copy(update=found | {"path": str(store.folder.resolve())})
    if now != recorded:
        run.record_data(now)
    return run


def _identity(store: Store) -> dict[str, Any]:
    """Return what a run records of its data to identify them."""
    return {
        "corpus": str(store.info["corpus"]),
        "frame_interval": float(store.info.get("frame_interval", FRAME_INTERVAL)),
        "no_face": str(store.info.get("no_face", "leave-out")),
        "face_size": store.face_size,
        "synthetic": bool(store.info["synthetic"]),
        "fingerprint": store.fingerprint,
    }


def create(
    store: Store,
    data: Path,
    out: Path,
    model: ModelConfig,
    config: TrainConfig,
    *,
    trained: bool = False,
) -> Run:
    """Determine protocol, tasks, text encoder and sizes of a run, and create its folder.

    With `trained` the initial weights must include the heads of all tasks.
    """
    if isinstance(store, FeatureStore):
        model, config = settle(model, config, store.settings)
    protocol = config.protocol or suggest(store.utterances, config.task)
    splits = split(store.utterances, protocol, fold=config.fold, num_folds=config.num_folds)
    tasks = _tasks(store, splits, config)
    smallest = max(task.smallest_batch for task in tasks)
    if config.batch_size * config.devices < smallest:
        raise MienError(
            f"the loss {config.loss or 'of the task'} compares the utterances of a batch: choose"
            f" {smallest} or more, or another loss",
            parameter="batch_size",
        )
    trained_on = splits
    if config.train_on_validation:
        _check_validation(store, protocol, splits, tasks)
        trained_on = splits.with_validation_trained()
    sizes = []
    # no test speaker has a label then; `mien verification` evaluates such a run
    speakers_alone = all(task.identifies_speakers for task in tasks)
    unseen = PROTOCOLS[protocol].unseen_speakers and speakers_alone
    for name in SPLITS[:2] if unseen else SPLITS:
        rows = usable(store, splits.rows(name), tasks, model.letters)
        sizes.append(f"{len(rows)} of {len(splits.rows(name))} {name}")
        if name == "train":
            _check_modalities(store, rows, model.letters)
    pretrained = _descriptions(model)
    _check_networks(model, pretrained)
    tokenizer = None if model.text is None else load_tokenizer(model.text.model)
    if config.init:
        _check_init(config, model, tasks, pretrained, trained)
    settings = RunConfig(
        model=model,
        tasks=tasks,
        data=DataConfig(
            path=str(data.resolve()),
            protocol=protocol,
            fold=config.fold,
            num_folds=config.num_folds,
            max_seconds=config.max_seconds,
            label_counts=_label_counts(store, trained_on, tasks),
            **_identity(store),
        ),
        training=config.model_dump(mode="json"),
        pretrained=pretrained,
        features=settings_of(store),
    )
    logger.info(
        "protocol %s: %s utterances can be used; %d in no split",
        *(protocol, ", ".join(sizes), splits.left_out),
    )
    return Run.create(out, settings, tokenizer, word_vectors_of(store))


def _check_validation(store: Store, protocol: str, splits: Splits, tasks: tuple[Task, ...]) -> None:
    """Refuse to train on a validation split that is needed, or shares more with the test."""
    if any(task.has_thresholds for task in tasks):
        raise MienError(
            "the thresholds of a multi-label task are chosen on the validation split: choose the"
            " loss ce, or leave it out",
            parameter="train_on_validation",
        )
    if not validation_may_train(store.utterances, protocol, splits):
        raise MienError(
            f"by {protocol} the validation split shares speakers or dialogues with the test: leave"
            " it out, or choose another protocol",
            parameter="train_on_validation",
        )


def _descriptions(model: ModelConfig) -> dict[Modality, list[dict[str, Any]]]:
    """Describe the pretrained networks of the encoders that have any."""
    found: dict[Modality, list[dict[str, Any]]] = {}
    for modality, encoder in model.encoders.items():
        if isinstance(encoder, PretrainedSettings):
            found[modality] = describe_all(modality, encoder.model)
        elif encoder.pretrained_name is not None:
            found[modality] = [describe(load_config(encoder.pretrained_name))]
    if (wanted := model.text) is not None:
        longest = found[Modality.TEXT][0].get("max_position_embeddings", wanted.max_len)
        if longest < wanted.max_len:
            raise MienError(
                f"{wanted.model} encodes at most {longest} tokens: choose {longest} or fewer",
                parameter="text_max_len",
            )
    return found


def _check_networks(model: ModelConfig, pretrained: Pretrained) -> None:
    """Refuse settings that pretrained networks of audio or video cannot have, such as layers."""
    with torch.device("meta"):
        for modality, encoder in model.encoders.items():
            if isinstance(encoder, PretrainedSettings):
                encoder.build(modality, pretrained=pretrained[modality])


def _check_init(
    config: TrainConfig,
    model: ModelConfig,
    tasks: tuple[Task, ...],
    pretrained: Pretrained,
    trained: bool,
) -> None:
    """Refuse initial weights that do not fit, before the folder is created."""
    weights = read_weights(config.init or "", tasks)
    with torch.device("meta"):
        labels = {task.name: len(task.labels) for task in tasks}
        plan = build(model, labels, pretrained, speaker_task=speaker_task(tasks))
    for task in tasks if trained else ():
        if weights.labels.get(task.name) != task.labels:
            raise MienError(
                f"{config.init} does not have the labels of the data for the task {task.name!r}:"
                f" {', '.join(task.labels)}"
            )
    weights.fitting(plan, tasks, config.init_modalities, complete=trained)


def _check_modalities(store: Store, rows: list[int], modalities: str) -> None:
    """Refuse a modality that no training utterance has, since its encoder would not be trained."""
    had = {letter for row in rows for letter in store.modalities[row]}
    if missing := [str(m) for m in Modality if m.letter in set(modalities) - had]:
        kept = "".join(letter for letter in modalities if letter in had)
        raise MienError(
            f"no training utterance has {' or '.join(missing)}: choose {kept}",
            parameter="modalities",
        )


def _tasks(store: Store, splits: Splits, config: TrainConfig) -> tuple[Task, ...]:
    """Build the tasks from the training labels, each with the loss if it supports that."""
    utterances = [store.utterances[row] for row in splits.train]
    tasks = []
    for kind in parse_tasks(config.task):
        mapping = {"mapping": config.map} if issubclass(kind, EmotionTask) else {}
        loss = config.loss if config.loss in kind.losses else None
        tasks.append(kind.from_training(utterances, loss, **mapping))
    return tuple(tasks)


def _label_counts(
    store: Store, splits: Splits, tasks: tuple[Task, ...]
) -> dict[str, dict[str, int]]:
    utterances = [store.utterances[row] for row in splits.train]
    return {t.name: t.label_counts(torch.stack([t.target(u) for u in utterances])) for t in tasks}


def initialised(run: Run, config: TrainConfig) -> str:
    """Return the letters of the modalities that `init` initialises."""
    return (config.init_modalities or run.config.model.letters) if config.init else ""


def initial_network(run: Run, config: TrainConfig) -> MultimodalModel:
    """Build the model, with pretrained weights for encoders that `init` does not initialise."""
    network, chosen = run.build(), initialised(run, config)
    for modality, settings in run.config.model.encoders.items():
        if settings.pretrained_name is not None and modality.letter not in chosen:
            network.encoder(modality).load_pretrained(settings.pretrained_name)
    return network


def frozen_weights(network: MultimodalModel, config: TrainConfig) -> dict[Modality, FrozenWeights]:
    """Return the frozen weights that equal their source, so that the run need not copy them.

    Weights from another run may have been trained there.
    """
    found = find_frozen(network)
    chosen = (config.init_modalities or network.config.letters) if config.init else ""
    for modality in [m for m in found if m.letter in chosen]:
        with suppress(MienError):
            pristine = deepcopy(network)
            pristine.encoder(modality).load_pretrained(found[modality].name)
            if find_frozen(pristine)[modality] == found[modality]:
                continue
        del found[modality]
    return found
