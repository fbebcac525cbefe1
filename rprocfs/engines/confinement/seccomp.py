"""seccomp: an allow-list of system calls as a BPF program. See seccomp(2)."""

from __future__ import annotations

import ctypes
import errno
import struct

from rprocfs.engines.confinement.linux import MACHINE, SYS_SECCOMP, number, syscall
from rprocfs.engines.confinement.syscalls import NUMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rprocfs.engines.confinement.syscalls import Condition

    Step = tuple[int, int, int, int]

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SET_MODE_FILTER, FLAG_SPEC_ALLOW = 1, 1 << 2
#: The bit of calls of the x32 ABI.
X32 = 0x40000000

LD_ABS, AND, JEQ, JGE, RET = 0x20, 0x54, 0x15, 0x35, 0x06
KILL_PROCESS, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
REFUSE = (RET, 0, 0, ERRNO | errno.EPERM)
MISSING = (RET, 0, 0, ERRNO | errno.ENOSYS)
PERMIT = (RET, 0, 0, ALLOW)
WORD, WHOLE = (1 << 32) - 1, (1 << 64) - 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def program(
    allowed: Sequence[str],
    conditions: Mapping[str, Condition],
    missing: Sequence[str] = (),
    machine: str = MACHINE,
) -> bytes:
    """The filter: *allowed* calls go on, those of *conditions* if they hold.

    *missing* ones answer ENOSYS, so that a library takes another; all others answer EPERM.
    A call of another ABI than the machine's own kills the process. OSError (ENOSYS) for a
    machine whose numbers are not known.
    """
    arch = number(AUDIT_ARCH, "seccomp") if machine == MACHINE else AUDIT_ARCH[machine]
    column = list(AUDIT_ARCH).index(machine)
    kill = (RET, 0, 0, KILL_PROCESS)
    steps = [(LD_ABS, 0, 0, 4), (JEQ, 1, 0, arch), kill, (LD_ABS, 0, 0, 0)]
    steps += [(JGE, 0, 1, X32), kill]
    for name in allowed:
        steps += _when(NUMBERS[name][column], [PERMIT])
    for name in missing:
        steps += _when(NUMBERS[name][column], [MISSING])
    for name, condition in conditions.items():
        steps += _when(NUMBERS[name][column], _test(*condition))
    return b"".join(struct.pack("=HBBI", *step) for step in [*steps, REFUSE])


def _when(which: int | None, body: list[Step]) -> list[Step]:
    return [] if which is None else [(JEQ, 0, len(body), which), *body]


def _test(argument: int, mask: int, values: Sequence[int]) -> list[Step]:
    """PERMIT if the bits of *mask* in the argument are one of *values*, all 64 of them."""
    steps: list[Step] = []
    low, high = 16 + 8 * argument, 20 + 8 * argument
    for value in values:
        steps += [(LD_ABS, 0, 0, high), (AND, 0, 0, mask >> 32), (JEQ, 0, 4, value >> 32)]
        steps += [(LD_ABS, 0, 0, low), (AND, 0, 0, mask & WORD), (JEQ, 0, 1, value & WORD)]
        steps.append(PERMIT)
    return [*steps, REFUSE]


def install(code: bytes) -> None:
    """Filter the calling process, and all that it starts, for ever. OSError."""
    compiled = _Program(len(code) // 8, code)
    where = (ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(FLAG_SPEC_ALLOW))
    syscall(number(SYS_SECCOMP, "seccomp"), *where, ctypes.byref(compiled), name="seccomp")
