"""Start, resume and finish a training run."""

import logging
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException

from mien.dataset.torch_dataset import BatchDataset
from mien.devices import choose_device
from mien.errors import MienError
from mien.features.store import open_store
from mien.files import only_one, unwritable
from mien.inference.dataset import predict
from mien.inference.evaluate import choose_thresholds
from mien.models import ModelConfig
from mien.progress import on_terminal
from mien.runs.config import WEIGHTS
from mien.runs.data import examples, split_store, usable
from mien.runs.run import Run
from mien.training.callbacks import CheckpointCallback, StopOnSignal
from mien.training.checkpoint import (
    STATE,
    SafeCheckpointIO,
    finished,
    how_to_go_on,
    remove_state,
)
from mien.training.config import TrainConfig
from mien.training.datamodule import Loaders
from mien.training.finite import NotFiniteError, error_of
from mien.training.initial import begin_with
from mien.training.job import by_torchrun, first, joined, machines, on_first, settled
from mien.training.memory import keep_freed_memory
from mien.training.module import Learner
from mien.training.norm_sync import NormSync
from mien.training.output import SpawnedOutput, quieten
from mien.training.progress import EpochLines
from mien.training.setup import create, frozen_weights, initial_network, reopen
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
        Go on from the last finished epoch, to the same numbers as without the interruption. A run
        that is finished is returned as it is.
        `data` then says where the same data lie now; the run folder remembers it.
    progress : bool
        Report progress (`mien.progress`).
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).

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
            logger.info("%s", how_to_go_on(out))
        return run
    config = TrainConfig.model_validate(run.config.training)
    L.seed_everything(config.seed, verbose=False)
    keep_freed_memory()
    network = run.build() if resume else initial_network(run, config)
    tasks, tokenizer, parts = run.config.tasks, run.tokenizer(), split_store(run, store)
    rows = {
        part: usable(store, parts.rows(part), tasks, run.config.model.letters)
        for part in ("train", "valid")
    }
    seed = config.seed if config.augment else None
    training = examples(run, store, rows["train"], tokenizer, seed)
    validation = examples(run, store, rows["valid"], tokenizer)
    if network.needs_fit and not resume:
        network.fit(training[0, [place]] for place in range(len(training)))
    if config.init and not resume:
        taken = begin_with(config.init, network, tasks, config.init_modalities)
        if first():
            logger.info("%s", taken)
    if resume:
        run.load_frozen(network)
    elif frozen := frozen_weights(network, config):
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
            " before, and their thresholds; to go on from these, train a new run with init"
            f" {run.folder}, and a lower lr or clip 1"
        ) from failure
    return run


def _check_usable(run: Run, error: NotFiniteError) -> None:
    """Refuse to go on where the run has no weights of an epoch before the failure."""
    if not run.folder.joinpath(WEIGHTS).is_file():
        raise MienError(
            f"training stopped at {error}. No epoch was finished, so {run.folder} holds nothing"
            " that can be used: delete it, and train again with a lower lr or with clip 1"
        ) from error


def _hardware(place: torch.device | None, devices: int) -> dict[str, Any]:
    """Say to Lightning where to compute; it chooses where nothing is said.

    Raises
    ------
    MienError
        One GPU is named by its number, and several processes train.
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
        CheckpointCallback(run, config.early_stop),
        StopOnSignal(),
        SpawnedOutput(),
    ]
    bar = progress and on_terminal()
    if progress:
        callbacks.append(TQDMProgressBar(leave=True) if bar else EpochLines())
    log = run.folder / "log"
    quieten()
    # a modality that nobody of a batch has leaves parameters unused
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
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        path = str(run.folder / STATE) if resume else None
        try:
            trainer.fit(learner, datamodule=Loaders(training, validation, config), ckpt_path=path)
        except OSError as error:  # of the log; mien's own files say it themselves
            raise unwritable(run.folder, error) from error
        except (KeyboardInterrupt, SystemExit) as error:
            again = f"resume the run in {run.folder} to go on from its last finished epoch"
            if not run.folder.joinpath(STATE).is_file():
                again = f"no epoch was finished; delete {run.folder} to train again"
            raise MienError(f"interrupted; {again}") from error
        except (ProcessRaisedException, MienError) as error:  # of another process: its traceback
            if (told := error_of(str(error))) is None:
                raise
            raise told from error
