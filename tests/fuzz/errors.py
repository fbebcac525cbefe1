"""What a fuzzer found."""

import logging
from contextlib import contextmanager


class FuzzError(Exception):
    """What went wrong, in a line."""


class _Complaints(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.found = []

    def emit(self, record):
        """A traceback is a bug; a line of the board's kernel log is not."""
        if record.exc_info or record.name != "rprocfs":
            self.found.append(self.format(record))


@contextmanager
def no_bugs():
    """FuzzError if anything inside logs a traceback, or an error that no board's kernel logs."""
    handler = _Complaints()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    if handler.found:
        raise FuzzError(handler.found[0])
