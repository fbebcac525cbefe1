"""``/dev/hvcN``: the consoles of virtual machines -- drivers/tty/hvc/hvc_console.c.

The nodes of all of them appear with the first console, as in the kernel; one without a
console answers ENODEV.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod

from rprocfs.base.device import Class, Device
from rprocfs.base.model import DriverModel
from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.wait import WouldBlock
from rprocfs.locking import LockClass, new_lock, new_rlock
from rprocfs.tty.n_tty import TTY_STD_TERMIOS, NTty
from rprocfs.tty.tty_io import tty_open
from rprocfs.tty.tty_port import TtyPort

HVC_MAJOR = 229
#: Nodes, and numbers: those beyond the nodes cannot be opened.
HVC_ALLOC_TTY_ADAPTERS, MAX_NR_HVC_CONSOLES = 8, 16
#: ``outbuf_size``.
OUTBUF_SIZE = 4096
#: The most input buffers taken on the thread of the doorbell; khvcd takes the rest.
ROUNDS = 64


class HvOps(ABC):
    """``struct hv_ops``: what is behind a console."""

    @abstractmethod
    def get_chars(self, count: int) -> bytes | None:
        """At most *count* bytes of what came in; None: nothing did."""

    @abstractmethod
    def put_chars(self, data: bytes) -> int:
        """How many bytes of *data* are sent, once :meth:`kick` is called."""

    @abstractmethod
    def kick(self) -> None:
        """Tell the other side. Called without a lock."""

    @abstractmethod
    def winsize(self) -> bytes | None:
        """``notifier_add``: the ``struct winsize`` at an open; None if the device has none."""


class HvcPort(TtyPort):
    """``struct hvc_struct``.

    The kernel spins until the other side has read the output. Here no thread waits with a lock
    held: output that is not read yet stays in a buffer, and writers wait for room in it.
    """

    def __init__(self, hvc: HvcConsole, index: int, ops: HvOps) -> None:
        super().__init__(TTY_STD_TERMIOS)
        self.index = index
        self._hvc = hvc
        self._ops = ops
        self._outbuf = bytearray()
        self._out_lock = new_lock(LockClass.HVC_OUT)
        #: Held while input is moved to the terminal, which keeps it in order.
        self._in_lock = new_rlock(LockClass.HVC_IN)
        self._khvcd = Workqueue("khvcd", LockClass.KHVCD)

    def hvc_open(self) -> Handle:
        """hvc_open(): the first one learns how large it is. ENODEV once it is removed."""
        size = None if self.opened else self._ops.winsize()
        handle = tty_open(self, error(errno.ENODEV))
        if size is not None:
            self.winsize = size
        self.unthrottle()
        return handle

    def put_chars(self, piece: bytes) -> None:
        """hvc_write(): into the buffer, then as much as possible to the other side."""
        with self._out_lock:
            if len(self._outbuf) + len(piece) > OUTBUF_SIZE:
                raise WouldBlock(self.readq)
            self._outbuf += piece
        self.push()

    def write_size(self) -> int:
        """Room in the buffer."""
        return max(1, OUTBUF_SIZE - len(self._outbuf))

    def chars_in_buffer(self) -> int:
        """What is in it."""
        return len(self._outbuf)

    def push(self) -> None:
        """hvc_push(); wakes writers that wait for room."""
        with self._out_lock:
            sent = self._ops.put_chars(bytes(self._outbuf)) if self._outbuf else 0
            del self._outbuf[:sent]
        if sent:
            self._ops.kick()
            self.readq.wake_up()

    def unthrottle(self) -> None:
        """hvc_poll(): as much input as the terminal takes.

        A line that is too long takes any amount, so an other side that never stops would
        keep the caller for ever, and all whom it serves.
        """
        with self._in_lock:
            for _ in range(ROUNDS):
                room = self.receive_room()
                data = self._ops.get_chars(room) if room else None
                if data is None:
                    return
                self.receive(data)
        self._khvcd.queue_work(self.unthrottle)

    def last_closed(self) -> None:
        """TTY_DRIVER_RESET_TERMIOS: the next open finds the initial settings."""
        self.ldisc = NTty(TTY_STD_TERMIOS)
        self.winsize = bytes(8)

    def hvc_remove(self) -> None:
        """hvc_remove(): hang up, and let go of the number."""
        self._hvc.free(self)
        self._khvcd.destroy()
        with self._out_lock:
            self._outbuf.clear()
        self.hangup()


class HvcDevice(Device):
    """The node of one number."""

    def __init__(self, hvc: HvcConsole, class_: Class, index: int) -> None:
        super().__init__(class_.model, f"hvc{index}", class_=class_)
        self.set_devnode((HVC_MAJOR, index), lambda flags: hvc.open(index))


class HvcConsole:
    """``hvc_driver``: the consoles of one system, by number."""

    def __init__(self, model: DriverModel) -> None:
        self._class = Class(model, "tty")
        model.sys.mkdirs("devices/virtual/tty")
        self._ports: dict[int, HvcPort] = {}
        self._lock = new_lock(LockClass.HVC_STRUCTS)
        self._ready = False

    def hvc_alloc(self, ops: HvOps) -> HvcPort:
        """A console of the lowest free number; ENOSPC."""
        with self._lock:
            free = [n for n in range(MAX_NR_HVC_CONSOLES) if n not in self._ports]
            if not free:
                raise error(errno.ENOSPC)
            port = self._ports[free[0]] = HvcPort(self, free[0], ops)
            init, self._ready = not self._ready, True
        if init:
            for index in range(HVC_ALLOC_TTY_ADAPTERS):
                HvcDevice(self, self._class, index).device_add()
        return port

    def free(self, port: HvcPort) -> None:
        """The number may be used again."""
        with self._lock:
            self._ports.pop(port.index, None)

    def open(self, index: int) -> Handle:
        """hvc_install(), hvc_open(): ENODEV without a console."""
        port = self._ports.get(index)
        if port is None:
            raise error(errno.ENODEV)
        return port.hvc_open()
