"""Judge embeddings by the persons they tell apart: of a run, or of a ready-made encoder."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mien.dataset.store import Store
from mien.devices import choose_device
from mien.errors import MienError
from mien.files import write_text
from mien.identity.resemblyzer import Voiceprint
from mien.identity.silence_control import SilentStore
from mien.identity.trials import PAIRINGS, Trials, trials
from mien.inference.dataset import BATCH_SIZE, Device, embed
from mien.metrics.verification import judge
from mien.metrics.verification.bootstrap import RESAMPLES
from mien.progress import follow
from mien.report.verification_plots import picture
from mien.report.verification_report import TrialMetrics, VerificationReport, VerificationRow
from mien.report.verification_tables import markdown
from mien.runs.data import divide
from mien.runs.run import Run

WORDS = {"t": "words", "a": "sound", "v": "face"}

Encoder = Literal["voice"]

Part = Literal["train", "valid", "test", "all"]


@dataclass(frozen=True)
class Shown:
    """What is shown of each clip, and the function that gives embeddings (N, E) of rows of it."""

    name: str
    embed: Callable[[list[int]], np.ndarray]


def verify_run(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    part: Part = "test",
    modalities: str | None = None,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
    resamples: int = RESAMPLES,
) -> VerificationReport:
    """Measure how well a run's embeddings tell persons apart.

    Parameters
    ----------
    folder : path
        The run folder.
    data : path, optional
        Prepared data, if not those of training.
    part : {"train", "valid", "test", "all"}
        Which part of the run's protocol, or everything.
    modalities : str, optional
        Show the model only these, out of "tav".
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
        A row for each kind of trials and what was shown.

    Raises
    ------
    MienError
        The data are gone, don't fit the run, or allow no trials.
    """
    run = Run(folder)
    store = Store(Path(data or run.config.data.path))
    reads = run.config.model.letters
    shown = modalities or reads
    if not set(shown) <= set(reads):
        raise MienError(
            f"the model of {folder} reads {reads!r}, {shown!r} asks for more",
            parameter="modalities",
        )
    model, place = run.model(), choose_device(device)

    def show(store: Store, letters: str) -> Callable[[list[int]], np.ndarray]:
        return lambda rows: embed(
            *(run, model, store, rows),
            modalities=letters,
            progress=progress,
            device=place,
            batch_size=batch_size,
        )

    kinds = [Shown(" + ".join(WORDS[m] for m in "tav" if m in shown), show(store, shown))]
    left_out = []
    if "a" in shown:
        kinds.append(Shown("silence alone", show(SilentStore(store.folder), "a")))
    else:
        left_out.append("silence alone: the model is shown no sound")
    if "t" not in shown:
        left_out.append("words alone: the model is shown no words")
    elif shown != "t":
        kinds.append(Shown("words alone", show(store, "t")))
    rows = list(range(len(store))) if part == "all" else divide(run, store).rows(part)
    about = {"source": str(folder), "part": part, "trained": _trained(run, store, rows)}
    return _verify(store, rows, kinds, left_out, resamples, **about)


def verify_encoder(
    encoder: Encoder,
    data: str | Path,
    *,
    device: Device = None,
    progress: bool = True,
    resamples: int = RESAMPLES,
) -> VerificationReport:
    """Measure how well a ready-made encoder tells the persons of prepared data apart.

    Parameters
    ----------
    encoder : {"voice"}
        `mien.identity.resemblyzer.Voiceprint`.
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
    voiceprint = Voiceprint(device)

    def show(store: Store) -> Callable[[list[int]], np.ndarray]:
        return lambda rows: _voices(voiceprint, store, rows, progress)

    kinds = [
        Shown("sound", show(store)),
        Shown("silence alone", show(SilentStore(store.folder))),
    ]
    left_out = [f"words alone: the encoder {encoder} does not go by words"]
    about = {"source": f"encoder {encoder}", "part": "all", "trained": None}
    return _verify(store, list(range(len(store))), kinds, left_out, resamples, **about)


def _voices(voiceprint: Voiceprint, store: Store, rows: list[int], progress: bool) -> np.ndarray:
    found = np.zeros((len(rows), voiceprint.dim), np.float32)
    bar = follow(rows, "listening", "clips", shown=progress)
    for place, row in enumerate(bar):
        sound = store[row].waveform
        if sound is not None:
            found[place] = voiceprint(sound)
    return found


def _trained(run: Run, store: Store, rows: list[int]) -> int | None:
    """Count the persons of rows whom training had; None where the data are not training's."""
    if store.fingerprint != run.config.data.fingerprint:
        return None
    utterances = store.utterances
    had = {utterances[row].person for row in divide(run, store).train}
    return len({utterances[row].person for row in rows} & had - {None})


Reasons = dict[tuple[str, str], list[str]]
"""What was left out, and why, with the kinds of showing of which that is true."""


def _verify(
    store: Store,
    judged: list[int],
    kinds: list[Shown],
    left_out: list[str],
    resamples: int,
    **about: Any,
) -> VerificationReport:
    """Judge every kind of trials that the data allow, on all that is shown."""
    rows = [row for row in judged if store.utterances[row].person]
    persons = {store.utterances[row].person for row in rows}
    if len(persons) < 2:
        raise MienError(
            f"{store.folder}: trials need two persons, and the clips judged are of {len(persons)};"
            " choose another split, or prepare the data with the column person"
        )
    if len(rows) < len(judged):
        left_out.append(f"{len(judged) - len(rows)} clips: it is not known who is in them")
    reasons: Reasons = defaultdict(list)
    found = [row for kind in kinds for row in _rows(store, rows, kind, reasons, resamples)]
    left_out += [f"{what} ({', '.join(names)}): {why}" for (what, why), names in reasons.items()]
    if not found:
        raise MienError(f"{store.folder} allows no trials ({'; '.join(left_out)})")
    order = list(PAIRINGS)
    found.sort(key=lambda row: order.index(row.pairing))
    return VerificationReport(
        data=str(store.folder),
        synthetic=bool(store.info["synthetic"]),
        clips=len(rows),
        persons=len(persons),
        rows=found,
        left_out=left_out,
        **about,
    )


def _rows(
    store: Store, rows: list[int], kind: Shown, reasons: Reasons, resamples: int
) -> Iterator[VerificationRow]:
    """Judge the kinds of trials for one kind of showing."""
    embeddings = kind.embed(rows)
    present = np.abs(embeddings).sum(axis=1) != 0
    usable = [row for row, there in zip(rows, present, strict=True) if there]
    if len(usable) < len(rows):
        reasons[f"{len(rows) - len(usable)} clips", "they have none"].append(kind.name)
    for name, pairing in PAIRINGS.items() if usable else ():
        try:
            made = trials(store.utterances, usable, name)
        except MienError as error:
            reasons[pairing.about, str(error)].append(kind.name)
            continue
        if made.left_out:
            why = f"{made.left_out} persons have no clips to enrol or none to test"
            reasons[pairing.about, why].append(kind.name)
        figures = _judge(store, usable, embeddings[present], made, resamples)
        yield VerificationRow(
            pairing=name,
            about=pairing.about,
            shown=kind.name,
            clips=len(usable),
            figures=figures,
        )


def _judge(
    store: Store, rows: list[int], embeddings: np.ndarray, made: Trials, resamples: int
) -> TrialMetrics:
    place = {row: number for number, row in enumerate(rows)}
    found = judge(
        embeddings,
        [str(store.utterances[row].person) for row in rows],
        [[place[row] for row in clips] for clips in made.enrolments],
        [place[row] for row in made.probes],
        made.compared,
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
    picture(result, files[2])
    return files
