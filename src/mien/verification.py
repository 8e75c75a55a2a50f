"""Judge embeddings by the persons they tell apart: of a run, or of a ready-made encoder."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from mien.dataset.silence import SilentStore
from mien.dataset.store import Store
from mien.dataset.trials import PAIRINGS, trials
from mien.errors import MienError
from mien.evaluation.verification import judge
from mien.evaluation.verification.picture import picture
from mien.evaluation.verification.report import markdown
from mien.evaluation.verification.resampling import RESAMPLES
from mien.files import write_text
from mien.run import Run
from mien.training.data import divide
from mien.training.evaluate import embed
from mien.voiceprint import Voiceprint

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
    progress: bool = True,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
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
    progress : bool
        Show progress bars.
    resamples : int
        Of the intervals.

    Returns
    -------
    dict
        ``source``, ``data``, ``synthetic``, ``part``, ``clips``, ``persons``; ``trained``: how many
        of these persons training had, None where the data are others; ``rows``: for each kind of
        trials and what was shown, ``pairing``, ``about``, ``shown``, ``clips`` and in ``figures``
        what `mien.evaluation.verification.judge` gives; ``left_out``: what does not apply, and why.

    Raises
    ------
    MienError
        The data are gone, don't fit the run, or allow no trials.
    """
    run = Run(folder)
    store = Store(Path(data or run.config.data.path))
    reads = run.config.model.modalities
    shown = modalities or reads
    if not set(shown) <= set(reads):
        raise MienError(
            f"the model of {folder} reads {reads!r}: --modalities {shown} asks for more"
        )
    model = run.model()

    def show(store: Store, letters: str) -> Callable[[list[int]], np.ndarray]:
        return lambda rows: embed(run, model, store, rows, modalities=letters, progress=progress)

    kinds = [Shown(" + ".join(WORDS[m] for m in "tav" if m in shown), show(store, shown))]
    left_out = []
    if "a" in reads:
        kinds.append(Shown("silence alone", show(SilentStore(store.folder), "a")))
    else:
        left_out.append("silence alone: the model does not go by sound")
    if "t" not in reads:
        left_out.append("words alone: the model does not go by words")
    elif shown != "t":
        kinds.append(Shown("words alone", show(store, "t")))
    rows = list(range(len(store))) if part == "all" else divide(run, store).part(part)
    result = _verify(store, rows, kinds, left_out, resamples)
    about = {"source": str(folder), "part": part, "trained": _trained(run, store, rows)}
    return about | result


def verify_encoder(
    encoder: Encoder,
    data: str | Path,
    *,
    progress: bool = True,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Measure how well a ready-made encoder tells the persons of prepared data apart.

    Parameters
    ----------
    encoder : {"voice"}
        `mien.voiceprint.Voiceprint`.
    data : path
        Prepared data; all of them are used.
    progress, resamples
        As `verify_run` takes them, which also says what is returned.

    Raises
    ------
    MienError
        The encoder is not installed, or the data allow no trials.
    """
    store = Store(Path(data))
    voiceprint = Voiceprint()

    def show(store: Store) -> Callable[[list[int]], np.ndarray]:
        return lambda rows: _voices(voiceprint, store, rows, progress)

    kinds = [
        Shown("sound", show(store)),
        Shown("silence alone", show(SilentStore(store.folder))),
    ]
    left_out = [f"words alone: the encoder {encoder} does not go by words"]
    result = _verify(store, list(range(len(store))), kinds, left_out, resamples)
    return {"source": f"encoder {encoder}", "part": "all", "trained": None} | result


def _voices(voiceprint: Voiceprint, store: Store, rows: list[int], progress: bool) -> np.ndarray:
    found = np.zeros((len(rows), voiceprint.dim), np.float32)
    bar = tqdm(rows, desc="listening", unit="clip", disable=not progress)
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


def _verify(
    store: Store, rows: list[int], kinds: list[Shown], left_out: list[str], resamples: int
) -> dict[str, Any]:
    """Judge every kind of trials that the data allow, on all that is shown."""
    rows = [row for row in rows if store.utterances[row].person]
    persons = {store.utterances[row].person for row in rows}
    if len(persons) < 2:
        raise MienError(
            f"{store.folder}: trials need two persons, and the clips judged are of {len(persons)};"
            " choose another --split, or prepare the data with the column person"
        )
    found: list[dict[str, Any]] = []
    reasons: dict[str, list[str]] = defaultdict(list)
    for kind in kinds:
        embeddings = kind.embed(rows)
        present = np.linalg.norm(embeddings, axis=1) > 0
        usable = [row for row, there in zip(rows, present, strict=True) if there]
        for pairing in PAIRINGS:
            try:
                figures = _judge(store, usable, embeddings[present], pairing, resamples)
            except MienError as error:
                reasons[f"{PAIRINGS[pairing].about}{{}}: {error}"].append(kind.name)
                continue
            row = {"pairing": pairing, "about": PAIRINGS[pairing].about, "shown": kind.name}
            found.append(row | {"clips": len(usable), "figures": figures})
    for reason, names in reasons.items():
        everything = len(names) == len(kinds)
        left_out.append(reason.format("" if everything else f" ({', '.join(names)})"))
    if not found:
        raise MienError(f"{store.folder} allows no trials ({'; '.join(left_out)})")
    found.sort(key=lambda row: list(PAIRINGS).index(row["pairing"]))
    return {
        "data": str(store.folder),
        "synthetic": bool(store.info["synthetic"]),
        "clips": len(rows),
        "persons": len(persons),
        "rows": found,
        "left_out": left_out,
    }


def _judge(
    store: Store, rows: list[int], embeddings: np.ndarray, pairing: str, resamples: int
) -> dict[str, Any]:
    made = trials(store.utterances, rows, pairing)
    place = {row: number for number, row in enumerate(rows)}
    return judge(
        embeddings,
        [str(store.utterances[row].person) for row in rows],
        [[place[row] for row in clips] for clips in made.enrolments],
        [place[row] for row in made.probes],
        made.compared,
        resamples=resamples,
    )


def write_verification(result: dict[str, Any], out: str | Path) -> list[Path]:
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
        raise MienError(f"{folder} can't be made ({error}): choose another --out") from error
    files = [folder / f"verification.{ending}" for ending in ("json", "md", "png")]
    write_text(files[0], json.dumps(result, indent=2, allow_nan=False))
    write_text(files[1], markdown(result))
    picture(result, files[2])
    return files
