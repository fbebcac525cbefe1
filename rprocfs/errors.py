"""Failures of commands, as the person who typed them sees them."""


class CommandError(Exception):
    """A command cannot do what it was asked: its one line goes to stderr, the status is 1."""
