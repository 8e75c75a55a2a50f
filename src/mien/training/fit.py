"""Start, resume and finish a training run."""

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException
from transformers import PretrainedConfig

from mien.dataset.collate import Examples
from mien.dataset.splits import PARTS, Split, split, suggest
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.store import FeatureStore, open_data
from mien.files import check_writable, only_one, unwritable
from mien.inference.evaluate import answer, choose_thresholds
from mien.media.decode import FRAME_INTERVAL
from mien.metrics.regression import step_counts
from mien.models import LateFusion, ModelConfig, Network
from mien.models.build import build
from mien.models.config import MODALITIES
from mien.models.encoders.text import describe, load_config, load_tokenizer, load_weights
from mien.runs.data import Loaders, divide, examples, usable
from mien.runs.run import DataConfig, Run, RunConfig
from mien.tasks import Task, emotion_task, person_task, sentiment_task
from mien.training.baseline import settings_of, settle, words_of
from mien.training.callbacks import STATE, Keeper
from mien.training.checkpoint import SafeCheckpointIO
from mien.training.config import TrainConfig
from mien.training.finite import NotFiniteError, error_of
from mien.training.initial import begin_with, read_weights
from mien.training.memory import keep_freed_memory
from mien.training.module import Learner
from mien.training.unread import refuse_unread


def train(
    data: str | Path,
    out: str | Path,
    model: ModelConfig | None = None,
    config: TrainConfig | None = None,
    *,
    resume: bool = False,
    progress: bool = True,
) -> Run:
    """Train a model on prepared data and leave a run folder.

    Parameters
    ----------
    data : path
        What `mien prepare` wrote.
    out : path
        The run folder, new or empty; with `resume` the one to go on with.
    model, config : optional
        Dimensions and settings. With `resume` those of the run folder count.
    resume : bool
        Go on from the last finished epoch, to the same numbers as without the interruption.
        `data` then says where the same data lie now; the run folder remembers it.
    progress : bool
        Show a progress bar.

    Raises
    ------
    MienError
        A setting was given that this model or training does not read; the data are not prepared,
        too few or unlabelled, or not those of the run to resume; the
        folder is not as it should be; or a loss, a gradient or a score was not finite. Then the
        run keeps the best weights of the epochs before.

    Examples
    --------
    >>> from mien.training import train, TrainConfig
    >>> run = train("data/ravdess", "runs/ravdess", config=TrainConfig(epochs=1))  # doctest: +SKIP
    """
    if not resume:
        refuse_unread(model or ModelConfig(), config or TrainConfig())
    model = Run(out).config.model if resume else model or ModelConfig()
    store = open_data(Path(data), model)
    if resume:
        run = _reopen(store, Path(out))
    else:
        run = create(store, Path(data), Path(out), model, config or TrainConfig())
    config = TrainConfig.model_validate(run.config.training)
    L.seed_everything(config.seed, verbose=False)
    keep_freed_memory()
    network = run.build() if resume else _network(run, config)
    tasks, tokenizer, parts = run.config.tasks, run.tokenizer(), divide(run, store)
    rows = {
        part: usable(store, parts.part(part), tasks, run.config.model.modalities)
        for part in ("train", "valid")
    }
    training = examples(run, store, rows["train"], tokenizer, config)
    validation = examples(run, store, rows["valid"], tokenizer)
    if isinstance(network, LateFusion) and network.scales and not resume:
        network.fit_scales(training[0, [place]] for place in range(len(training)))
    if config.init and not resume:
        print(begin_with(config.init, network, tasks, config.init_modalities))
    weights: dict[str, Tensor] = {}
    if config.balance:
        targets = training.targets()
        weights = {task.name: task.balance(targets[task.name]) for task in tasks}
    learner = Learner(network, tasks, config, weights)
    failure = None
    try:
        with only_one(run.folder, "mien train"):
            _fit(run, learner, training, validation, config, resume, progress)
    except NotFiniteError as error:
        failure = error
        _check_usable(run, error)
    answers = answer(run, run.model(), store, rows["valid"], progress=progress)
    choose_thresholds(run, answers)
    if failure is not None:
        raise MienError(
            f"training stopped at {failure}. {run.folder} keeps the best weights of the epochs"
            " before, and their thresholds; to go on from these: mien train DATA --out NEW --init"
            f" {run.folder}, with a lower --lr or with --clip 1"
        ) from failure
    return run


