"""Strings that end with a NUL -- lib/string.c."""

from __future__ import annotations


def strncmp_prefix(written: bytes, word: str) -> bool:
    """``!strncmp(written, word, count)``: a prefix of *word* is enough, a NUL ends it."""
    whole = word.encode() + b"\0"
    text, nul, _ = written.partition(b"\0")
    return whole.startswith(text + nul)
