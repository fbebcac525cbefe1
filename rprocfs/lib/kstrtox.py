"""Numbers that a user writes -- lib/kstrtox.c."""

from __future__ import annotations

import errno
import os
import re

_BOOLS = re.compile(r"(?P<true>[yYtT1]|[oO][nN])|(?P<false>[nNfF0]|[oO][fF])")


def kstrtouint(data: bytes) -> int:
    """``kstrtouint_from_user(..., 0, ...)``: decimal, 0x or 0 octal; EINVAL, ERANGE."""
    text = data.split(b"\0", 1)[0].removesuffix(b"\n").removeprefix(b"+").lower()
    base, digits = 10, text
    if text.startswith(b"0x"):
        base, digits = 16, text[2:]
    elif text.startswith(b"0"):
        base = 8
    if not digits.isalnum() or not digits.isascii():
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    try:
        value = int(digits, base)
    except ValueError as failure:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from failure
    if value > 0xFFFFFFFF:
        raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
    return value


def kstrtoint(data: bytes) -> int:
    """``kstrtoint_from_user(..., 0, ...)``: the same with a sign; EINVAL, ERANGE."""
    negative = data.startswith(b"-")
    value = kstrtouint(data[1:] if negative and data[1:2] != b"+" else data)
    if value > 0x7FFF_FFFF + negative:
        raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
    return -value if negative else value


def kstrtobool(text: str) -> bool:
    """``kstrtobool``: the first character, or two, decide. ValueError if they say neither."""
    found = _BOOLS.match(text)
    if found is None:
        raise ValueError("neither 0 nor 1")
    return found["true"] is not None
