"""The layers together, as a worker puts them on before it executes anything of a firmware."""

from __future__ import annotations

import os

from rprocfs.engines.confinement import landlock, seccomp, syscalls
from rprocfs.engines.confinement.limits import limit, offer_to_oom_killer
from rprocfs.engines.confinement.linux import PR_SET_PDEATHSIG, prctl
from rprocfs.engines.confinement.namespaces import isolate, new_root
from rprocfs.engines.confinement.privileges import become_nobody, drop_capabilities, renounce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.engines.confinement.syscalls import Condition

SIGKILL = 9


def enter(furnish: Callable[[str], None] | None = None) -> list[str]:
    """Enter namespaces, and a root with what *furnish* puts into it; what was not to be had."""
    try:
        isolate()
    except OSError as failure:
        return [f"no namespaces: {failure.strerror}"]
    try:
        new_root(furnish)
    except OSError as failure:
        return [f"no root of its own: {failure.filename}: {failure.strerror}"]
    return []


def lock(
    kind: str,
    limits: Mapping[int, int],
    paths: Mapping[str, int],
    conditions: Mapping[str, Condition] | None = None,
) -> list[str]:
    """Give up what the process has, for ever; what was not to be had.

    *kind* is that of :data:`.syscalls.KINDS`, *limits* are of setrlimit(2), *paths* have
    their rights of Landlock. It dies with the thread that started it from now on. OSError
    if it keeps a privilege that it can give up.
    """
    without = []
    offer_to_oom_killer()
    limit(limits)
    renounce()
    become_nobody()
    drop_capabilities()
    prctl(PR_SET_PDEATHSIG, SIGKILL)  # forgotten by a change of the user
    try:
        landlock.restrict(paths)
    except OSError as failure:
        without.append(f"no Landlock: {failure.strerror}")
    allowed, usual = syscalls.KINDS[kind]
    try:
        own = syscalls.own_signals(os.getpid())
        code = seccomp.program(allowed, {**own, **usual, **(conditions or {})}, syscalls.MISSING)
        seccomp.install(code)
    except OSError as failure:
        without.append(f"no seccomp: {failure.strerror}")
    return without
