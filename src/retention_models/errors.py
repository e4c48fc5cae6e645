"""What can go wrong, by who can mend it."""

from __future__ import annotations


class RetentionError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingsError(RetentionError, ValueError):
    """The project file, or a parameter of a call, is wrong: its reader can mend it."""


class DataError(RetentionError, ValueError):
    """The transactions cannot be used as they are: whoever exports them can mend it."""


class LockHeld(RetentionError, RuntimeError):
    """Another run is publishing into the same folder: whoever started this one can wait."""


class CannotSay(RetentionError, ValueError):
    """The data are sound but do not carry the answer asked of them.

    The message is one or two whole sentences for the reader of a report: what cannot be said, and
    what would be needed to say it.
    """
