"""Tables of wrong predictions."""

from collections.abc import Mapping, Sequence

from mien.inference.error_analysis import WrongPrediction
from mien.tasks.display import Row, Table


def worst_table(task: str, found: Sequence[WrongPrediction]) -> Table:
    """List the worst predictions, with where their media are."""
    notes = ["error: mean absolute difference of scores and truth."]
    if any(each.media_missing for each in found):
        notes.append(
            "Missing media are not where they lay when the data were prepared: put them back there."
        )
    return Table(
        f"{task}: the worst predictions",
        ("utterance", "speaker", "truth", "predicted", "error", "media"),
        [_row(each) for each in found],
        [],
        notes,
    )


def _row(each: WrongPrediction) -> Row:
    return (
        each.id,
        each.speaker or "",
        (", ".join(each.truth) or "none") if each.of_labels else _numbers(each.truth),
        _votes(each) if each.of_labels else _numbers(each.predicted),
        f"{each.error:.3f}",
        _media(each),
    )


def _numbers(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


def _votes(each: WrongPrediction) -> str:
    """Name labels, with how many trainings decided for each where these are several."""
    if each.trainings == 1:
        return ", ".join(each.predicted) or "none"
    votes = (f"{label} ({n:g} of {each.trainings})" for label, n in each.predicted.items())
    return ", ".join(votes) or "none"


def _media(each: WrongPrediction) -> str:
    media = each.video or each.audio or "no media"
    if each.media_missing:
        media += " (missing)"
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
