"""Compare systems on the utterances that all of them predicted."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.inference.predictions import align
from mien.metrics.bootstrap import interval, known
from mien.metrics.paired import difference, holm, mcnemar, permutation_test
from mien.report.comparison_report import Comparison, PairResult, SystemResult
from mien.studies.summary import chance_value, constant_value, defined
from mien.studies.system import Counted, System, clusters, count, metric_of
from mien.tasks import LabelTask
from mien.tasks.interval import Interval


def compare(
    systems: Sequence[System], *, task: str | None = None, metric: str | None = None
) -> Comparison:
    """Compare systems by one metric, each with each.

    Parameters
    ----------
    systems : sequence of System
        Two or more, with different names.
    task : str, optional
        Which task (default: the first one that all have).
    metric : str, optional
        One of `Task.counted` (default: the first).

    Raises
    ------
    MienError
        The systems have no task or no utterance in common, or predicted different truths.

    Examples
    --------
    >>> found = compare([open_system(p) for p in ("runs/a", "studies/b")])  # doctest: +SKIP
    >>> found.pairs[0].adjusted_p                                           # doctest: +SKIP
    """
    _check_names([system.name for system in systems])
    systems = _aligned(systems, _common_task(systems, task))
    kind = systems[0].predictions.info.tasks[0]
    name, counted = metric_of(kind, metric)
    found = [count(system.predictions, kind.name, counted) for system in systems]
    ids, notes = _in_common(found)
    found = [each.keep(ids) for each in found]
    _check_truth(systems, ids)
    over = clusters(kind, found[0].origins)
    groups = known(over["groups"])
    pairs = [
        _pair((systems[i].name, found[i]), (systems[j].name, found[j]), over)
        for i, j in combinations(range(len(found)), 2)
    ]
    adjusted = holm([pair.p for pair in pairs])
    results = [_system(s.name, c, over) for s, c in zip(systems, found, strict=True)]
    first = systems[0].predictions
    first = first.select(row for row, origin in enumerate(first.origins) if origin.id in ids)
    return Comparison(
        task=kind.name,
        metric=name,
        title=counted.title,
        sign=counted.sign,
        n=len(ids),
        by=over["by"] if len(groups) > 1 else "utterance",
        # one dialogue tells nothing of speakers
        units=len(groups) if len(groups) > 1 or (groups and over["by"] == "person") else None,
        synthetic=any(system.predictions.info.synthetic for system in systems),
        systems=results,
        constant=constant_value(first, kind, counted),
        chance=chance_value(first, kind, counted),
        pairs=[
            pair.model_copy(update={"adjusted_p": p})
            for pair, p in zip(pairs, adjusted, strict=True)
        ],
        notes=notes + _notes(systems, results),
    )


def _check_names(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise MienError("give two systems or more to compare", parameter="systems")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise MienError(f"{twice} is given twice: compare it with others", parameter="systems")


def _common_task(systems: Sequence[System], name: str | None) -> str:
    """Find the task that is compared."""
    names = [[task.name for task in system.predictions.info.tasks] for system in systems]
    common = [each for each in names[0] if all(each in others for others in names)]
    if name is None and common:
        return common[0]
    if name is not None and name in common:
        return name
    have = "; ".join(f"{s.name}: {', '.join(n)}" for s, n in zip(systems, names, strict=True))
    why = f"not all systems have the task {name!r}" if name else "the systems share no task"
    raise MienError(f"{why} ({have})", parameter="task")


def _aligned(systems: Sequence[System], task: str) -> list[System]:
    """Give all systems the same labels in the same order, and the task of the first."""
    tasks = [system.predictions.task(task) for system in systems]
    # one of single labels has metrics that one of several labels has, too
    kind = min(tasks, key=lambda each: len(each.counted))
    labels = tuple(dict.fromkeys(label for each in tasks for label in each.labels))
    if not isinstance(kind, LabelTask) and any(each.labels != labels for each in tasks):
        raise MienError(f"the systems predict different numbers for the task {task!r}")
    kind = kind.model_copy(update={"labels": labels})
    return [System(s.name, align(s.predictions, [kind])) for s in systems]


def _in_common(found: Sequence[Counted]) -> tuple[set[str], list[str]]:
    """Find the utterances that all systems predicted, and say how many they did not."""
    ids = [{origin.id for origin in each.origins} for each in found]
    common = set.intersection(*ids)
    if not common:
        raise MienError("no utterance was predicted by all systems: compare those of one corpus")
    left = len(set.union(*ids)) - len(common)
    return common, [f"Left out, since not all systems predicted them: {left} utterances."] * (
        left > 0
    )


def _check_truth(systems: Sequence[System], ids: set[str]) -> None:
    """Refuse systems that were evaluated against different labels."""
    rated: dict[str, tuple[float, ...]] = {}
    for system in systems:
        (truth,) = system.predictions.truth.values()
        for origin, row in zip(system.predictions.origins, truth, strict=True):
            target = tuple(np.nan_to_num(row, nan=np.inf).tolist())
            if origin.id in ids and rated.setdefault(origin.id, target) != target:
                raise MienError(
                    f"{system.name} and {systems[0].name} were evaluated against different labels,"
                    f" of {origin.id!r} for instance: evaluate both on the same data"
                )


def _system(name: str, found: Counted, over: dict[str, Any]) -> SystemResult:
    values = found.by_seed
    spread = interval(found.counts, found.value, **over)
    return SystemResult(
        name=name,
        value=defined(values.mean()),
        deviation=defined(values.std(ddof=1)) if len(values) > 1 else None,
        seeds=len(values),
        interval=None if spread is None else Interval.model_validate(spread),
    )


def _pair(
    first: tuple[str, Counted], second: tuple[str, Counted], over: dict[str, Any]
) -> PairResult:
    (name_a, a), (name_b, b) = first, second
    # every seed of one system meets every seed of the other equally often
    seeds = math.lcm(a.counts.shape[1], b.counts.shape[1])
    of_a, of_b = (np.repeat(e.counts, seeds // e.counts.shape[1], axis=1) for e in (a, b))
    how = {"speakers": over["groups"], "by": over["by"]}
    gap, test = difference(of_a, of_b, a.value, **how), permutation_test(of_a, of_b, a.value, **how)
    return PairResult(
        first=name_a,
        second=name_b,
        difference=None if gap is None else gap.value,
        low=None if gap is None else gap.low,
        high=None if gap is None else gap.high,
        p=None if test is None else test.p,
        adjusted_p=None,
        smallest_p=None if test is None else test.smallest,
        mcnemar_p=_mcnemar(a, b),
    )


def _mcnemar(a: Counted, b: Counted) -> float | None:
    """Test single trainings utterance by utterance, where each is either correct or not."""
    if a.metric.correct is None or max(a.counts.shape[1], b.counts.shape[1]) > 1:
        return None
    correct_a, regarded = a.metric.correct(a.counts[:, 0])
    correct_b, _ = a.metric.correct(b.counts[:, 0])
    return mcnemar(correct_a[regarded], correct_b[regarded]).p


def _notes(systems: Sequence[System], results: Sequence[SystemResult]) -> list[str]:
    """Say what limits the comparison."""
    notes = []
    infos = [system.predictions.info for system in systems]
    protocols = {info.protocol for info in infos}
    if len(protocols) > 1:
        notes.append(
            f"The systems were trained by different protocols ({', '.join(sorted(protocols))}), so"
            " that they differ in more than the system."
        )
    if any(system.predictions.info.split != "test" for system in systems):
        notes.append("Some predictions are not of a test split.")
    notes += [
        f"{system.name} was evaluated on degraded audio: {effect}."
        for system in systems
        if (effect := system.predictions.info.degraded) is not None
    ]
    notes += [
        f"{system.name} was given references of the same speaker: {number}."
        for system in systems
        if (number := system.predictions.info.references) is not None
    ]
    covers = [result.interval.covers for result in results if result.interval is not None]
    if covers and covers[0] is not None:  # the same of all: they predicted the same utterances
        notes.append(f"The intervals cover {covers[0]}: others may do better or worse.")
    return notes
