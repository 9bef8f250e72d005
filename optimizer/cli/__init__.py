"""The command line: ``gridsite VERB STUDY``. Results on standard output, progress and refusals on standard error."""

import signal
import sys
from types import FrameType

TERMINATED = 128 + signal.SIGTERM
"""Exit code after a request to terminate, as shells report it."""


def main() -> None:
    """Run the command line and exit with one of the codes of `optimizer.cli.outcome.ExitCode`."""
    signal.signal(signal.SIGTERM, _terminate)
    from optimizer.cli.verbs import app

    app(prog_name="gridsite")


def _terminate(number: int, frame: FrameType | None) -> None:
    # An exception, unlike the default, lets half-written folders be removed on the way out.
    sys.exit(TERMINATED)


__all__ = ["main"]
