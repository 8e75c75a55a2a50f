"""What a command of the published system does: find the data, train, judge."""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mien.corpora import CORPORA
from mien.corpora.published_split import assign, read_split
from mien.dataset.extract import extract
from mien.dataset.feature_store import FOLDER, FeatureStore, fit_sizes, open_data
from mien.dataset.prepare import prepare
from mien.dataset.splits import split, suggest
from mien.dataset.store import Store
from mien.errors import MienError
from mien.models import ModelConfig
from mien.models.text import PACKAGED, load_config
from mien.run import Run
from mien.tasks import emotion_task, person_task
from mien.training import TrainConfig, train
from mien.training.adopt import adopt
from mien.training.evaluate import evaluate_run
from mien.training.keeper import STATE
from mien.training.unread import drop_unread
from mien.utterance import Skipped, Utterance

DATASETS = ("iemocap", "mosei")
"""What the published code calls the corpora that it reads."""


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
    part : {"valid", "test"} or None
        Judge on this part instead of training.
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
    part: str | None = None
    savings: Path = Path("savings")


def reproduce(job: Job) -> dict[str, Any]:
    """Prepare the data where that is not done yet, train or find the run, and judge it.

    The same job goes on where it was stopped, and trains nothing twice: a run's folder is named
    after its settings and its data.

    Returns
    -------
    dict
        What `mien.training.evaluate.evaluate_run` does.

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
    data = _data(job)
    if job.model.hand_crafted:
        _extract(job, data)
    store = open_data(data, job.model)
    if isinstance(store, FeatureStore):
        job = replace(job, model=_with_sizes(job, store))
    _compare(job, store)
    if job.part is None:
        run = _train(job, data, _folder(job, store))
    else:
        run = _find(job, data, _folder(job, store))
    part = job.part or "test"
    shown = [m for m in run.config.model.modalities if m in job.model.modalities]
    modalities = "".join(shown) or job.model.modalities
    metrics = evaluate_run(run.folder, data=data, part=part, modalities=modalities)
    whole = modalities == run.config.model.modalities
    if part == "test" and whole and store.fingerprint == run.config.data.fingerprint:
        run.write("metrics.json", metrics)
    print(f"the run: {run.folder}")
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
    model, init = job.model, job.training.init
    if (
        "t" not in model.modalities
        or model.hand_crafted
        or not model.text_model.startswith("albert-")
    ):
        return model
    if init and Path(init).is_dir():
        return model.model_copy(update={"text_model": Run(init).config.model.text_model})
    try:
        load_config(model.text_model)
    except MienError:
        if init:  # the checkpoint's words are ALBERT's
            raise
        print(
            f"{model.text_model} is no folder here and can't be had from the hub: {PACKAGED}, which"
            " comes with mien, takes its place"
        )
        return model.model_copy(update={"text_model": PACKAGED})
    return model


# The data


def _data(job: Job) -> Path:
    """Give the folder with the job's prepared data; prepare them where that is not done."""
    if any((job.datapath / name).is_file() for name in ("dataset.json", "prepare.json")):
        return job.datapath
    if not job.datapath.is_dir():
        raise MienError(
            f"--datapath={job.datapath}: no such folder; give the one with the published processed"
            " data, with a corpus's own release, or one that `mien prepare` wrote"
        )
    source = str(job.datapath.resolve())
    out = job.savings / f"data-{_digest([source, job.dataset, job.frame_interval])}"
    if (out / "dataset.json").is_file():
        print(f"the data are prepared: {out}")
        return out
    corpus, items = _read(job)
    job.savings.mkdir(parents=True, exist_ok=True)
    options = {"source": source}
    print(prepare(items, out, corpus=corpus, frame_interval=job.frame_interval, options=options))
    return out


def _read(job: Job) -> tuple[str, list[Utterance | Skipped]]:
    """Read the corpus that a folder holds, with the parts that published lists beside it give."""
    reasons = []
    processed = job.datapath / f"{job.dataset.upper()}_RAW_PROCESSED"
    for name, folder in (
        ("processed", processed if processed.is_dir() else job.datapath),
        (job.dataset, job.datapath),
    ):
        try:
            return name, _divide(job, list(CORPORA[name].read(folder)))
        except MienError as error:
            reasons.append(str(error))
    raise MienError(
        f"--datapath={job.datapath} holds no data of {job.dataset} that mien knows: "
        + "; ".join(reasons)
    )


