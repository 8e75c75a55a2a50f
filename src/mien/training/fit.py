"""Start, resume and finish a training run."""

import logging
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException

from mien.dataset.store import Store
from mien.dataset.torch_dataset import BatchDataset
from mien.devices import choose_device
from mien.errors import MienError
from mien.features.store import open_store
from mien.files import only_one, unwritable
from mien.inference.dataset import predict
from mien.inference.evaluate import choose_thresholds
from mien.inference.states import with_states
from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel
from mien.progress import on_terminal
from mien.runs.config import WEIGHTS
from mien.runs.data import examples, split_store, usable
from mien.runs.run import Run
from mien.training.callbacks import CheckpointCallback, StopOnSignal
from mien.training.checkpoint import (
    STATE,
    SafeCheckpointIO,
    finished,
    how_to_continue,
    remove_state,
)
from mien.training.config import TrainConfig
from mien.training.datamodule import Loaders
from mien.training.finite import NotFiniteError, error_of
from mien.training.initial import initialise
from mien.training.job import by_torchrun, first, joined, machines, on_first, settled
from mien.training.memory import keep_freed_memory
from mien.training.module import Learner
from mien.training.norm_sync import NormSync
from mien.training.output import SpawnedOutput, quieten
from mien.training.progress import EpochLines
from mien.training.setup import create, frozen_weights, initial_network, initialised, reopen
from mien.training.unread import refuse_unread

logger = logging.getLogger(__name__)


def train(
    data: str | Path,
    out: str | Path,
    model: ModelConfig | None = None,
    config: TrainConfig | None = None,
    *,
    resume: bool = False,
    progress: bool = True,
    device: str | torch.device | None = None,
) -> Run:
    """Train a model on prepared data, and write a run folder.

    Parameters
    ----------
    data : path
        A folder that `mien prepare` wrote.
    out : path
        The run folder, new or empty; with `resume`, the run to continue.
    model, config : optional
        Model configuration and settings of training. With `resume` those of the run folder are
        used.
    resume : bool
        Continue after the last finished epoch, with the same results as without the interruption. A
        finished run is returned as it is. `data` is the present folder of the same data, which the
        run folder then records.
    progress : bool
        Report progress (`mien.progress`).
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).

    Raises
    ------
    MienError
        A setting has no effect; the data are not prepared, too few, unlabelled, or not those of the
        run to resume; the folder cannot be used; or a loss, a gradient or a score is not finite.
        In the last case the run keeps the best weights of the epochs before.

    Examples
    --------
    >>> from mien.training import train, TrainConfig
    >>> run = train("data/ravdess", "runs/ravdess", config=TrainConfig(epochs=1))  # doctest: +SKIP
    """
    place = None if device is None else choose_device(device)
    with joined():
        if resume:
            recorded = Run(out).config
            model, config = recorded.model, TrainConfig.model_validate(recorded.training)
        else:
            model, config = model or ModelConfig(), config or TrainConfig()
            refuse_unread(model, config)
        config, shown = settled(config, place), progress and first()
        return _train(Path(data), Path(out), model, config, resume, shown, place)


def _train(
    data: Path,
    out: Path,
    model: ModelConfig,
    config: TrainConfig,
    resume: bool,
    progress: bool,
    device: torch.device | None,
) -> Run:
    """Train in this process, or with others."""
    hardware = _hardware(device, config.devices)  # before there is a folder
    store = open_store(data, model)
    if resume:
        on_first(lambda: reopen(store, out))
    else:
        on_first(lambda: create(store, data, out, model, config))
    run = Run(out)
    if resume and finished(out):
        if first():
            logger.info("%s", how_to_continue(out))
        return run
    config = TrainConfig.model_validate(run.config.training)
    L.seed_everything(config.seed, verbose=False)
    keep_freed_memory()
    network = run.build() if resume else initial_network(run, config)
    tasks, tokenizer, splits = run.config.tasks, run.tokenizer(), split_store(run, store)
    rows = {
        name: usable(store, splits.rows(name), tasks, run.config.model.letters)
        for name in ("train", "valid")
    }
    if resume:
        run.load_frozen(network)
    elif config.init:
        message = initialise(config.init, network, tasks, config.init_modalities)
        if first():
            logger.info("%s", message)
    if config.cache:
        store = _with_states(run, store, network, config, device, progress)
    if config.train_on_validation:
        rows["train"] = sorted(rows["train"] + rows["valid"])
    seed = config.seed if config.augment else None
    drawn: dict[str, Any] = {"references": None, "draw_seed": config.seed}
    training = examples(run, store, rows["train"], tokenizer, seed, **drawn)
    validation = examples(run, store, rows["valid"], tokenizer)
    fitted = [m for m in network.needs_fit if m.letter not in initialised(run, config)]
    if fitted and not resume:
        _fit_scales(network, examples(run, store, rows["train"], tokenizer, seed), fitted, device)
    if not resume and (frozen := frozen_weights(network, config)):
        run.record_frozen(frozen, write=first())
    weights: dict[str, Tensor] = {}
    if config.balance:
        targets = training.targets()
        weights = {task.name: task.balance(targets[task.name]) for task in tasks}
    learner = Learner(network, tasks, config, weights, run.config.frozen)
    failure = None
    try:
        with only_one(run.folder, "mien train") if first() else nullcontext():
            _fit(run, learner, training, validation, config, resume, progress, hardware)
    except NotFiniteError as error:
        failure = error
        _check_usable(run, error)

    def finish() -> None:
        model = run.model()
        predictions = predict(run, model, store, rows["valid"], progress=progress, device=device)
        choose_thresholds(run, predictions)
        if failure is None and not config.keep_state:
            remove_state(run.folder)

    on_first(finish)
    if failure is not None:
        raise MienError(
            f"training stopped at {failure}. {run.folder} keeps the best weights of the epochs"
            " before, and their thresholds; to continue from these, train a new run with init"
            f" {run.folder} and a lower lr or clip 1"
        ) from failure
    return run


