"""Sentences: what is said, so that repeated ones can be told."""

from mien.utterance import Utterance


def words(text: str | None) -> str | None:
    """Reduce a text to its words, so that case and spacing make no new sentence of it."""
    return " ".join((text or "").lower().split()) or None


def sentence(utterance: Utterance) -> str | None:
    """Name the sentence that is said: as the data call it, or else by its words.

    Clips of acted speech repeat a few sentences, which a list may name without giving their words.
    """
    return words(str(utterance.attributes.get("sentence") or "")) or words(utterance.text)
