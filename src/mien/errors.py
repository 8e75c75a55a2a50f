"""The one error that is meant for a user to read."""


class MienError(Exception):
    """Something the user can mend: the message says what is wrong, where, and what to do.

    The command line prints it in one line and ends with status 1; nothing else is caught there.
    """