def _fit_scales(
    network: MultimodalModel,
    training: BatchDataset,
    fitted: Sequence[Modality],
    device: torch.device | None,
) -> None:
    """Let encoders adapt to the training split where they will be trained, one by one."""
    place = choose_device(device)
    network.to(place)
    network.fit((training[0, [row]].to(place) for row in range(len(training))), fitted)
    network.cpu()


def _with_states(
    run: Run,
    store: Store,
    network: MultimodalModel,
    config: TrainConfig,
    device: torch.device | None,
    progress: bool,
) -> Store:
    """Store the states of frozen networks for training, in the first process."""
    options: dict[str, Any] = {
        "tokenizer": run.tokenizer(),
        "copies": config.augment,
        "keep_voice": any(task.identifies_speakers for task in run.config.tasks),
        "device": device,
    }
    seconds = run.config.data.max_seconds
    on_first(lambda: with_states(store, network, seconds, progress=progress, **options))
    return with_states(store, network, seconds, progress=False, **options)


def _check_usable(run: Run, error: NotFiniteError) -> None:
    """Raise if the run has no weights of an epoch before the failure."""
    if not run.folder.joinpath(WEIGHTS).is_file():
        raise MienError(
            f"training stopped at {error}. No epoch was finished, so {run.folder} has no weights:"
            " delete it, and train again with a lower lr or with clip 1"
        ) from error


def _hardware(place: torch.device | None, devices: int) -> dict[str, Any]:
    """Return the arguments of Lightning's trainer that say where to compute.

    Raises
    ------
    MienError
        The device is a single GPU, and several processes train.
    """
    if place is not None and place.index is not None and place.type != "cpu":
        if devices > 1:
            raise MienError(
                f"{place} is one device, and {devices} processes train: name {place.type}",
                parameter="device",
            )
        return {"devices": [place.index]} | _kind(place)
    if by_torchrun():
        here, nodes = machines()
        return {"devices": here, "num_nodes": nodes} | _kind(place)
    return {"devices": devices} | _kind(place)


def _kind(place: torch.device | None) -> dict[str, str]:
    kinds = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}
    return {} if place is None else {"accelerator": kinds[place.type]}


def _fit(
    run: Run,
    learner: Learner,
    training: BatchDataset,
    validation: BatchDataset,
    config: TrainConfig,
    resume: bool,
    progress: bool,
    hardware: dict[str, Any],
) -> None:
    callbacks: list[Callback] = [
        CheckpointCallback(run, config.early_stop, keep_last=config.train_on_validation),
        StopOnSignal(),
        SpawnedOutput(),
    ]
    bar = progress and on_terminal()
    if progress:
        callbacks.append(TQDMProgressBar(leave=True) if bar else EpochLines())
    log = run.folder / "log"
    quieten()
    # a modality that no utterance of a batch has leaves parameters unused
    several = "ddp{}_find_unused_parameters_true".format("" if by_torchrun() else "_spawn")
    trainer = L.Trainer(
        max_epochs=config.epochs,
        **hardware,
        strategy=several if config.devices > 1 or config.strategy != "auto" else "auto",
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.clip,
        callbacks=callbacks,
        logger=TensorBoardLogger(log, name="", version=""),
        plugins=[SafeCheckpointIO(), NormSync()],
        enable_checkpointing=False,
        enable_progress_bar=bar,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=1,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory.*")
        warnings.filterwarnings("ignore", message=".*in eval mode at the start.*")  # those frozen
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        path = str(run.folder / STATE) if resume else None
        try:
            trainer.fit(learner, datamodule=Loaders(training, validation, config), ckpt_path=path)
        except OSError as error:  # of the log; other files raise a MienError
            raise unwritable(run.folder, error) from error
        except (KeyboardInterrupt, SystemExit) as error:
            advice = f"resume the run in {run.folder} to continue from its last finished epoch"
            if not run.folder.joinpath(STATE).is_file():
                advice = f"no epoch was finished; delete {run.folder} to train again"
            raise MienError(f"interrupted; {advice}") from error
        except (ProcessRaisedException, MienError) as error:  # of another process: its traceback
            if (told := error_of(str(error))) is None:
                raise
            raise told from error
