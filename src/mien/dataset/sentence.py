"""Identify sentences, so that repeated ones are recognised."""

from mien.utterance import Utterance


def normalise_sentence(text: str | None) -> str | None:
    """Normalise case and spacing, so that they make no difference between sentences."""
    return " ".join((text or "").lower().split()) or None


def sentence(utterance: Utterance) -> str | None:
    """Return the name that the data give to the sentence, or else its normalised text.

    Clips of acted speech repeat a few sentences, which a list may name without giving their text.
    """
    return normalise_sentence(
        str(utterance.attributes.get("sentence") or "")
    ) or normalise_sentence(utterance.text)
