"""Failures of commands, as the user sees them."""


class CommandError(Exception):
    """A command failed: its text is one line on stderr, and the exit status is 1."""


class BoardError(CommandError):
    """A board file is invalid: *complaints* has all complaints, the text is the first one."""

    def __init__(self, path: str, complaints: tuple[str, ...]) -> None:
        more = len(complaints) - 1
        super().__init__(
            complaints[0] + (f" ({more} more: rprocfs board check {path})" if more else "")
        )
        self.complaints = complaints
