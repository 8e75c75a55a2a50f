"""Names of pretrained models; this module does not import transformers."""

from pathlib import Path


def parts_of(name: str) -> list[str]:
    """Return the names of models that one name joins by "+"; a folder may have one in its own.

    Examples
    --------
    >>> parts_of("whisper-tiny.en+voice")
    ['whisper-tiny.en', 'voice']
    """
    return [name] if "+" not in name or Path(name).is_dir() else name.split("+")
