"""How much a worker may take: setrlimit(2), and the first to go if memory is short."""

from __future__ import annotations

import os
import resource

from rprocfs.engines.confinement.linux import attempt, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: For every worker: no core file, no priority above the usual.
ALWAYS = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NICE: 0, resource.RLIMIT_RTPRIO: 0}


def limit(limits: Mapping[int, int]) -> None:
    """Set *limits* of this process and its children; lower ones that it has already stay."""
    for which, value in {**ALWAYS, **limits}.items():
        hard = resource.getrlimit(which)[1]
        limited = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (limited, limited))


def address_space(more: int) -> int:
    """The bytes of address space that this process has, and *more*; for ``RLIMIT_AS``."""
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE") + more


def offer_to_oom_killer() -> None:
    """Go first if memory is short, and the children too.

    No limit of the kernel is for all the memory of several processes, but a cgroup's.
    """
    attempt(write, "/proc/self/oom_score_adj", "1000")
