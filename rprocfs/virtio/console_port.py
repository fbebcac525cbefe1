"""A port of a virtio console: two queues and their buffers -- drivers/char/virtio_console.c.

The buffers are in memory that the device sees, as the kernel's are for rproc-serial. The only
value taken from the device is the length, and it is limited to the size of the buffer.
"""

from __future__ import annotations

import errno
import select
import struct
from contextlib import suppress
from typing import Protocol

from rprocfs.base.bus import ModuleRef
from rprocfs.base.device import Class, Device
from rprocfs.base.dma import DmaBuffer
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import PAGE_SIZE, Dir, Handle, error
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.locking import LockClass, new_lock
from rprocfs.tty.hvc_console import HvcConsole, HvcPort, HvOps
from rprocfs.virtio.virtio import VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue

#: Buffers of a page for each direction, at most; the kernel fills the rings.
MAX_BUFFERS = 32
#: ``cols``, ``rows`` of ``struct virtio_console_config``.
_SIZE = struct.Struct("<HH")


class PortDriver(Protocol):
    """What a port asks of its driver."""

    owner: ModuleRef | None
    class_: Class
    hvc: HvcConsole
    debugfs: Dir


class PortsDevice(Protocol):
    """What a port asks of ``struct ports_device``."""

    vdev: VirtioDevice
    vqs: list[VirtioVirtqueue]
    chr_major: int
    is_rproc_serial: bool
    has_size: bool

    @property
    def driver(self) -> PortDriver:
        """The driver of the device."""


class PortBuffers:
    """What is in the two queues of a port. Thread-safe; tokens are the numbers of pages."""

    def __init__(self, vdev: VirtioDevice, in_vq: VirtioVirtqueue, out_vq: VirtioVirtqueue) -> None:
        """Give the device all buffers it may fill; ENOMEM."""
        self._vdev = vdev
        self.in_vq, self.out_vq = in_vq, out_vq
        self.bytes_sent = self.bytes_received = self.bytes_discarded = 0
        incoming, outgoing = min(in_vq.num, MAX_BUFFERS), min(out_vq.num, MAX_BUFFERS)
        size = (incoming + outgoing) * PAGE_SIZE
        self._memory: DmaBuffer | None = vdev.config.dma_alloc_coherent(vdev, size)
        self._da = self._memory.da
        self._idle = list(range(incoming, incoming + outgoing))
        #: ``port->inbuf``: page, how far it was read, how far it is filled.
        self._inbuf: tuple[int, int, int] | None = None
        self._in_lock = new_lock(LockClass.PORT_IN)
        self._out_lock = new_lock(LockClass.PORT_OUT)
        for page in range(incoming):
            in_vq.add_inbuf(self._da + page * PAGE_SIZE, PAGE_SIZE, page)
        in_vq.kick()

    def has_data(self) -> bool:
        """port_has_data()."""
        with self._in_lock:
            return self._get_inbuf() is not None

    def _get_inbuf(self) -> tuple[int, int, int] | None:
        if self._inbuf is None and self._memory is not None:
            used = self.in_vq.get_buf()
            if used is not None:
                length = min(used[1], PAGE_SIZE)
                self.bytes_received += length
                self._inbuf = used[0], 0, length
        return self._inbuf

    def fill_readbuf(self, count: int) -> bytes | None:
        """At most *count* bytes of the oldest buffer; None: there is none."""
        with self._in_lock:
            inbuf = self._get_inbuf()
            if inbuf is None or self._memory is None:
                return None
            page, offset, length = inbuf
            data = bytes(self._memory.va[page * PAGE_SIZE :][offset : min(length, offset + count)])
            self._inbuf = page, offset + len(data), length
            done = offset + len(data) == length
            if done:
                self._inbuf = None
                with suppress(OSError):  # the device is about to go
                    self.in_vq.add_inbuf(self._da + page * PAGE_SIZE, PAGE_SIZE, page)
        if done:
            self.in_vq.kick()
        return data

    def discard(self) -> None:
        """discard_port_data(): drop the input that was not read, but not later input."""
        for _ in range(MAX_BUFFERS):
            data = self.fill_readbuf(PAGE_SIZE)
            if data is None:
                return
            self.bytes_discarded += len(data)

    def room(self) -> int:
        """How many buffers may be sent."""
        with self._out_lock:
            self._reclaim()
            return len(self._idle)

    def idle(self) -> bool:
        """Whether the device has read all."""
        return self.room() == min(self.out_vq.num, MAX_BUFFERS)

    def _reclaim(self) -> None:
        """reclaim_consumed_buffers()."""
        while self._memory is not None and (used := self.out_vq.get_buf()) is not None:
            self._idle.append(used[0])

    def send(self, data: bytes) -> int:
        """__send_to_port() without the kick: how much of *data* fits a buffer; 0: there is none."""
        with self._out_lock:
            self._reclaim()
            if not self._idle or self._memory is None:
                return 0
            page, data = self._idle[-1], data[:PAGE_SIZE]
            self._memory.va[page * PAGE_SIZE :][: len(data)] = data
            try:
                self.out_vq.add_outbuf(self._da + page * PAGE_SIZE, len(data), page)
            except OSError:
                return 0  # the device is about to go
            self._idle.pop()
            self.bytes_sent += len(data)
            return len(data)

    def close(self) -> None:
        """Close the queues; once this returns, no thread touches the memory."""
        with self._in_lock, self._out_lock:
            memory, self._memory, self._inbuf = self._memory, None, None
        if memory is not None:
            self._vdev.config.dma_free_coherent(self._vdev, memory)


