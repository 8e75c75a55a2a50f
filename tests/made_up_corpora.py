"""Made-up corpora that every protocol but EmoBox's can divide."""

from collections.abc import Callable

from hypothesis import strategies as st
from samples import utterance

from mien.utterance import SPLITS, Utterance

STYLES = (None, "improvised", "scripted")


@st.composite
def corpora(draw: st.DrawFn) -> list[Utterance]:
    """Corpora of a few persons, sessions and sentences; what is not known of one is None."""
    people, sentences = draw(st.integers(3, 7)), draw(st.integers(2, 7))

    def row(i: int, choose: Callable[[str, int], int]) -> Utterance:
        def some(name: str, count: int) -> str | None:
            number = choose(name, count)
            return f"{name}{number}" if number else None

        session = some("session", 3)
        return utterance(
            i,
            person=some("person", people),
            session=session,
            dialogue=some(f"{session}-dialogue", 4),
            text=some("Sentence ", sentences),
            split=[None, *SPLITS][choose("split", 3)],
            attributes={"scenario": some("scenario", 4), "style": STYLES[choose("style", 2)]},
        )

    # three dialogues of each session, and of none; three persons, two or three sentences, three
    # scenarios, both styles, all splits
    rows = [
        row(i, lambda name, count, i=i: i // 3 % 4 if name == "session" else 1 + i % min(count, 3))
        for i in range(12)
    ]
    drawn = draw(st.integers(0, 28))
    return rows + [row(12 + i, lambda _, count: draw(st.integers(0, count))) for i in range(drawn)]
