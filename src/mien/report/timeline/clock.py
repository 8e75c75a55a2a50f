"""Times of a recording as people read them."""


def clock(seconds: float) -> str:
    """Write seconds as minutes and seconds, from an hour on with hours.

    Examples
    --------
    >>> clock(65.9), clock(3725)
    ('1:05', '1:02:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
