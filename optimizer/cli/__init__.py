"""The command line: ``gridsite VERB STUDY``. Results on standard output, progress and refusals on standard error."""

from optimizer.cli.stopping import listen


def main() -> None:
    """Run the command line and exit with one of the codes of `optimizer.cli.outcome.ExitCode`."""
    listen()
    from optimizer.cli.verbs import app

    app(prog_name="gridsite")


__all__ = ["main"]
