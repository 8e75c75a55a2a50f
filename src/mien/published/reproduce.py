"""Run a command of the published system: find the data, train, evaluate."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mien.dataset.splits import split, suggest
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.store import FeatureStore, fit_sizes, open_store
from mien.files import PART, fingerprint
from mien.inference.evaluate import evaluate
from mien.inference.metrics import Metrics
from mien.media.faces import PUBLISHED_FACE_SIZE
from mien.modality import Modality
from mien.models import ModelConfig
from mien.models.presets import name_of
from mien.models.pretrained.text_source import PACKAGED, load_config
from mien.published.adopt import adopt
from mien.published.data import DATASETS, content_digest, prepared, short_digest, use_features
from mien.runs.run import Run
from mien.tasks import parse_tasks
from mien.training import TrainConfig, train
from mien.training.checkpoint import STATE, finished
from mien.training.unread import drop_unread

DIGESTS = "command.json"
"""File of a run folder with the digests of the command's inputs, written after training."""

METRICS = "metrics.json"
"""File of a run folder with the metrics of its test split, written after evaluation."""


@dataclass(frozen=True, kw_only=True)
class PublishedCommand:
    """A published command in mien's terms.

    Parameters
    ----------
    datapath : Path
        Prepared data, or a corpus to prepare.
    dataset : str
        Name of the corpus in the command.
    frame_interval : float
        Seconds between frames.
    model, training
        Settings.
    labels : int or None
        Number of labels that the command expects of its task, emotion or person.
    gpu : str
        Number of the GPU to use.
    splits : tuple of {"valid", "test"}
        Evaluate on these splits instead of training; empty: train, and evaluate on test.
    savings : Path
        Where prepared data and runs go.
    """

    datapath: Path
    dataset: str
    frame_interval: float
    model: ModelConfig
    training: TrainConfig
    labels: int | None = None
    gpu: str = "0"
    splits: tuple[str, ...] = ()
    savings: Path = Path("savings")


def reproduce(command: PublishedCommand) -> list[Metrics]:
    """Prepare the data if needed, train or find the run, and evaluate it.

    The same command resumes where it was stopped, and trains nothing twice: a run's folder is named
    after its settings and the content of its data and of its initial weights.

    Returns
    -------
    list of Metrics
        The metrics of each split.

    Raises
    ------
    MienError
        The data are not found or can't be used, or there is no run to evaluate.
    """
    init = command.training.init
    if init and not Path(init).exists():
        raise MienError(f"--ckpt={init} is neither a run folder nor a checkpoint")
    _choose_gpu(command.gpu)
    command = replace(command, model=_with_text_model(command))
    data = prepared(command.datapath, command.dataset, command.frame_interval, command.savings)
    if command.model.hand_crafted:
        use_features(command.datapath, command.dataset, data, command.training.max_seconds)
    store = open_store(data, command.model)
    if isinstance(store, FeatureStore):
        command = _with_features(command, store)
    _compare(command, store)
    run = _find_run(command, data, store) if command.splits else _train(command, data, store)
    print(f"the run: {run.folder}")
    splits = command.splits or ("test",)
    return [_evaluate(command, run, data, store, name) for name in splits]


def _evaluate(
    command: PublishedCommand, run: Run, data: Path, store: Store, split_name: str
) -> Metrics:
    """Evaluate a run with the modalities of the command; save the metrics if they are all of it."""
    own = run.config.model.letters
    used = "".join(m for m in own if m in command.model.letters) or command.model.letters
    if used != own:
        print(f"the run takes {own} as input; only {used} is used, as the command says")
    metrics = evaluate(run.folder, data=data, split=split_name, modalities=used)
    if split_name == "test" and used == own and store.fingerprint == run.config.data.fingerprint:
        run.write(METRICS, metrics.model_dump(mode="json"))
    return metrics


# The machine


def _choose_gpu(wanted: str) -> None:
    """Make only one GPU visible to torch, by its number among the visible ones."""
    count = torch.cuda.device_count()
    seen = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    gpus = seen.split(",")[:count]
    if not gpus:
        print(f"--cuda={wanted}: there is no GPU here, the CPU is used")
    elif wanted.isdigit() and int(wanted) < len(gpus):
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[int(wanted)]
    else:
        print(f"--cuda={wanted}: the GPUs here are 0 to {len(gpus) - 1}; GPU 0 is used")
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[0]


def _with_text_model(command: PublishedCommand) -> ModelConfig:
    """Replace a published text encoder that is not available by the packaged one."""
    model, init, text = command.model, command.training.init, command.model.text
    if text is None or not text.model.startswith("albert-"):
        return model
    if init and Path(init).is_dir():
        known = Run(init).config.model.text
        return model if known is None else model.changed(Modality.TEXT, model=known.model)
    try:
        load_config(text.model)
    except MienError:
        if init:  # the checkpoint needs ALBERT
            raise
        print(
            f"{text.model} is not a folder here and not available from the hub: {PACKAGED},"
            " which comes with mien, is used instead"
        )
        return model.changed(Modality.TEXT, model=PACKAGED)
    return model


# The data


def _with_features(command: PublishedCommand, store: FeatureStore) -> PublishedCommand:
    """Use the sizes and the duration of the features in the data, whatever the command says."""
    unsized = {
        m: {"kind": encoder.kind} | encoder.model_dump(exclude_unset=True, exclude={"feature_size"})
        for m, encoder in command.model.encoders.items()
    }
    model = command.model.model_copy(update={"encoders": ModelConfig(encoders=unsized).encoders})
    fitted = fit_sizes(model, store.settings)
    wanted, found = _feature_sizes(command.model), _feature_sizes(fitted)
    if wanted != found:
        print(f"--hfc-sizes={wanted}: the data have features of the sizes {found}, which are used")
    training = command.training.model_dump(exclude_unset=True, exclude={"max_seconds"})
    return replace(command, model=model, training=TrainConfig(**training))


