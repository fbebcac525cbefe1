"""Failures of commands, as the person who typed them sees them."""


class CommandError(Exception):
    """A command cannot do what it was asked: its one line goes to stderr, the status is 1."""


class BoardError(CommandError):
    """A board file makes no sense: *complaints* are all of them, the text is the first one."""

    def __init__(self, path: str, complaints: tuple[str, ...]) -> None:
        more = len(complaints) - 1
        super().__init__(
            complaints[0] + (f" ({more} more: rprocfs board check {path})" if more else "")
        )
        self.complaints = complaints
