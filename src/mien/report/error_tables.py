"""Tables of wrong predictions."""

from collections.abc import Mapping, Sequence

from mien.inference.error_analysis import WrongPrediction
from mien.tasks.display import Row, Table


def worst_table(task: str, found: Sequence[WrongPrediction]) -> Table:
    """List the worst predictions, with where their media are."""
    return Table(
        f"{task}: the worst predictions",
        ("utterance", "speaker", "truth", "predicted", "error", "media"),
        [_row(each) for each in found],
        [],
        [],
    )


def _row(each: WrongPrediction) -> Row:
    return (
        each.id,
        each.speaker or "",
        ", ".join(each.truth) if each.of_labels else _numbers(each.truth),
        _votes(each.predicted) if each.of_labels else _numbers(each.predicted),
        f"{each.error:.3f}",
        _media(each),
    )


def _numbers(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


def _votes(counts: Mapping[str, float]) -> str:
    """Name labels, with how many trainings decided for each where these are several."""
    if max(counts.values(), default=1) == 1:
        return ", ".join(counts) or "none"
    return ", ".join(f"{label} ({count:g} times)" for label, count in counts.items())


def _media(each: WrongPrediction) -> str:
    media = each.video or each.audio or "no media"
    if each.start is None:
        return media
    end = "" if each.end is None else f" to {each.end:.1f} s"
    return f"{media} from {each.start:.1f} s{end}"


def confusion_table(counts: Sequence[tuple[str, str, int]]) -> Table:
    """List which labels are taken for which, the most frequent first."""
    return Table(
        "the most frequent confusions",
        ("truth", "predicted", "count"),
        [(right, predicted, str(count)) for right, predicted, count in counts],
        [],
        [],
    )