def _feature_sizes(model: ModelConfig) -> list[int]:
    sizes = {m: e.feature_size for m, e in model.encoders.items() if hasattr(e, "feature_size")}
    return [sizes[m] for m in Modality if m in sizes]


def _compare(command: PublishedCommand, store: Store) -> None:
    """Print how the data differ from what the command says."""
    interval = float(store.info.get("frame_interval", command.frame_interval))
    if interval != command.frame_interval:
        print(
            f"--img-interval={command.frame_interval * 1000:.0f} has no effect: the data were"
            f" prepared with a frame every {interval * 1000:.0f} ms"
        )
    if store.face_size != PUBLISHED_FACE_SIZE:
        print(
            f"the data were prepared with face crops of {store.face_size} pixels, which are resized"
            f" to {PUBLISHED_FACE_SIZE}; mien prepare --face-size {PUBLISHED_FACE_SIZE} gives the"
            " published ones"
        )
    corpus = store.info["corpus"]
    if corpus in DATASETS and corpus != command.dataset:
        print(f"--dataset={command.dataset} has no effect: {store.folder} holds {corpus}")
    if command.labels is not None:
        _count_labels(command, store)


def _count_labels(command: PublishedCommand, store: Store) -> None:
    config = command.training
    protocol = config.protocol or suggest(store.utterances, config.task)
    rows = split(store.utterances, protocol, fold=config.fold, num_folds=config.num_folds).train
    (task,) = parse_tasks(config.task)  # the number of labels in the command is that of one task
    found = task.from_training(store.utterances[row] for row in rows).labels
    if command.labels != len(found):
        print(
            f"--num-{config.task}s={command.labels}: the training split has {len(found)}, and the"
            f" model predicts these: {', '.join(found)}"
        )


# The run


def _digests(command: PublishedCommand, store: Store) -> dict[str, str | None]:
    """Return digests of the command's inputs, since a file may change and keep its name."""
    init, own = command.training.init, command.model.text
    text = None if own is None or not Path(own.model).is_dir() else Path(own.model)
    return {
        "data": content_digest(store),
        "checkpoint": _weights_digest(Path(init)) if init else None,
        "text_model": _files_digest(p for p in text.rglob("*") if p.is_file()) if text else None,
    }


def _weights_digest(weights: Path) -> str:
    """Return the digest of a checkpoint, or of the files that decide a run's predictions."""
    if not weights.is_dir():
        return fingerprint(weights)
    run = Run(weights)
    return _files_digest(run.folder / name for name in ("config.yaml", "model.safetensors"))


def _files_digest(paths: Iterable[Path]) -> str:
    return short_digest([(path.name, fingerprint(path)) for path in sorted(paths)])


def _folder(command: PublishedCommand, digests: Mapping[str, str | None], kind: str = "") -> Path:
    """Name a run after all that decides its predictions, and nothing else."""
    model = command.model.model_dump(mode="json")
    training = command.training.model_dump(mode="json")
    training["init"] = None  # its content is among the digests
    name = f"{name_of(command.model)}-{command.training.task}-{command.model.letters}"
    return command.savings / f"{kind}{name}-{short_digest([model, training, digests])}"


def _train(command: PublishedCommand, data: Path, store: Store) -> Run:
    """Train, resume training, or return the run that this command has trained before."""
    digests = _digests(command, store)
    folder = _folder(command, digests)
    if (folder / DIGESTS).is_file():
        evaluated = (folder / METRICS).is_file()
        print(
            f"{folder} was trained before by this command: delete it to train again"
            if evaluated
            else f"{folder}: this command trained it and failed to evaluate it: it tries again"
        )
        return Run(folder)
    if (folder / STATE).is_file():
        print(f"{folder}: training resumes after its last finished epoch")
        run = train(data, folder, resume=True)
    elif finished(folder):  # and stopped before the digests were written
        print(f"{folder}: its training is finished")
        run = Run(folder)
    elif folder.exists():
        raise MienError(
            f"{folder} was begun by this command and has no finished epoch: delete it, and run"
            " the command again"
        )
    else:
        # a published command sets every option, whatever its task uses
        model, training, _ = drop_unread(command.model, command.training)
        run = train(data, folder, model, training)
    run.write(DIGESTS, digests)
    return run


def _find_run(command: PublishedCommand, data: Path, store: Store) -> Run:
    """Find the run to evaluate: that of the checkpoint, or the one that this command trained."""
    init, digests = command.training.init, _digests(command, store)
    if init:
        return Run(init) if Path(init).is_dir() else _import(command, data, digests)
    folder = _folder(command, digests)
    if not folder.is_dir():
        raise MienError(
            f"there is no run in {command.savings} that this command trained on these data: run it"
            f" without --{command.splits[0]} first, or name a run or a checkpoint with --ckpt"
        )
    if not (folder / DIGESTS).is_file():
        print(
            f"{folder} has not been trained to its end: the metrics are those of its best epoch so"
            f" far; the same command without --{' and --'.join(command.splits)} resumes training"
        )
    return Run(folder)


def _import(command: PublishedCommand, data: Path, digests: Mapping[str, str | None]) -> Run:
    """Make a run of a checkpoint as it is, in a folder of its own."""
    folder = _folder(command, digests, "import-")
    if not folder.is_dir():
        draft = folder.with_name(folder.name + PART)
        shutil.rmtree(draft, ignore_errors=True)
        adopt(str(command.training.init), data, draft, command.model, command.training)
        Run(draft).write(DIGESTS, digests)
        draft.rename(folder)
    return Run(folder)
