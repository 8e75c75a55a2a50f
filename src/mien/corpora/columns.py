"""The columns of a list of clips, and names by which other lists call them."""

import difflib
import re
from collections.abc import Iterable

from mien.names import strip_invisible

CONTENT = ("video", "audio", "media", "text")
COLUMNS = (
    *("id", *CONTENT, "person", "session", "dialogue", "start", "end", "emotions", "split"),
    *("sentiment", "sentence", "audio_channel", "video_side", "video_rate"),
    *("valence", "arousal", "dominance"),
)
"""The known columns; every other column but a label becomes an attribute."""

LABEL = "label:"
"""Prefix of the name of a column that holds a label of another task."""

_OTHER_NAMES = {
    "id": "utterance_id utt_id uttid clip_id segment_id uid",
    "media": "file filename file_name filepath file_path path clip media_file media_path recording"
    " uri",
    "audio": "wav wav_file wav_path wav_name audio_file audio_path audio_filename audio_name sound",
    "video": "video_file video_path video_filename video_name movie film mp4",
    "text": "transcript transcription words utterance caption subtitle subtitles speech"
    " transcript_text utterance_text spoken",
    "person": "speaker speaker_id speaker_name spk spk_id actor actor_id subject subject_id"
    " participant participant_id person_id person_name character who",
    "session": "session_id session_name sess",
    "dialogue": "dialog dialogue_id dialog_id conversation conversation_id",
    "start": "start_time start_s start_sec start_seconds start_ms start_msec starttime time_start"
    " begin begin_time begin_ms onset t_start from",
    "end": "end_time end_s end_sec end_seconds end_ms end_msec endtime time_end stop stop_time"
    " stop_ms offset t_end until to",
    "emotions": "label labels emotion_label emotion_labels emo emotion_class emotion_category class"
    " category target mood feeling",
    "split": "subset partition set",
    "sentiment": "sentiment_score sentiment_value polarity",
    "arousal": "activation",
    "audio_channel": "channel channel_id channels",
    "video_side": "side",
    "video_rate": "fps frame_rate framerate",
}
_MEANT = {name: column for column, names in _OTHER_NAMES.items() for name in names.split()}
_MEANT |= {column: column for column in COLUMNS} | {"emotion": "emotions"}

_MEDIA = {"media": {"media", "audio", "video"}, "audio": {"media"}, "video": {"media"}}
"""For each media column the columns that can replace it."""

_SIMILARITY = 0.85
_MIN_LETTERS = 5  # of a name that is compared by similarity


def column(name: str) -> str:
    """Normalise the name of a known column; leave any other as the user wrote it.

    >>> column(" Audio Channel"), column("Emotion"), column("Room ")
    ('audio_channel', 'emotions', 'Room ')
    """
    plain = _plain(name)
    plain = "emotions" if plain == "emotion" else plain
    if plain.startswith(LABEL):
        return LABEL + strip_invisible(name).strip()[len(LABEL) :].strip()
    return plain if plain in COLUMNS else name


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", strip_invisible(name).strip().lower())


def misnamed(names: Iterable[str]) -> dict[str, str]:
    """Find the columns that seem to be meant for a known column which the list lacks.

    Parameters
    ----------
    names : iterable of str
        All columns of the list, known ones as `column` normalises them.

    Returns
    -------
    dict of str to str
        By the name in the list, the column that seems to be meant, with its unit where that may
        differ.

    Examples
    --------
    >>> misnamed(["media", "speaker", "start_ms", "emotoins", "room"])
    {'speaker': 'person', 'start_ms': 'start, in seconds', 'emotoins': 'emotions'}
    >>> misnamed(["media", "speaker", "person"])
    {}
    """
    names = list(names)
    found = {}
    for name in names:
        meant = None if name in COLUMNS or name.startswith(LABEL) else _meant(_plain(name))
        if meant and not (_MEDIA.get(meant, set()) | {meant}) & set(names):
            milliseconds = meant in ("start", "end") and re.search(r"_ms|_msec", name.lower())
            found[name] = f"{meant}, in seconds" if milliseconds else meant
    return found


def _meant(plain: str) -> str | None:
    if plain not in _MEANT and len(plain) >= _MIN_LETTERS:
        plain = next(iter(difflib.get_close_matches(plain, _MEANT, 1, _SIMILARITY)), plain)
    return _MEANT.get(plain)


def separator(header: str) -> str | None:
    """Name the separator of the columns of a header, where that is not a comma.

    >>> separator("id;text;person"), separator("id")
    ('semicolons', None)
    """
    for sign, separators in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        names = header.split(sign)
        if len(names) > 1 and any(_meant(_plain(name)) for name in names):
            return separators
    return None
