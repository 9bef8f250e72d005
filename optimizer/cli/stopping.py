"""Requests to stop, Ctrl-C and SIGTERM: an exception, which lets half-written folders be removed on the way out."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

TERMINATED = 128 + signal.SIGTERM
"""Exit code after a request to terminate, as shells report it."""


class Stop:
    """Handler of a signal that raises, and remembers that it did.

    A library may turn what it raises into an error of its own: a module interrupted while it is imported is reported
    as one that cannot be imported.

    Parameters
    ----------
    error : callable
        Makes the exception.
    """

    def __init__(self, error: Callable[[], BaseException]) -> None:
        self.error = error
        self.was_sent = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise the exception."""
        self.was_sent = True
        raise self.error()


def listen() -> None:
    """Let both signals raise: `KeyboardInterrupt`, and `SystemExit` with the code `TERMINATED`."""
    signal.signal(signal.SIGINT, Stop(KeyboardInterrupt))
    signal.signal(signal.SIGTERM, Stop(lambda: SystemExit(TERMINATED)))


def raise_if_sent() -> None:
    """Raise the exception of a signal that was sent before, if any was."""
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if isinstance(handler, Stop) and handler.was_sent:
            raise handler.error()
