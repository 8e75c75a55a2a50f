"""A protocol of folds in one file: fold K tests session K, and the last of the others validates."""

from collections.abc import Sequence

from mien.dataset.protocols import register_protocol
from mien.utterance import Utterance


def sessions(utterances: Sequence[Utterance]) -> list[str]:
    """List the sessions that there are."""
    return sorted({u.session for u in utterances if u.session})


def by_session(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    """Test one session, by default the last, and validate on the last of the others."""
    names = sessions(utterances)
    tested = names.pop((fold or len(names)) - 1)
    splits = dict.fromkeys(names, "train") | {names[-1]: "valid", tested: "test"}
    return [splits.get(u.session or "") for u in utterances]


register_protocol(
    "session-folds",
    "each fold tests a session, and the last of the others validates",
    by_session,
    needs=("session",),
    folds=True,
    fold_count=lambda utterances, chosen: len(sessions(utterances)),
)
