"""Decode the bytes of text files, and of file names, to text."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(content: bytes, errors: str = "strict") -> str:
    r"""Decode UTF-8, or the UTF-16 or UTF-32 that a byte order mark announces.

    Parameters
    ----------
    content : bytes
        The file.
    errors : str
        How to treat bytes that cannot be decoded, as for `bytes.decode`.

    Raises
    ------
    UnicodeDecodeError
        `errors` is "strict", and there are such bytes.

    Examples
    --------
    >>> decode_text("h\u00e9".encode("utf-16")) == decode_text("h\u00e9".encode()) == "h\u00e9"
    True
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors)
    return content.decode("utf-8", errors)


def readable(text: str) -> str:
    r"""Make text that can be written to any file and terminal, whatever bytes a file name has.

    Bytes that are not UTF-8 reach Python as surrogates, which cannot be written; they become
    ``\xNN``. Nothing else changes.

    Examples
    --------
    >>> print(readable(b"caf\xe9 \xc3\xa9.wav".decode("utf-8", "surrogateescape")))
    caf\xe9 é.wav
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text.encode("utf-8", "backslashreplace").decode()
