"""Speaker verification over prepared data, by a run's embeddings or a ready-made encoder's."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mien.dataset.store import Store
from mien.devices import choose_device
from mien.errors import MienError
from mien.files import write_text
from mien.identity.pretrained import EncoderName, open_encoder
from mien.identity.silence_control import SilentStore
from mien.identity.trials import PAIRINGS, Trials, make_trials
from mien.inference import BATCH_SIZE
from mien.inference.dataset import Device, embed
from mien.metrics.verification import evaluate_trials
from mien.metrics.verification.bootstrap import RESAMPLES
from mien.modality import Modality
from mien.progress import follow
from mien.report.verification_plots import plot_verification
from mien.report.verification_report import TrialMetrics, VerificationReport, VerificationRow
from mien.report.verification_tables import markdown
from mien.runs.data import check_letters, open_for, rows_of, split_store
from mien.runs.run import Run
from mien.utterance import SplitName

if TYPE_CHECKING:
    from mien.identity.pretrained import PretrainedEncoder


@dataclass(frozen=True)
class Condition:
    """What an encoder takes as input of each clip, and its embeddings (N, E) of rows of data."""

    input: str
    embed: Callable[[list[int]], np.ndarray]


def verify_run(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    split: SplitName | Literal["all"] = "test",
    modalities: str | None = None,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
    resamples: int = RESAMPLES,
) -> VerificationReport:
    """Measure how well a run's embeddings tell speakers apart.

    Parameters
    ----------
    folder : path
        The run folder.
    data : path, optional
        Prepared data, if not those of training.
    split : {"train", "valid", "test", "all"}
        Which split of the run's protocol, or everything.
    modalities : str, optional
        Use only these as input, out of "tav".
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    batch_size : int
        Clips that are computed together.
    progress : bool
        Tell how far it has come (`mien.progress`).
    resamples : int
        Of the intervals.

    Returns
    -------
    VerificationReport
        A row for each kind of trials and each kind of input.

    Raises
    ------
    MienError
        The data are gone, don't fit the run, or allow no trials.
    """
    run = Run(folder)
    used = check_letters(run, modalities)
    store = open_for(run, Path(data or run.config.data.path), used)
    model, place = run.model(), choose_device(device)

    def embedder(store: Store, letters: str) -> Callable[[list[int]], np.ndarray]:
        return lambda rows: embed(
            *(run, model, store, rows),
            modalities=letters,
            progress=progress,
            device=place,
            batch_size=batch_size,
        )

    conditions = [Condition(_names(used), embedder(store, used))]
    left_out = []
    if "a" not in used:
        left_out.append("silence alone: the model does not use audio")
    elif run.config.model.hand_crafted:
        left_out.append("silence alone: the features are those of whole utterances")
    else:
        conditions.append(Condition("silence alone", embedder(SilentStore(store.folder), "a")))
    if "t" not in used:
        left_out.append("text alone: the model does not use text")
    elif used != "t":
        conditions.append(Condition("text alone", embedder(store, "t")))
    rows = rows_of(run, store, split)
    about = {"source": str(folder), "split": split, "trained": _trained(run, store, rows)}
    return _verify(store, rows, conditions, left_out, resamples, **about)


def verify_encoder(
    encoder: EncoderName,
    data: str | Path,
    *,
    device: Device = None,
    progress: bool = True,
    resamples: int = RESAMPLES,
) -> VerificationReport:
    """Measure how well a ready-made encoder tells the speakers of prepared data apart.

    Parameters
    ----------
    encoder : {"voice", "face", "both"}
        See `mien.identity.pretrained.open_encoder`.
    data : path
        Prepared data; all of them are used.
    device, progress, resamples
        As `verify_run` takes them, which also says what is returned.

    Raises
    ------
    MienError
        The encoder is not installed, or the data allow no trials.
    """
    store = Store(Path(data))
    chosen = open_encoder(encoder, device)

    def embedder(store: Store) -> Callable[[list[int]], np.ndarray]:
        return lambda rows: _embed_samples(chosen, store, rows, progress)

    conditions = [Condition(_names(chosen.modalities), embedder(store))]
    left_out = [f"text alone: the encoder {encoder} does not use text"]
    if chosen.modalities == "a":
        conditions.append(Condition("silence alone", embedder(SilentStore(store.folder))))
    else:
        left_out.append(f"silence alone: the encoder {encoder} needs faces")
    about = {"source": f"encoder {encoder}", "split": "all", "trained": None}
    return _verify(store, list(range(len(store))), conditions, left_out, resamples, **about)


def _names(letters: str) -> str:
    return " + ".join(modality for modality in Modality if modality.letter in letters)


def _embed_samples(
    encoder: "PretrainedEncoder", store: Store, rows: list[int], progress: bool
) -> np.ndarray:
    """Embed rows of prepared data (N, E); zero where a sample lacks what the encoder takes."""
    found = np.zeros((len(rows), encoder.dim), np.float32)
    bar = follow(rows, "embedding", "clips", shown=progress)
    for place, row in enumerate(bar):
        embedding = encoder.embed_sample(store[row])
        if embedding is not None:
            found[place] = embedding
    return found


def _trained(run: Run, store: Store, rows: list[int]) -> int | None:
    """Count the speakers of rows whom training had; None where the data are not training's."""
    if store.fingerprint != run.config.data.fingerprint:
        return None
    utterances = store.utterances
    had = {utterances[row].person for row in split_store(run, store).train}
    return len({utterances[row].person for row in rows} & had - {None})


