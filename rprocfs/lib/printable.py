"""Text of firmware or of a board for a terminal, which it must not control."""

SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, substitute: str = SUBSTITUTE, keep: str = "") -> str:
    """Return *text* with *substitute* for each unprintable character that is not in *keep*."""
    return "".join(char if char.isprintable() or char in keep else substitute for char in text)
