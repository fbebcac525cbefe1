"""modprobe(8) for a system without kmod, under rprocfs run.

This file is executed by itself, and uses nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from pathlib import Path

#: See modules.py.
PLACE = "/dev/.modules"
_NR_INIT_MODULE = {"x86_64": 175, "aarch64": 105}


def main(argv: list[str]) -> int:
    """``modprobe [-qvn] NAME [PARAMETER=VALUE ...]``, ``modprobe -a NAME ...``, ``-r NAME ...``."""
    options = [word for word in argv if word.startswith("-")]
    words = [word for word in argv if not word.startswith("-")]
    if not words:
        print("modprobe: ERROR: missing parameters", file=sys.stderr)
        return 1
    quiet = bool({"-q", "--quiet"} & set(options))
    several = bool({"-a", "--all", "-r", "--remove"} & set(options))
    names, arguments = (words, []) if several else (words[:1], words[1:])
    status = 0
    for name in names:
        complaint = _remove(name) if {"-r", "--remove"} & set(options) else _load(name, arguments)
        if complaint:
            status = 1
            if not quiet:
                print(f"modprobe: {complaint}", file=sys.stderr)
    return status


def _load(asked: str, arguments: list[str]) -> str:
    """What is to be complained of, if anything."""
    name = asked.replace("-", "_")
    where = _modules()
    if _is_builtin(name) or Path("/sys/module", name, "initstate").exists():
        return ""
    try:
        image = (where / f"kernel/{name}.ko").read_bytes()
    except OSError:
        return f"FATAL: Module {asked} not found in directory /lib/modules/{where.name}"
    number = _NR_INIT_MODULE[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    text = " ".join(arguments).encode()
    if libc.syscall(number, image, ctypes.c_ulong(len(image)), text):
        code = ctypes.get_errno()
        return (
            "" if code == errno.EEXIST else f"ERROR: could not insert '{name}': {os.strerror(code)}"
        )
    return ""


def _remove(asked: str) -> str:
    name = asked.replace("-", "_")
    if _is_builtin(name):
        return f"FATAL: Module {name} is builtin."
    there = Path("/sys/module", name).exists()
    return f"FATAL: Module {name} is in use." if there else f"FATAL: Module {name} not found."


def _is_builtin(name: str) -> bool:
    lines = (_modules() / "modules.builtin").read_text("ascii").splitlines()
    return f"kernel/{name}.ko" in lines


def _modules() -> Path:
    return Path(PLACE, "lib/modules", os.uname().release)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
