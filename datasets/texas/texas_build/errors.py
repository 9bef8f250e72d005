"""The one error of the build, always with a remedy."""


class BuildError(Exception):
    """Something the person who runs the build can put right.

    The message says what was found and what to do; ``build.py`` prints it without a traceback.
    """
