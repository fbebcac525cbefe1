"""What becomes QEMU: confines itself, and executes it.

``main([parent, program, *arguments])``: the process that has to be the parent still, and
QEMU's command line. The descriptors that QEMU inherits stay open, and no other.

The filter of system calls allows one execution more, of a descriptor that the limit of
descriptors forbids to have again.
"""

from __future__ import annotations

import os
import resource

from rprocfs.engines.confinement import landlock
from rprocfs.engines.confinement.linux import PR_SET_PDEATHSIG, execute, libc, prctl
from rprocfs.engines.confinement.lock import SIGKILL, enter, lock
from rprocfs.engines.confinement.namespaces import LIBRARIES, bind, show
from rprocfs.engines.confinement.syscalls import only_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

FAILED = 71
#: One more than any that QEMU may have.
PROGRAM_FD = 256
#: QEMU has 1.3 GiB of address space without its RAM, most of it for translated code.
ADDRESS_SPACE = 8 << 30
LIMITS = {
    resource.RLIMIT_AS: ADDRESS_SPACE,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_NOFILE: PROGRAM_FD,
}
SIGPIPE, SIGXFSZ = 13, 25
#: How QEMU finds what it inherits.
OWN_FILES = "/proc/self/fd"


def seen(program: str) -> list[str]:
    """What QEMU may read: libraries, and where it is installed if that is elsewhere."""
    paths = [f"/{path}" for path in LIBRARIES]
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    if not any(f"{prefix}/".startswith(f"{path}/") for path in paths):
        paths.append(prefix)
    return paths


def main(arguments: list[str]) -> NoReturn:
    """Become QEMU; on stderr why not."""
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    parent, program, *words = arguments
    name = os.path.basename(program)
    try:
        fd = os.open(program, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(fd, PROGRAM_FD, inheritable=False)
        os.close(fd)
        _confine(program, int(parent))
        execute(PROGRAM_FD, [name, *words])
    except OSError as failure:
        os.write(2, f"{name}: {failure.strerror}\n".encode())
    os._exit(FAILED)


def _confine(program: str, parent: int) -> None:
    paths = seen(program)

    def furnish(root: str) -> None:
        for path in paths:
            show(path, root)
        os.makedirs(f"{root}{os.path.dirname(OWN_FILES)}")
        bind(OWN_FILES, f"{root}{OWN_FILES}")

    without = enter(furnish)
    for number in (SIGPIPE, SIGXFSZ):  # which Python ignores
        libc.signal(number, None)
    rights = landlock.EXECUTE | landlock.READ
    without += lock("emulator", LIMITS, dict.fromkeys(paths, rights), only_from(PROGRAM_FD))
    if os.getppid() != parent:
        os._exit(FAILED)
    for line in without:
        os.write(2, f"confinement: {line}\n".encode())