Reasons = dict[tuple[str, str], list[str]]
"""What was left out, and why, with the inputs for which that is true."""


def _verify(
    store: Store,
    wanted: list[int],
    conditions: list[Condition],
    left_out: list[str],
    resamples: int,
    **about: Any,
) -> VerificationReport:
    """Evaluate every kind of trials that the data allow, under every condition."""
    rows = [row for row in wanted if store.utterances[row].person]
    speakers = {store.utterances[row].person for row in rows}
    if len(speakers) < 2:
        raise MienError(
            f"{store.folder}: trials need two speakers, and the clips to evaluate are of"
            f" {len(speakers)}; choose another split, or prepare the data with the column person"
        )
    if len(rows) < len(wanted):
        left_out.append(f"{len(wanted) - len(rows)} clips: their speaker is not known")
    reasons: Reasons = defaultdict(list)
    found = [row for each in conditions for row in _rows(store, rows, each, reasons, resamples)]
    left_out += [f"{what} ({', '.join(names)}): {why}" for (what, why), names in reasons.items()]
    if not found:
        raise MienError(f"{store.folder} allows no trials ({'; '.join(left_out)})")
    order = list(PAIRINGS)
    found.sort(key=lambda row: order.index(row.pairing))
    return VerificationReport(
        data=str(store.folder),
        synthetic=bool(store.info["synthetic"]),
        clips=len(rows),
        speakers=len(speakers),
        rows=found,
        left_out=left_out,
        **about,
    )


def _rows(
    store: Store, rows: list[int], condition: Condition, reasons: Reasons, resamples: int
) -> Iterator[VerificationRow]:
    """Evaluate the kinds of trials under one condition."""
    embeddings = condition.embed(rows)
    present = np.abs(embeddings).sum(axis=1) != 0
    usable = [row for row, there in zip(rows, present, strict=True) if there]
    if len(usable) < len(rows):
        reasons[f"{len(rows) - len(usable)} clips", "they have none"].append(condition.input)
    for name, pairing in PAIRINGS.items() if usable else ():
        try:
            trials = make_trials(store.utterances, usable, name)
        except MienError as error:
            reasons[pairing.about, str(error)].append(condition.input)
            continue
        if trials.left_out:
            why = f"{trials.left_out} speakers have no clips to enrol or none to test"
            reasons[pairing.about, why].append(condition.input)
        metrics = _metrics(store, usable, embeddings[present], trials, resamples)
        if metrics.cross_fitted and metrics.cross_fitted.no_wccn:
            reasons[f"WCCN, {pairing.about}", metrics.cross_fitted.no_wccn].append(condition.input)
        yield VerificationRow(
            pairing=name,
            about=pairing.about,
            input=condition.input,
            clips=len(usable),
            metrics=metrics,
        )


def _metrics(
    store: Store, rows: list[int], embeddings: np.ndarray, trials: Trials, resamples: int
) -> TrialMetrics:
    place = {row: number for number, row in enumerate(rows)}
    found = evaluate_trials(
        embeddings,
        [str(store.utterances[row].person) for row in rows],
        [[place[row] for row in clips] for clips in trials.enrolments],
        [place[row] for row in trials.probes],
        trials.compared,
        resamples=resamples,
    )
    return TrialMetrics.model_validate(found)


def write_verification(result: VerificationReport, out: str | Path) -> list[Path]:
    """Write a result as verification.json, verification.md and verification.png into a folder.

    Raises
    ------
    MienError
        The folder can't be made, or a file can't be written.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(
            f"{folder} can't be made ({error}): choose another", parameter="out"
        ) from error
    files = [folder / f"verification.{ending}" for ending in ("json", "md", "png")]
    write_text(files[0], result.model_dump_json(indent=2))
    write_text(files[1], markdown(result))
    plot_verification(result, files[2])
    return files
