"""What a command of the published system does: find the data, train, judge."""

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
from mien.models.encoders.text import PACKAGED, load_config
from mien.models.presets import name_of
from mien.published.adopt import adopt
from mien.published.data import DATASETS, content, digest, prepared, use_features
from mien.runs.run import Run
from mien.tasks import parse_tasks
from mien.training import TrainConfig, train
from mien.training.checkpoint import STATE, finished
from mien.training.unread import drop_unread

GIVEN = "command.json"
"""File of a run folder: digests of what the command was given. Written when training is done."""

METRICS = "metrics.json"
"""File of a run folder: the figures of its test part, when judging is done."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A published command in mien's terms.

    Parameters
    ----------
    datapath : Path
        Prepared data, or a corpus to prepare.
    dataset : str
        What the command calls the corpus.
    frame_interval : float
        Seconds between pictures.
    model, training
        Settings.
    labels : int or None
        How many the command expects of its task, emotion or person.
    gpu : str
        Number of the GPU to use.
    parts : tuple of {"valid", "test"}
        Judge on these parts instead of training; empty: train, and judge on test.
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
    parts: tuple[str, ...] = ()
    savings: Path = Path("savings")


def reproduce(job: Job) -> list[Metrics]:
    """Prepare the data where that is not done yet, train or find the run, and judge it.

    The same job goes on where it was stopped, and trains nothing twice: a run's folder is named
    after its settings and the content of its data and of the weights that it begins with.

    Returns
    -------
    list of Metrics
        Of each part.

    Raises
    ------
    MienError
        The data are not found or can't be used, or there is no run to judge.
    """
    init = job.training.init
    if init and not Path(init).exists():
        raise MienError(f"--ckpt={init}: no such run folder and no such checkpoint")
    _choose_gpu(job.gpu)
    job = replace(job, model=_with_text_model(job))
    data = prepared(job.datapath, job.dataset, job.frame_interval, job.savings)
    if job.model.hand_crafted:
        use_features(job.datapath, job.dataset, data, job.training.max_seconds)
    store = open_store(data, job.model)
    if isinstance(store, FeatureStore):
        job = _with_features(job, store)
    _compare(job, store)
    run = _find(job, data, store) if job.parts else _train(job, data, store)
    print(f"the run: {run.folder}")
    return [_judge(job, run, data, store, part) for part in job.parts or ("test",)]


def _judge(job: Job, run: Run, data: Path, store: Store, part: str) -> Metrics:
    """Judge a run by the modalities that the command names, and keep what is of the whole run."""
    own = run.config.model.letters
    shown = "".join(m for m in own if m in job.model.letters) or job.model.letters
    if shown != own:
        print(f"the run reads {own}; of these it is shown {shown} alone, as the command says")
    metrics = evaluate(run.folder, data=data, split=part, modalities=shown)
    if part == "test" and shown == own and store.fingerprint == run.config.data.fingerprint:
        run.write(METRICS, metrics.model_dump(mode="json"))
    return metrics


# The machine


def _choose_gpu(wanted: str) -> None:
    """Show torch the GPU of a number alone, counted among those that may be seen."""
    count = torch.cuda.device_count()
    seen = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    gpus = seen.split(",")[:count]
    if not gpus:
        print(f"--cuda={wanted}: there is no GPU here, the processor computes")
    elif wanted.isdigit() and int(wanted) < len(gpus):
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[int(wanted)]
    else:
        print(f"--cuda={wanted}: the GPUs here are 0 to {len(gpus) - 1}; GPU 0 computes")
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[0]


def _with_text_model(job: Job) -> ModelConfig:
    """Put the packaged text encoder in the place of a published one that can't be had here."""
    model, init, text = job.model, job.training.init, job.model.text
    if text is None or not text.model.startswith("albert-"):
        return model
    if init and Path(init).is_dir():
        known = Run(init).config.model.text
        return model if known is None else model.changed(Modality.TEXT, model=known.model)
    try:
        load_config(text.model)
    except MienError:
        if init:  # the checkpoint's words are ALBERT's
            raise
        print(
            f"{text.model} is no folder here and can't be had from the hub: {PACKAGED}, which"
            " comes with mien, takes its place"
        )
        return model.changed(Modality.TEXT, model=PACKAGED)
    return model


# The data


def _with_features(job: Job, store: FeatureStore) -> Job:
    """Read features of the sizes and the length that there are, whatever the command says."""
    unsized = {
        m: {"kind": encoder.kind} | encoder.model_dump(exclude_unset=True, exclude={"feature_size"})
        for m, encoder in job.model.encoders.items()
    }
    model = job.model.model_copy(update={"encoders": ModelConfig(encoders=unsized).encoders})
    fitted = fit_sizes(model, store.settings)
    wanted, found = _feature_sizes(job.model), _feature_sizes(fitted)
    if wanted != found:
        print(f"--hfc-sizes={wanted}: the features are of {found}, and these are read")
    training = job.training.model_dump(exclude_unset=True, exclude={"max_seconds"})
    return replace(job, model=model, training=TrainConfig(**training))


def _feature_sizes(model: ModelConfig) -> list[int]:
    sizes = {m: e.feature_size for m, e in model.encoders.items() if hasattr(e, "feature_size")}
    return [sizes[m] for m in Modality if m in sizes]


