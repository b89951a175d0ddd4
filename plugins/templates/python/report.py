"""Exceptions that nobody has caught, as failures: one that leaves an export as it is would be a trap without a word."""

from functools import wraps

from componentize_py_types import Err
from wit_world.imports import host
from wit_world.imports.types import Failure

# So many calls are written to the log.
CALLS = 15


def reported(export):
    """A decorator for every export. Type and text of an exception reach the author, with the line; and the host's log,
    with the calls that led to it."""

    @wraps(export)
    def call(*args):
        try:
            return export(*args)
        except Err:
            # A failure already.
            raise
        except Exception as error:
            calls = frames(error.__traceback__)
            text = f"{type(error).__name__}: {error}"
            host.log(host.Level.ERROR, "\n".join([*(f"  at {place}" for place in calls[1:][-CALLS:]), text]))
            raise Err(Failure("exception", f"{text} at {calls[-1]}"))

    return call


def frames(traceback) -> list[str]:
    """The calls, outermost first. Not by the module `traceback`: it reads the sources, and there are no files."""
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        found.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{traceback.tb_lineno} in {code.co_qualname}")
        traceback = traceback.tb_next
    return found