def _divide(job: Job, items: list[Utterance | Skipped]) -> list[Utterance | Skipped]:
    lists = job.datapath / f"{job.dataset.upper()}_SPLIT"
    if not lists.is_dir():
        return items
    # the processed data are often there in part
    assigned = assign(items, read_split(lists), name=str(lists), partial=True)
    print(assigned)
    return assigned.items


def _extract(job: Job, data: Path) -> None:
    """Put hand-crafted features beside the data where there are none: the published, or our own."""
    if (data / FOLDER / "features.json").is_file():
        return
    published = job.datapath / f"{job.dataset.upper()}_HCF_FEATURES"
    print(extract(data, read=published if published.is_dir() else None))


def _with_sizes(job: Job, store: FeatureStore) -> ModelConfig:
    """Read features of the sizes that there are, whatever the command says."""
    values = job.model.model_dump(exclude_unset=True)
    wanted = values.pop("feature_sizes", None)
    model = ModelConfig(**values)
    found = fit_sizes(model, store.settings).feature_sizes
    if wanted not in (None, found):
        print(f"--hfc-sizes={wanted}: the features of the data are of {found}, and these are read")
    return model


def _compare(job: Job, store: Store) -> None:
    """Say where the data are others than the command says."""
    interval = float(store.info.get("frame_interval", job.frame_interval))
    if interval != job.frame_interval:
        print(
            f"--img-interval={job.frame_interval * 1000:.0f} has no effect: the data were prepared"
            f" with a picture every {interval * 1000:.0f} ms"
        )
    corpus = store.info["corpus"]
    if corpus in DATASETS and corpus != job.dataset:
        print(f"--dataset={job.dataset} has no effect: {store.folder} holds {corpus}")
    if job.labels is not None:
        _count_labels(job, store)


def _count_labels(job: Job, store: Store) -> None:
    config = job.training
    protocol = config.protocol or suggest(store.utterances, config.task)
    rows = split(store.utterances, protocol, fold=config.fold).train
    task = person_task if config.task == "person" else emotion_task
    found = task(store.utterances[row] for row in rows).labels
    if job.labels != len(found):
        print(
            f"--num-{config.task}s={job.labels}: the training part has {len(found)}, and the model"
            f" answers these: {', '.join(found)}"
        )


# The run


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _folder(job: Job, store: Store) -> Path:
    """Name a job's run after all that decides what it learns."""
    model, training = job.model.model_dump(mode="json"), job.training.model_dump(mode="json")
    digest = _digest([model, training, store.fingerprint])
    return job.savings / f"{job.model.model}-{job.training.task}-{job.model.modalities}-{digest}"


def _train(job: Job, data: Path, folder: Path) -> Run:
    """Train, go on training, or take what this very job has trained before."""
    if (folder / "thresholds.json").is_file():
        print(f"{folder} was trained before by this command: delete it to train anew")
        return Run(folder)
    if (folder / STATE).is_file():
        print(f"{folder}: training goes on after its last finished epoch")
        return train(data, folder, resume=True)
    if folder.exists():
        raise MienError(
            f"{folder} was begun by this command and holds no finished epoch: delete it, and give"
            " the command again"
        )
    # a published command gives every option, whatever its model reads
    model, training, _ = drop_unread(job.model, job.training)
    return train(data, folder, model, training)


def _find(job: Job, data: Path, folder: Path) -> Run:
    """Find the run to judge: the checkpoint's, or the one that this command trained."""
    init = job.training.init
    if init and Path(init).is_dir():
        return Run(init)
    if not folder.is_dir() and init:
        return adopt(init, data, folder, job.model, job.training)
    if not folder.is_dir():
        raise MienError(
            f"there is no run in {job.savings} that this command trained on these data: run it"
            f" without --{job.part} first, or name a run or a checkpoint with --ckpt"
        )
    return Run(folder)