def _compare(job: Job, store: Store) -> None:
    """Say where the data are others than the command says."""
    interval = float(store.info.get("frame_interval", job.frame_interval))
    if interval != job.frame_interval:
        print(
            f"--img-interval={job.frame_interval * 1000:.0f} has no effect: the data were prepared"
            f" with a picture every {interval * 1000:.0f} ms"
        )
    if store.face_size != PUBLISHED_FACE_SIZE:
        print(
            f"the data were prepared with face crops of {store.face_size} pixels, which are scaled"
            f" to {PUBLISHED_FACE_SIZE}; mien prepare --face-size {PUBLISHED_FACE_SIZE} gives the"
            " published ones"
        )
    corpus = store.info["corpus"]
    if corpus in DATASETS and corpus != job.dataset:
        print(f"--dataset={job.dataset} has no effect: {store.folder} holds {corpus}")
    if job.labels is not None:
        _count_labels(job, store)


def _count_labels(job: Job, store: Store) -> None:
    config = job.training
    protocol = config.protocol or suggest(store.utterances, config.task)
    rows = split(store.utterances, protocol, fold=config.fold, num_folds=config.num_folds).train
    (task,) = parse_tasks(config.task)  # the command says what number of labels one task has
    found = task.from_training(store.utterances[row] for row in rows).labels
    if job.labels != len(found):
        print(
            f"--num-{config.task}s={job.labels}: the training part has {len(found)}, and the model"
            f" answers these: {', '.join(found)}"
        )


# The run


def _given(job: Job, store: Store) -> dict[str, str | None]:
    """Tell what a command is given by its content: a file may have changed and kept its name."""
    init, own = job.training.init, job.model.text
    text = None if own is None or not Path(own.model).is_dir() else Path(own.model)
    return {
        "data": content(store),
        "checkpoint": _content(Path(init)) if init else None,
        "text_model": _of_files(p for p in text.rglob("*") if p.is_file()) if text else None,
    }


def _content(weights: Path) -> str:
    """Give the digest of a checkpoint, or of what decides on the answers of a run."""
    if not weights.is_dir():
        return fingerprint(weights)
    run = Run(weights)
    return _of_files(run.folder / name for name in ("config.yaml", "model.safetensors"))


def _of_files(paths: Iterable[Path]) -> str:
    return digest([(path.name, fingerprint(path)) for path in sorted(paths)])


def _folder(job: Job, given: Mapping[str, str | None], kind: str = "") -> Path:
    """Name a run after all that decides what it answers, and nothing else."""
    model, training = job.model.model_dump(mode="json"), job.training.model_dump(mode="json")
    training["init"] = None  # its content is among what is given
    name = f"{name_of(job.model)}-{job.training.task}-{job.model.letters}"
    return job.savings / f"{kind}{name}-{digest([model, training, given])}"


def _train(job: Job, data: Path, store: Store) -> Run:
    """Train, go on training, or take what this very job has trained before."""
    given = _given(job, store)
    folder = _folder(job, given)
    if (folder / GIVEN).is_file():
        judged = (folder / METRICS).is_file()
        print(
            f"{folder} was trained before by this command: delete it to train anew"
            if judged
            else f"{folder}: this command trained it before and failed to judge it: it tries again"
        )
        return Run(folder)
    if (folder / STATE).is_file():
        print(f"{folder}: training goes on after its last finished epoch")
        run = train(data, folder, resume=True)
    elif finished(folder):  # and then stopped before it could say so
        print(f"{folder} is trained to its end")
        run = Run(folder)
    elif folder.exists():
        raise MienError(
            f"{folder} was begun by this command and holds no finished epoch: delete it, and give"
            " the command again"
        )
    else:
        # a published command gives every option, whatever its task reads
        model, training, _ = drop_unread(job.model, job.training)
        run = train(data, folder, model, training)
    run.write(GIVEN, given)
    return run


def _find(job: Job, data: Path, store: Store) -> Run:
    """Find the run to judge: the checkpoint's, or else the one that this command trained."""
    init, given = job.training.init, _given(job, store)
    if init:
        return Run(init) if Path(init).is_dir() else _import(job, data, given)
    folder = _folder(job, given)
    if not folder.is_dir():
        raise MienError(
            f"there is no run in {job.savings} that this command trained on these data: run it"
            f" without --{job.parts[0]} first, or name a run or a checkpoint with --ckpt"
        )
    if not (folder / GIVEN).is_file():
        print(
            f"{folder} has not been trained to its end: the figures are those of its best epoch so"
            f" far; the same command without --{' and --'.join(job.parts)} goes on"
        )
    return Run(folder)


def _import(job: Job, data: Path, given: Mapping[str, str | None]) -> Run:
    """Make a run of a checkpoint as it is, apart from all that is trained."""
    folder = _folder(job, given, "import-")
    if not folder.is_dir():
        part = folder.with_name(folder.name + PART)
        shutil.rmtree(part, ignore_errors=True)
        adopt(str(job.training.init), data, part, job.model, job.training)
        Run(part).write(GIVEN, given)
        part.rename(folder)
    return Run(folder)
