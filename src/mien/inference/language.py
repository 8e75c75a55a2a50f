"""Whether a text is in another language than those that a model knows."""

import math
from functools import cache
from threading import Lock
from typing import Any

from mien.errors import MienError

LANGUAGES = {
    **{"af": "Afrikaans", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian"},
    **{"bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "cy": "Welsh"},
    **{"da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish"},
    **{"et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French"},
    **{"gl": "Galician", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian"},
    **{"hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "is": "Icelandic"},
    **{"it": "Italian", "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer"},
    **{"kn": "Kannada", "ko": "Korean", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian"},
    **{"mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay"},
    **{"ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish"},
    **{"pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian"},
    **{"sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil"},
    **{"te": "Telugu", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu"},
    **{"uz": "Uzbek", "vi": "Vietnamese", "zh": "Chinese"},
}
"""Languages that are told apart, by their code (ISO 639-1).

py3langid knows 142; with small ones, such as Venetian or Nigerian Pidgin, more of short English
texts are taken for another language."""

CERTAINTY = 2.0
"""Logarithm of the odds from which on a text counts as of another language.

Of 5,296 English comments of three words or more (GoEmotions, dev) 2 reach it, of 90 short
sentences in nine languages all (benchmarks/screening.md)."""

MIN_WORDS = 3
"""A shorter text tells too little: "no" is a word of many languages."""

_identifying = Lock()


def other_language(text: str, languages: tuple[str, ...]) -> str | None:
    """Name the language of a text if it is surely none of those given; None otherwise.

    A text of fewer than three words is never refused. Scripts without spaces between words have
    one word for each two characters.

    Parameters
    ----------
    text : str
        What is said.
    languages : tuple of str
        Codes of `LANGUAGES`.

    Raises
    ------
    MienError
        The language identifier is not installed.

    Examples
    --------
    >>> other_language("Ich bin heute so glücklich", ("en",))
    'German'
    >>> other_language("I am so glad", ("en",)) is None
    True
    """
    if words_of(text) < MIN_WORDS:
        return None
    with _identifying:  # the identifier keeps what it counts
        ranked: dict[str, float] = dict(_identifier().rank(text))
    best = max(ranked, key=ranked.__getitem__)
    own = max(ranked[code] for code in languages)
    odds = math.log(max(ranked[best], 1e-30) / max(own, 1e-30))
    return LANGUAGES[best] if odds > CERTAINTY else None


def words_of(text: str) -> int:
    """Count the words of a text; two characters of Chinese, Japanese or Thai are one."""
    unspaced = sum(
        "\u0e00" <= letter <= "\u0eff" or "\u3040" <= letter <= "\u9fff" for letter in text
    )
    return max(len(text.split()), unspaced // 2)


@cache
def _identifier() -> Any:
    """Load the identifier, which takes a third of a second."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MienError(
            'the language of a text is told by py3langid: pip install "py3langid>=0.4"'
        ) from error
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
