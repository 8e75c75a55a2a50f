"""The three modalities: their names, their letters and their order."""

from collections.abc import Iterable
from enum import StrEnum


class Modality(StrEnum):
    """Text, audio or video, in the order in which they are listed for people.

    Examples
    --------
    >>> Modality("audio").letter, Modality.of("v"), f"{Modality.TEXT}"
    ('a', <Modality.VIDEO: 'video'>, 'text')
    """

    TEXT = "text"
    AUDIO = "audio"
    VIDEO = "video"

    @property
    def letter(self) -> str:
        """Its letter in short lists such as "tav" (published)."""
        return self[0]

    @classmethod
    def of(cls, name: str) -> "Modality":
        """Give the modality of a name or a letter. Raises `ValueError` for another."""
        for modality in cls:
            if name in (modality, modality.letter):
                return modality
        raise ValueError(f"{name!r} is none of text, audio, video (t, a, v)")


def parse_modalities(text: str) -> tuple[Modality, ...]:
    """Read "tav", or names with commas between them; in the order of `Modality`.

    Raises
    ------
    ValueError
        There is none, one twice, or another word.

    Examples
    --------
    >>> [str(modality) for modality in parse_modalities("vt")]
    ['text', 'video']
    >>> parse_modalities("audio,text") == parse_modalities("ta")
    True
    """
    names = text.split(",") if "," in text or text in list(Modality) else list(text)
    found = [Modality.of(name.strip()) for name in names]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"{text!r} should name each modality at most once, and at least one")
    return tuple(modality for modality in Modality if modality in found)


def letters(modalities: Iterable[Modality]) -> str:
    """Write modalities as letters, in their order.

    Examples
    --------
    >>> letters([Modality.VIDEO, Modality.TEXT])
    'tv'
    """
    return "".join(m.letter for m in Modality if m in set(modalities))
