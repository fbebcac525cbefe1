"""The part of the Unicorn library that the worker uses, through ctypes.

The ``unicorn`` package is only where the library is found: importing it takes 60 ms
of a worker's start, loading the library 6 ms. Register access is faster as well.
"""

from __future__ import annotations

import ctypes
import struct
from ctypes import byref, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ARCH_ARM, MODE_THUMB = 1, 1 << 4
CPU_MODELS = {"cortex-m3": 8, "cortex-m4": 9, "cortex-m7": 10, "cortex-r5f": 13}
#: With MODE_MCLASS Unicorn 2 takes a Cortex-M33, whatever model it is told, which has the MPU of
#: another architecture.
MODES = {"cortex-r5f": 0}
PROT_READ, PROT_WRITE, PROT_EXEC, PROT_ALL = 1, 2, 4, 7
REGISTERS = 0x1000  # of a page of them
HIGHEST = 0xFFFF_FFFF
# UC_CTL: a number, the count of its arguments at bit 26, the direction at bit 30.
CTL_USE_EXITS = 4 | 1 << 26 | 1 << 30
CTL_CPU_MODEL, CTL_TB_FLUSH = 7 | 1 << 26 | 1 << 30, 10 | 1 << 30
CTL_TB_REMOVE = 9 | 2 << 26 | 1 << 30
CTL_TLB_FLUSH, CTL_TLB_TYPE = 11 | 1 << 30, 12 | 1 << 26 | 1 << 30
TLB_CPU, TLB_VIRTUAL = 0, 1

OK, INSN_INVALID, EXCEPTION = 0, 10, 21
HOOK_INTR, HOOK_CODE, HOOK_BLOCK = 1, 4, 8
HOOK_MEM_READ, HOOK_MEM_WRITE, HOOK_MEM_ACCESS = 1 << 10, 1 << 11, 1 << 10 | 1 << 11
HOOK_MEM_INVALID, HOOK_INSN_INVALID, HOOK_EDGE = 0x3F0, 1 << 14, 1 << 15
HOOK_TLB_FILL = 1 << 17
MEM_READ, MEM_WRITE, MEM_FETCH = 16, 17, 18
MEM_WRITES, MEM_FETCHES = (17, 20, 22), (18, 21, 24)

R0, R12, SP, LR, PC, S0 = 66, 78, 12, 10, 11, 79
#: The numbers of R0 to R15, by their number in an instruction: LR, PC and SP are not behind R12.
GENERAL = (*range(R0, R12 + 1), SP, LR, PC)
XPSR, IPSR, CONTROL, MSP, PSP = 120, 114, 117, 115, 116
PRIMASK, BASEPRI, FAULTMASK = 123, 124, 126
APSR_NZCV, APSR_G, FPSCR, SYNDROME = 2, 128, 6, 140
#: What the syndrome is set to, so that one of an exception can be told.
NO_SYNDROME = 0xFFFF_FFFF


#: ``uc_tb``: address, instructions, bytes.
BLOCK = struct.Struct("<QHH")


def block(pointer: int) -> tuple[int, int, int]:
    """In a hook on HOOK_EDGE: address, instructions and bytes of the block that was translated."""
    address, instructions, size = BLOCK.unpack(ctypes.string_at(pointer, BLOCK.size))
    return address, instructions, size


class TlbEntry(ctypes.Structure):
    """``uc_tlb_entry``."""

    _fields_ = (("paddr", c_uint64), ("perms", c_int))


INTR = ctypes.CFUNCTYPE(None, c_void_p, c_uint32, c_void_p)
CODE = ctypes.CFUNCTYPE(None, c_void_p, c_uint64, c_uint32, c_void_p)
INVALID = ctypes.CFUNCTYPE(ctypes.c_bool, c_void_p, c_void_p)
ACCESS = ctypes.CFUNCTYPE(ctypes.c_bool, c_void_p, c_int, c_uint64, c_int, c_int64, c_void_p)
EDGE = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_void_p)
FILL = ctypes.CFUNCTYPE(
    ctypes.c_bool, c_void_p, c_uint64, c_int, ctypes.POINTER(TlbEntry), c_void_p
)
MMIO_READ = ctypes.CFUNCTYPE(c_uint64, c_void_p, c_uint64, c_uint32, c_void_p)
MMIO_WRITE = ctypes.CFUNCTYPE(None, c_void_p, c_uint64, c_uint32, c_uint64, c_void_p)
# Kinds of hook, and how Unicorn calls them.
CALLBACKS = {
    HOOK_INTR: INTR,
    HOOK_INSN_INVALID: INVALID,
    HOOK_MEM_INVALID: ACCESS,
    HOOK_MEM_ACCESS: ACCESS,
    HOOK_EDGE: EDGE,
    HOOK_TLB_FILL: FILL,
}