def _check_usable(run: Run, error: NotFiniteError) -> None:
    """Refuse to go on where the run has no weights of an epoch before the failure."""
    if not run.folder.joinpath("model.safetensors").is_file():
        raise MienError(
            f"training stopped at {error}. No epoch was finished, so {run.folder} holds nothing"
            " that can be used: delete it, and train again with a lower --lr or with --clip 1"
        ) from error


def _reopen(store: Store, out: Path) -> Run:
    """Open a run to go on with its own data, and remember where they lie now."""
    run = Run(out)
    if not run.folder.joinpath(STATE).is_file():
        raise MienError(f"{out} holds no finished epoch: delete it and train without --resume")
    check_writable(run.folder)
    recorded, found = run.config.data, _identity(store)
    known = found.keys() & recorded.model_fields_set
    other = any(found[name] != getattr(recorded, name) for name in known)
    if other or settings_of(store) != run.config.features:
        raise MienError(
            f"{store.folder} holds other data than those that {out} was trained on: name the folder"
            " where these lie now, or train anew into another --out"
        )
    now = recorded.model_copy(update=found | {"path": str(store.folder.resolve())})
    if now != recorded:
        run.record_data(now)
    return run


def _identity(store: Store) -> dict[str, Any]:
    """Give what a run records of its data to know them again."""
    return {
        "corpus": str(store.info["corpus"]),
        "frame_interval": float(store.info.get("frame_interval", FRAME_INTERVAL)),
        "no_face": str(store.info.get("no_face", "leave-out")),
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
    """Settle what the run is: protocol, tasks, text encoder, sizes; and make its folder.

    With `trained` the weights to begin with must answer all tasks.
    """
    if isinstance(store, FeatureStore):
        model, config = settle(model, config, store.settings)
    protocol = config.protocol or suggest(store.utterances, config.task)
    parts = split(store.utterances, protocol, fold=config.fold)
    tasks = _tasks(store, parts, config)
    sizes = []
    # nobody who trains with others can name strangers; `mien verification` judges them
    strangers = protocol == "strangers" and [task.name for task in tasks] == ["person"]
    for part in PARTS[:2] if strangers else PARTS:
        rows = usable(store, parts.part(part), tasks, model.modalities)
        sizes.append(f"{len(rows)} of {len(parts.part(part))} {part}")
        if part == "train":
            _check_modalities(store, rows, model.modalities)
    text, tokenizer = None, None
    if "t" in model.decoded:
        text, tokenizer = load_config(model.text_model), load_tokenizer(model.text_model)
        longest = getattr(text, "max_position_embeddings", model.text_max_len)
        if longest < model.text_max_len:
            raise MienError(
                f"{model.text_model} reads at most {longest} tokens: give --text-max-len {longest}"
            )
    if config.init:
        _check_init(config, model, tasks, text, trained)
    settings = RunConfig(
        model=model,
        tasks=tasks,
        data=DataConfig(
            path=str(data.resolve()),
            protocol=protocol,
            fold=config.fold,
            max_seconds=config.max_seconds,
            label_counts=_label_counts(store, parts, tasks),
            **_identity(store),
        ),
        training=config.model_dump(mode="json"),
        text=None if text is None else describe(text),
        features=settings_of(store),
    )
    print(
        f"protocol {protocol}: {', '.join(sizes)} utterances can be used;"
        f" {parts.left_out} in no part"
    )
    return Run.create(out, settings, tokenizer, words_of(store))


def _check_init(
    config: TrainConfig,
    model: ModelConfig,
    tasks: tuple[Task, ...],
    text: PretrainedConfig | None,
    trained: bool,
) -> None:
    """Refuse weights that don't fit, before there is a folder in the way of the next try."""
    weights = read_weights(config.init or "", tasks)
    with torch.device("meta"):
        plan = build(model, {task.name: len(task.labels) for task in tasks}, text)
    for task in tasks if trained else ():
        if weights.labels.get(task.name) != task.labels:
            raise MienError(
                f"{config.init} does not answer the labels that the data have for {task.name!r}:"
                f" {', '.join(task.labels)}"
            )
    weights.fitting(plan, tasks, config.init_modalities, complete=trained)


def _check_modalities(store: Store, rows: list[int], modalities: str) -> None:
    """Refuse a modality that no training utterance has: its weights would stay random."""
    had = {letter for row in rows for letter in store.modalities[row]}
    if missing := [name for letter, name in MODALITIES.items() if letter in set(modalities) - had]:
        kept = "".join(letter for letter in modalities if letter in had)
        raise MienError(
            f"no training utterance has {' or '.join(missing)}: give --modalities {kept}"
        )


def _tasks(store: Store, parts: Split, config: TrainConfig) -> tuple[Task, ...]:
    utterances = [store.utterances[row] for row in parts.train]
    asked = ("emotion", "person") if config.task == "both" else config.task.split("+")
    tasks = []
    if "emotion" in asked:
        tasks.append(emotion_task(utterances, config.loss or "bce"))
    if "person" in asked:
        tasks.append(person_task(utterances, config.loss or "ce"))
    if "sentiment" in asked:
        of_labels = config.loss in ("bce", "ce") and len(asked) > 1  # meant for the other task
        tasks.append(sentiment_task("l1" if of_labels else config.loss or "l1"))
    return tuple(tasks)


def _label_counts(store: Store, parts: Split, tasks: tuple[Task, ...]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for task in tasks:
        targets = torch.stack([task.target(store.utterances[row]) for row in parts.train])
        if task.regression:
            counts[task.name] = step_counts(targets[~targets.isnan()].numpy())
        else:
            totals = targets.nansum(dim=0).int().tolist()
            counts[task.name] = dict(zip(task.labels, totals, strict=True))
    return counts


def _network(run: Run, config: TrainConfig) -> Network:
    """Build the model, with a pretrained text encoder where none is taken from elsewhere."""
    network, model = run.build(), run.config.model
    begun = (config.init_modalities or model.modalities) if config.init else ""
    if "t" in set(model.decoded) - set(begun):
        load_weights(network.encoders["t"], model.text_model)  # type: ignore[arg-type]
    return network


def _fit(
    run: Run,
    learner: Learner,
    training: Examples,
    validation: Examples,
    config: TrainConfig,
    resume: bool,
    progress: bool,
) -> None:
    callbacks: list[Callback] = [Keeper(run, config.early_stop)]
    if progress:
        callbacks.append(TQDMProgressBar(leave=True))
    log = run.folder / "log"
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = L.Trainer(
        max_epochs=config.epochs,
        devices=config.devices,
        # spawned, because the command must not run again for each process; a modality that nobody
        # of a batch has leaves parameters unused
        strategy="ddp_spawn_find_unused_parameters_true" if config.devices > 1 else "auto",
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.clip,
        callbacks=callbacks,
        logger=TensorBoardLogger(log, name="", version=""),
        plugins=[SafeCheckpointIO()],
        enable_checkpointing=False,
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=1,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory.*")
        path = str(run.folder / STATE) if resume else None
        try:
            trainer.fit(learner, datamodule=Loaders(training, validation, config), ckpt_path=path)
        except OSError as error:  # of the log; mien's own files say it themselves
            raise unwritable(run.folder, error) from error
        except (KeyboardInterrupt, SystemExit) as error:
            again = f"go on from the last finished epoch: mien train --resume --out {run.folder}"
            if not run.folder.joinpath(STATE).is_file():
                again = f"no epoch was finished; delete {run.folder} to train again"
            raise MienError(f"interrupted; {again}") from error
        except ProcessRaisedException as error:
            if (told := error_of(error)) is None:
                raise
            raise told from error