class ConsoleOps(HvOps):
    """``hv_ops``: one buffer at a time is on its way."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def get_chars(self, count: int) -> bytes | None:
        """What came in, which may be an empty buffer."""
        return self._port.buffers.fill_readbuf(count)

    def put_chars(self, data: bytes) -> int:
        """Nothing while a buffer is on its way."""
        buffers = self._port.buffers
        return buffers.send(data) if buffers.idle() else 0

    def kick(self) -> None:
        """The doorbell of the output queue."""
        self._port.buffers.out_vq.kick()

    def winsize(self) -> bytes | None:
        """resize_console(), from the config space, which is read each time.

        The kernel reads it when the device says that it changed. A remote processor
        cannot say so; there the size would never be known.
        """
        if not self._port.portdev.has_size:
            return None
        vdev = self._port.portdev.vdev
        cols, rows = _SIZE.unpack(vdev.config.get(vdev, 0, _SIZE.size))
        return struct.pack("=HHHH", rows, cols, 0, 0)


class Port(Device):
    """``struct port``: ``vportNpM``, which is a console or has a node to read and write."""

    def __init__(self, portdev: PortsDevice, number: int) -> None:
        """Fill the queues; ENOMEM."""
        vdev = portdev.vdev
        name = f"vport{vdev.index}p{number}"
        super().__init__(vdev.model, name, vdev, class_=portdev.driver.class_)
        self.portdev = portdev
        self.waitqueue = WaitQueue()
        self.guest_connected = self.host_connected = False
        self.unplugged = False
        self.hvc: HvcPort | None = None
        self._lock = new_lock(LockClass.CONSOLE_PORT)
        self.buffers = PortBuffers(vdev, *portdev.vqs[2 * number : 2 * number + 2])
        self.set_devnode((portdev.chr_major, number), self._open)

    def plug(self) -> None:
        """The second half of add_port(): a console, unless the device is for bytes only."""
        self.device_add()
        if self.portdev.is_rproc_serial:
            self.host_connected = True
        else:
            self.hvc = self.portdev.driver.hvc.hvc_alloc(ConsoleOps(self))
            self.guest_connected = True
        self.portdev.driver.debugfs.add(self.name, DebugfsFile(self._show, fresh=True))

    def unplug(self) -> None:
        """unplug_port(): hang up the open files and remove the node."""
        with self._lock:
            self.unplugged, self.guest_connected, self.host_connected = True, False, False
        self.waitqueue.wake_up()
        if self.hvc is not None:
            self.hvc.hvc_remove()
        self.buffers.close()
        self.portdev.driver.debugfs.remove(self.name)
        self.device_del()

    def in_intr(self, vq: VirtioVirtqueue) -> None:
        """Something came in."""
        del vq
        self.waitqueue.wake_up()
        if self.hvc is not None:
            self.hvc.unthrottle()

    def out_intr(self, vq: VirtioVirtqueue) -> None:
        """Something was read."""
        del vq
        self.waitqueue.wake_up()
        if self.hvc is not None:
            self.hvc.push()

    def _show(self) -> bytes:
        """port_debugfs_show()."""
        buffers = self.buffers
        lines = {
            "name": "",
            "guest_connected": int(self.guest_connected),
            "host_connected": int(self.host_connected),
            "outvq_full": int(not buffers.room()),
            "bytes_sent": buffers.bytes_sent,
            "bytes_received": buffers.bytes_received,
            "bytes_discarded": buffers.bytes_discarded,
            "is_console": "yes" if self.hvc else "no",
            "console_vtermno": self.hvc.index + 1 if self.hvc else 0,
        }
        return "".join(f"{key}: {value}\n" for key, value in lines.items()).encode()

    def _open(self, flags: int) -> Handle:
        """port_fops_open(): ENXIO for a console, EMFILE while it is open."""
        del flags
        with self._lock:
            if self.hvc is not None or self.unplugged:
                raise error(errno.ENXIO)
            if self.guest_connected:
                raise error(errno.EMFILE)
            self.guest_connected = True
        return PortHandle(self)

    def release(self) -> None:
        """port_fops_release(): what was not read is lost."""
        with self._lock:
            self.guest_connected = False
        self.buffers.discard()


class PortHandle(Handle):
    """An open port."""

    __slots__ = ("_port",)

    stream = True

    def __init__(self, port: Port) -> None:
        self._port = port
        if port.portdev.driver.owner is not None:
            port.portdev.driver.owner.get()

    @property
    def wait_queue(self) -> WaitQueue:
        """Woken by both queues, and when the port goes."""
        return self._port.waitqueue

    def read(self, size: int, offset: int) -> bytes:
        """port_fops_read(): what one buffer holds; ENODEV when the port is gone."""
        del offset
        if self._port.unplugged:
            raise error(errno.ENODEV)
        data = self._port.buffers.fill_readbuf(size) if size else b""
        if data is None:
            raise WouldBlock(self._port.waitqueue)
        return data

    def write(self, data: bytes, offset: int) -> int:
        """port_fops_write(): one buffer, so at most a page; waits for a free one. ENODEV."""
        del offset
        if self._port.unplugged:
            raise error(errno.ENODEV)
        sent = self._port.buffers.send(data) if data else 0
        if data and not sent:
            raise WouldBlock(self._port.waitqueue)
        self._port.buffers.out_vq.kick()
        return sent

    def poll(self) -> int:
        """port_fops_poll()."""
        if self._port.unplugged:
            return select.POLLHUP
        mask = select.POLLIN | select.POLLRDNORM if self._port.buffers.has_data() else 0
        return mask | (select.POLLOUT if self._port.buffers.room() else 0)

    def release(self) -> None:
        """The next one may open it."""
        self._port.release()
        owner = self._port.portdev.driver.owner
        if owner is not None:
            owner.put()