#: Those of registers have none: what they get are pointers and small numbers anyway, and a call
#: takes a third of the time.
PROTOTYPES = {
    "uc_open": (c_int, c_int, c_void_p),
    "uc_mem_protect": (c_void_p, c_uint64, c_uint64, c_uint32),
    "uc_mem_map_ptr": (c_void_p, c_uint64, c_uint64, c_uint32, c_void_p),
    "uc_mmio_map": (c_void_p, c_uint64, c_uint64, MMIO_READ, c_void_p, MMIO_WRITE, c_void_p),
    "uc_emu_start": (c_void_p, c_uint64, c_uint64, c_uint64, c_size_t),
    "uc_emu_stop": (c_void_p,),
    "uc_hook_del": (c_void_p, c_size_t),
    "uc_context_size": (c_void_p,),
    "uc_context_alloc": (c_void_p, c_void_p),
    "uc_context_save": (c_void_p, c_void_p),
    "uc_context_restore": (c_void_p, c_void_p),
}


class UnicornError(Exception):
    """A call that must not fail did: the worker ends."""


class RegisterSet:
    """32-bit registers that are read and written together, in one call."""

    def __init__(self, unicorn: Unicorn, numbers: Iterable[int]) -> None:
        ids = tuple(numbers)
        self._values = (c_uint32 * len(ids))()
        base = ctypes.addressof(self._values)
        pointers = (c_void_p * len(ids))(*(base + 4 * index for index in range(len(ids))))
        self._arguments = unicorn.handle, (c_int * len(ids))(*ids), pointers, len(ids)
        self._read = unicorn.lib["uc_reg_read_batch"]
        self._write = unicorn.lib["uc_reg_write_batch"]

    def read(self) -> list[int]:
        """Their values."""
        self._read(*self._arguments)
        return self._values[:]

    def write(self, values: Sequence[int]) -> None:
        """Set them, in order."""
        self._values[:] = list(values)
        self._write(*self._arguments)


