"""The far end of a debugger: what halts, steps and examines the core of this worker.

The parent has the client; it sends messages over a socket that keeps them apart: see
:mod:`rprocfs.engines.gdb.stub`. What comes back are answers and stop replies.

**Nothing of this costs anything while no debugger is there.** Break- and watchpoints are hooks
on their addresses; the socket is looked at with the others.

**Steps take no interrupt**, as with QEMU: one that is due is taken as the core goes on. A WFI
that is stepped over, or at which the core was halted, ends: a debugger's halt is a wake-up.
"""

from __future__ import annotations

import os
import select

from rprocfs.engines.gdb.packet import INTERRUPT, LONGEST
from rprocfs.engines.gdb.stub import (
    ACCESS,
    GO_ON,
    HALT,
    READ,
    REQUEST,
    SIGINT,
    SIGTRAP,
    WRITE,
    Resume,
    Stub,
)  # fmt: skip
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.ports import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable
    from typing import NoReturn, Protocol

    from rprocfs.engines.gdb.stub import Target
else:
    Protocol = object

#: Stop reply: which kind of watchpoint it was.
_WATCHED = {WRITE: b"watch", READ: b"rwatch", ACCESS: b"awatch"}
_HOOKS = {
    WRITE: libunicorn.HOOK_MEM_WRITE, READ: libunicorn.HOOK_MEM_READ,
    ACCESS: libunicorn.HOOK_MEM_ACCESS,
}  # fmt: skip
#: The most bytes from an IT instruction to the last one of its block.
IT_BLOCK = 2 + 3 * 4


class Attention(Exception):
    """The debugger has something to say: the core has to listen, between two instructions."""


class DebugPort(Socket):
    """The socket: one message at a time waits here to be taken."""

    received: list[bytes]
    longest = LONGEST  # a message that is not read whole is lost

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.received = []

    def _take(self, data: bytes) -> None:
        if data:
            self.received.append(data)

    def send(self, payload: bytes) -> None:
        """Send a payload, behind a mark, as no message is empty; waits until there is room."""
        try:
            select.select((), (self.fd,), ())
            os.write(self.fd, REQUEST + payload)
        except OSError:
            self.closed = True


class Core(Protocol):
    """What a debugger does to a core; see :class:`rprocfs.engines.unicorn.core.Core`."""

    @property
    def pc(self) -> int:
        """Where it is."""

    @property
    def breaks(self) -> set[int]:
        """Where breakpoints are, for code that is not executed by Unicorn in one go."""

    @property
    def in_it_block(self) -> bool:
        """In a hook: whether the core looks for breakpoints itself, in an IT block."""

    def step(self) -> None:
        """Execute one instruction, and take no interrupt."""

    def jump(self, address: int) -> None:
        """Go on at *address*."""

    def wait(self) -> None:
        """Wait until there is something on a socket."""

    def end_slice(self, event: Callable[[], None]) -> None:
        """In a hook: stop in front of the instruction, or behind the access; *event* follows."""

    def stood_still(self, nanoseconds: int) -> None:
        """That long nothing was executed."""


class Points:
    """Break- and watchpoints of *unicorn*.

    In hooks, *hit* (address) is called in front of an instruction, and *watched* (stop reply) at
    an access. *breaks* are kept up to date.
    """

    def __init__(
        self,
        unicorn: libunicorn.Unicorn,
        breaks: set[int],
        hit: Callable[[int], None],
        watched: Callable[[bytes], None],
    ) -> None:
        self._uc, self._breaks, self._hit, self._watched = unicorn, breaks, hit, watched
        self._hooks: dict[tuple[int, int, int], ctypes.c_size_t] = {}

    def insert(self, kind: int, address: int, size: int) -> bool:
        """See :class:`~rprocfs.engines.gdb.stub.Target`."""
        if (kind, address, size) not in self._hooks:
            add = self._watch if kind in _WATCHED else self._break
            self._hooks[kind, address, size] = add(kind, address, size)
            self._changed(kind, address)
        return True

    def remove(self, kind: int, address: int, size: int) -> bool:
        """See :class:`~rprocfs.engines.gdb.stub.Target`."""
        hook = self._hooks.pop((kind, address, size), None)
        if hook is None:
            return False
        self._uc.unhook(hook)
        self._changed(kind, address)
        return True

    def clear(self) -> None:
        """Remove all of them."""
        for point in list(self._hooks):
            self.remove(*point)

    def _break(self, _kind: int, address: int, _size: int) -> ctypes.c_size_t:
        hook = libunicorn.CODE(lambda _uc, at, *_: self._hit(at))
        return self._uc.add_hook(libunicorn.HOOK_CODE, hook, address, address)

    def _watch(self, kind: int, address: int, size: int) -> ctypes.c_size_t:
        end = address + max(size, 1)
        why = b"%b:%x;" % (_WATCHED[kind], address)

        def accessed(_uc: int, _kind: int, at: int, width: int, *_: int) -> bool:
            if at + width > address:  # at is below the end
                self._watched(why)
            return True

        hook = libunicorn.ACCESS(accessed)
        # Unicorn compares where an access begins, and the widest has 8 bytes.
        return self._uc.add_hook(_HOOKS[kind], hook, max(0, address - 7), end - 1)

    def _changed(self, kind: int, address: int) -> None:
        """Have code translated anew, with the hooks that there are now."""
        if kind in _WATCHED:
            self._uc.flush()
            return
        self._breaks.clear()
        self._breaks.update(where for what, where, _ in self._hooks if what not in _WATCHED)
        # The IT instruction in front of it is looked at again, too.
        self._uc.forget(address - IT_BLOCK, address + 2)


