"""The model card of a run: its tasks, its data and its metrics."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import yaml

from mien.errors import MienError, brief
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.names import parts_of
from mien.runs.run import Run
from mien.tasks import TASKS, Task

METRICS = {
    "ua": "average recall (UA)",
    "macro_f1": "average F1 (macro)",
    "average_f1": "average F1 (multi-label)",
    "mae": "mean absolute error",
    "ccc": "average concordance (CCC)",
    "pearson": "average correlation (Pearson's r)",
    "acc2": "negative or positive (Acc2)",
}
"""Names of metrics in the card; others keep their own name."""

USE = """\
Scores are not calibrated probabilities. The model predicts the label that annotators gave to
similar recordings; it does not perceive feelings. Do not use it to make decisions about people, or
to identify anybody who has not consented: see the model card of mien.
"""


def model_card(run: Run, metrics: str, digests: Mapping[str, str]) -> str:
    """Write a model card in Markdown, with the front matter that the hub reads.

    Parameters
    ----------
    run : Run
        The run.
    metrics : str
        The section of its metrics, from `metrics_section`.
    digests : mapping of str to str
        SHA-256 of the files to list.
    """
    parts = [
        _front(run),
        f"# {run.folder.resolve().name}",
        "A model of mien: emotion and person recognition from text, audio and video.",
        "```python\nfrom mien import Recognizer\n\n"
        'recognizer = Recognizer.from_pretrained("NAME")\nrecognizer("clip.mp4")\n```',
        "## Tasks",
        "\n".join(f"* {_task(task)}" for task in run.config.tasks),
        "## Data",
        _data(run),
        "## Metrics",
        metrics,
        "## Licence",
        "\n".join(_licence(run)),
        "## Use",
        USE.strip(),
        "## Files",
        "\n".join(f"* `{name}`: SHA-256 `{digest}`" for name, digest in digests.items()),
    ]
    return "\n\n".join(parts) + "\n"


def hub_licence(expression: str) -> dict[str, str]:
    """Give a licence as the hub's front matter states it, which takes no expressions."""
    if " " in expression:
        return {"license": "other", "license_name": expression}
    return {"license": expression.lower()}


def _front(run: Run) -> str:
    tags = ["mien", *(task.name for task in run.config.tasks)]
    tags += ["synthetic"] if run.config.data.synthetic else []
    licence = {} if run.config.licence is None else hub_licence(run.config.licence)
    fields = {"library_name": "mien", "tags": tags} | licence
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---"


def _task(task: Task) -> str:
    shown = ", ".join(task.labels[:20])
    more = f" and {len(task.labels) - 20} more" if len(task.labels) > 20 else ""
    return f"**{task.name}**: {len(task.labels)} labels: {shown}{more}"


def _licence(run: Run) -> Iterator[str]:
    """Yield what is known of licences: those of the weights that the model began with."""
    yield run.config.licence or (
        "Not stated. The licences of the training data and of the pretrained weights may apply to"
        " this model: ask whoever trained it."
    )
    encoders = run.config.model.encoders.values()
    names = [part for e in encoders if e.pretrained_name for part in parts_of(e.pretrained_name)]
    if names:
        yield "\nIt began with these pretrained weights:\n"
    for name in names:
        if name not in CATALOGUE:
            yield f"* `{PurePath(name).name if PurePath(name).is_absolute() else name}`: not known"
            continue
        weights = CATALOGUE[name]
        limit = f" Commercial use: {weights.restriction}." if weights.restriction else ""
        yield f"* `{name}`: {weights.licence}, trained on {weights.training_data}.{limit}"


def _data(run: Run) -> str:
    data = run.config.data
    synthetic = (
        "**The data are synthetic**: generated, not recorded. The model has learnt nothing about"
        " real people."
        if data.synthetic
        else "The data are recordings of people."
    )
    fold = "" if data.fold is None else f", fold {data.fold}"
    digest = "" if data.fingerprint is None else f" Fingerprint of the data: `{data.fingerprint}`."
    return f"Corpus `{data.corpus}`, split by the protocol `{data.protocol}`{fold}.{digest}\n\n" + (
        synthetic
    )


def metrics_section(run: Run) -> str:
    """Write the metrics that ``mien evaluate`` stored in a run, in Markdown.

    Raises
    ------
    MienError
        They are damaged, or those of another version of mien.
    """
    metrics = run.read("metrics.json")
    if not metrics:
        return "None: the run has not been evaluated (`mien evaluate`)."
    try:
        for task, block in metrics["tasks"].items():
            TASKS[task].metrics_type.model_validate(block)
        return "\n\n".join(_metrics(metrics))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise MienError(
            f"{run.folder / 'metrics.json'} is damaged or of another version of mien"
            f" ({brief(error)}): `mien evaluate {run.folder}` renews it"
        ) from error


def _metrics(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield the metrics as Markdown, with intervals if there are some."""
    about = "synthetic data" if metrics["synthetic"] else "recordings of people"
    yield f"On the {metrics['split']} split ({about}), protocol `{metrics['protocol']}`:"
    rows = ["| task | metric | value | 95 % interval | utterances |", "|---|---|---:|---|---:|"]
    notes = []
    for task, block in metrics["tasks"].items():
        for name, interval in block.get("intervals", {}).items():
            value = _value(block, name)
            if value is None:
                continue
            bounds = "–"
            if interval is not None and "low" in interval:  # without, it has one for each dimension
                bounds = f"{interval['low']:.3f} to {interval['high']:.3f}, by {interval['by']}"
                notes += [interval["covers"]] if interval.get("covers") else []
            label = METRICS.get(name, name)
            rows.append(f"| {task} | {label} | {value:.3f} | {bounds} | {block['n']} |")
    yield "\n".join(rows)
    for note in dict.fromkeys(notes):
        yield f"The intervals cover {note}: others may do better or worse."


def _value(block: Mapping[str, Any], name: str) -> float | None:
    """Return the metric of an interval."""
    if name == "average_f1":
        multilabel = block.get("multilabel")
        return multilabel["average"]["f1"] if multilabel else None
    parts = (block.get(part) for part in ("singlelabel", "sentiment", "average"))
    return next((part[name] for part in parts if part and part.get(name) is not None), None)