class Unicorn:
    """One instance of Unicorn, an Armv7-M or Armv7-R core.

    Not thread-safe, and never released: an instance that is alive while Python ends
    brings the process down, so end it by ``os._exit``. What a hook raises goes to
    ``sys.unraisablehook``.
    """

    def __init__(self, library: str, core: str) -> None:
        self.lib = ctypes.CDLL(library)
        for name, arguments in PROTOTYPES.items():
            getattr(self.lib, name).argtypes = arguments
        self.handle = c_void_p()
        self._value = c_uint32()
        self._pointer = byref(self._value)
        self._reg_read, self._reg_write = self.lib["uc_reg_read"], self.lib["uc_reg_write"]
        self._keep: list[object] = []
        self._memory: list[tuple[int, int]] = []
        mode = MODES.get(core, MODE_THUMB)
        self._check(self.lib.uc_open(ARCH_ARM, mode, byref(self.handle)))
        self._check(self.lib.uc_ctl(self.handle, c_int(CTL_CPU_MODEL), c_int(CPU_MODELS[core])))
        # No address ends a run. Else Unicorn would look for the page of one behind each of them.
        self._check(self.lib.uc_ctl(self.handle, c_int(CTL_USE_EXITS), c_int(1)))

    def _check(self, error: int) -> None:
        if error:
            raise UnicornError(f"unicorn error {error}")

    def map_memory(self, da: int, size: int, address: int) -> None:
        """Let *size* bytes of this process at *address* be memory at *da*."""
        self._check(self.lib.uc_mem_map_ptr(self.handle, da, size, PROT_ALL, address))
        self._memory.append((da, da + size))

    def map_registers(
        self, da: int, size: int, read: Callable[[int, int], int], write: Callable[..., None]
    ) -> None:
        """Send accesses from *da* on to ``read(address, size)`` and ``write(..., value)``."""

        def on_read(_uc: int, offset: int, width: int, _data: int) -> int:
            return read(da + offset, width)

        def on_write(_uc: int, offset: int, width: int, value: int, _data: int) -> None:
            write(da + offset, width, value)

        reader, writer = MMIO_READ(on_read), MMIO_WRITE(on_write)
        self._keep += (reader, writer)
        self._check(self.lib.uc_mmio_map(self.handle, da, size, reader, None, writer, None))

    def refuse(self, page: int, loads: bool, stores: bool) -> None:
        """Let loads from, or stores to, a *page* of registers be invalid, or no longer.

        The next instruction knows it. The page was mapped by itself, as Unicorn divides a range
        without telling :meth:`map_registers`' functions, and it is not the one being accessed.
        """
        permitted = (0 if loads else PROT_READ) | (0 if stores else PROT_WRITE)
        self._check(self.lib.uc_mem_protect(self.handle, page, REGISTERS, permitted))

    def hook(self, kind: int, function: Callable[..., object]) -> c_size_t:
        """Call *function* on all events of *kind*."""
        return self.add_hook(kind, CALLBACKS[kind](function), 1, 0)

    def hook_outside(self, kind: int, function: Callable[..., object]) -> None:
        """As :meth:`hook`, but for the memory that is mapped."""
        callback, begin = CALLBACKS[kind](function), 0
        for da, end in (*sorted(self._memory), (HIGHEST + 1, 0)):
            if begin < da:
                self.add_hook(kind, callback, begin, da - 1)
            begin = max(begin, end)

    def add_hook(
        self, kind: int, callback: object, begin: int, end: int, data: object = None
    ) -> c_size_t:
        """Have *callback*, one of CALLBACKS, called at [begin, end] (1, 0: anywhere)."""
        self._keep.append(callback)
        handle = c_size_t()
        add = self.lib.uc_hook_add
        limits = c_uint64(begin), c_uint64(end)
        self._check(add(self.handle, byref(handle), c_int(kind), callback, data, *limits))
        return handle

    def unhook(self, handle: c_size_t) -> None:
        """Undo :meth:`hook`."""
        self._check(self.lib.uc_hook_del(self.handle, handle))

    def forget(self, begin: int, end: int) -> None:
        """Forget the translated code that touches [begin, end)."""
        limits = c_uint64(begin), c_uint64(end)
        self._check(self.lib.uc_ctl(self.handle, c_int(CTL_TB_REMOVE), *limits))
        self.flush_tlb()  # which page it is was asked for

    def flush(self) -> None:
        """Forget all translated code: needed when hooks were added or removed."""
        self._check(self.lib.uc_ctl(self.handle, c_int(CTL_TB_FLUSH)))

    def flush_tlb(self) -> None:
        """Forget which page is where."""
        self._check(self.lib.uc_ctl(self.handle, c_int(CTL_TLB_FLUSH)))

    def use_virtual_tlb(self, virtual: bool = True) -> None:
        """Let a hook on HOOK_TLB_FILL, not the core, say which page is where; or the core."""
        kind = TLB_VIRTUAL if virtual else TLB_CPU
        self._check(self.lib.uc_ctl(self.handle, c_int(CTL_TLB_TYPE), c_int(kind)))

    def allocate_context(self, context: c_void_p) -> None:
        """Let *context* be one of ``uc_context_alloc()``, for good."""
        self._check(self.lib.uc_context_alloc(self.handle, byref(context)))

    def save_context(self, context: c_void_p) -> None:
        """Copy the state of the core there."""
        self._check(self.lib.uc_context_save(self.handle, context))

    def restore_context(self, context: c_void_p) -> None:
        """Copy it from there."""
        self._check(self.lib.uc_context_restore(self.handle, context))

    def run(self, pc: int, count: int) -> int:
        """Execute up to *count* instructions from *pc* on. An error number, 0 if there is none."""
        error: int = self.lib.uc_emu_start(self.handle, pc, 0, 0, count)
        return error

    def stop(self) -> None:
        """From a hook: stop before the next instruction."""
        self.lib.uc_emu_stop(self.handle)

    def read(self, number: int) -> int:
        """A 32-bit register."""
        self._reg_read(self.handle, number, self._pointer)
        return self._value.value

    def write(self, number: int, value: int) -> None:
        """Set a 32-bit register."""
        self._value.value = value
        self._reg_write(self.handle, number, self._pointer)