class Debugger:
    """Serves the client at *port* for *core*, as *target* makes it visible with its points."""

    def __init__(
        self,
        port: DebugPort,
        core: Core,
        unicorn: libunicorn.Unicorn,
        target: Callable[[Points], Target],
        now: Callable[[], int],
    ) -> None:
        self._port, self._core, self._now = port, core, now
        self._points = Points(unicorn, core.breaks, self._hit, self._watched)
        self._stub = Stub(target(self._points))
        self.attached = self.halted = False
        self._since = 0
        self._stepped_from = -1
        self._seen = False  # the access that a watchpoint is for

    def attend(self) -> None:
        """Take what came in; while the core is halted, wait for more."""
        while True:
            while self._port.received:
                self._take(self._port.received.pop(0))
            if not self.halted:
                return
            self._core.wait()

    def stop(self, signal: int, why: bytes = b"") -> None:
        """The core stops by itself, at a breakpoint say."""
        self._stub.stopped = b"T%02x" % signal + why
        self._halt()
        self._port.send(self._stub.stopped)

    def at_breakpoint(self) -> NoReturn:
        """The core is in front of a breakpoint, or of a BKPT."""
        self.stop(SIGTRAP)
        raise Attention

    def _halt(self) -> None:
        if not self.halted:
            self.halted, self._since = True, self._now()

    def _go_on(self) -> None:
        if self.halted:
            self.halted = False
            self._core.stood_still(self._now() - self._since)

    def _take(self, message: bytes) -> None:
        if message == INTERRUPT:
            if not self.halted:
                self.stop(SIGINT)
        elif message == HALT:
            self._stub.stopped = b"T%02x" % SIGTRAP
            self.attached = True
            self._halt()
        elif message == GO_ON:
            self._points.clear()
            self.attached = False
            self._go_on()
        elif message.startswith(REQUEST):
            self._request(message[1:])

    def _request(self, request: bytes) -> None:
        answer = self._stub.handle(request)
        if not isinstance(answer, Resume):
            self._port.send(answer)
            return
        if answer.address is not None:
            self._core.jump(answer.address)
        self._go_on()
        if answer.step:
            self._step(SIGTRAP)

    def _step(self, signal: int, why: bytes = b"") -> None:
        """One instruction; *signal* is why the core stops behind it, if nothing else happens."""
        self._stepped_from = self._core.pc
        try:
            self._core.step()
        except Attention:
            pass
        finally:
            self._stepped_from = -1
        if not self.halted:
            self.stop(signal, why)

    # In hooks.

    def _hit(self, address: int) -> None:
        if address != self._stepped_from and not self._core.in_it_block:
            self._core.end_slice(self.at_breakpoint)

    def _watched(self, why: bytes) -> None:
        if not self._seen:
            pc = self._core.pc
            self._core.end_slice(lambda: self._behind_access(pc, why))

    # Between two slices.

    def _behind_access(self, pc: int, why: bytes) -> None:
        """Stop behind the instruction at *pc*, which Unicorn may have left half done."""
        self._seen = True
        try:
            if self._core.pc == pc:
                self._step(SIGTRAP, why)
            else:
                self.stop(SIGTRAP, why)
        finally:
            self._seen = False
        raise Attention
