"""The remote side of ``rprocfs,sim``: a model of firmware, in this process.

It lives on a thread of its own, but answers a request at the end of that request, on the
thread that served it, if nobody is in the way. It announces the services it is told to at the first
kick after DRIVER_OK, logs what it receives, and echoes it; it can be told to hold
messages, to send, to flood, and to write memory. Whatever the image that was loaded
is, none of it is executed.
"""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from rprocfs.base.workqueue import Workqueue
from rprocfs.drivers.sim.vdev import VIRTIO_ID_RPMSG, SimVdev, find_vdevs
from rprocfs.fs.kernfs import error
from rprocfs.lib import softirq
from rprocfs.locking import LockClass, new_rlock
from rprocfs.remoteproc.rproc import rproc_da_to_va
from rprocfs.remoteproc.virtio import rproc_vdevs
from rprocfs.rpmsg.hdr import RPMSG_NS_CREATE, RPMSG_NS_DESTROY

if TYPE_CHECKING:
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.remoteproc.rsc_table import FwRscVdev
    from rprocfs.rpmsg.remote import Message

DRIVER_OK = 4
#: Bytes of log that are kept.
LOG_SIZE = 65536
#: How long the first announcement waits for the host, at most.
BOOT_TIME = 0.05
#: Seconds that the writer of ``state`` waits at most for the first announcements.
SETTLE = 0.1
#: Bytes of a message that are logged.
LOG_TEXT = 64


class SimRemote:
    """The firmware's part. All methods may be called from any thread."""

    def __init__(self, rproc: Rproc, services: str = "") -> None:
        self.rproc = rproc
        self.services = services
        self.echo = True
        self.on = False
        self.dead = False
        self.starts = self.stops = 0
        self.log = b""
        self._hold = False
        self._lock = new_rlock(LockClass.SIM)
        self._wq = Workqueue(f"{rproc.label}-remote", LockClass.SIM_WORK)
        self._queued = False
        self._vdevs: dict[int, SimVdev] = {}
        #: What was found in the table, and what it held then.
        self._parsed: tuple[memoryview | None, bytes, list[FwRscVdev]] = None, b"", []

    @property
    def silent(self) -> bool:
        """Whether the host wants no interrupts for the messages that were read."""
        with self._lock:
            return any(vdev.link.rx.silenced for vdev in self._vdevs.values())

    # Power and doorbell.

    def power(self, *, on: bool) -> None:
        """The processor starts, or stops: then nothing of it runs on."""
        with self._lock:
            self.on = on
            self.dead = False
            self._vdevs.clear()
            self._parsed = None, b"", []
        if not on:
            self._wq.flush()

    def kick(self) -> None:
        """The host's doorbell: look at all rings, soon."""
        if not self._queued:
            self._queued = True
            if not softirq.schedule(self._at_once):
                self._wq.queue_work(self._work)

    def settle(self) -> None:
        """Wait for the first announcements; the thread answers within a millisecond."""
        self._wq.flush(SETTLE)
        for rvdev in rproc_vdevs(self.rproc):
            vdev = rvdev.vdev
            if vdev is not None and vdev.driver is not None:
                vdev.driver.flush(vdev, SETTLE)

    def destroy(self) -> None:
        """End for good."""
        self.power(on=False)
        self._wq.destroy()

    @property
    def hold(self) -> bool:
        """Whether the host's messages are left in the ring."""
        return self._hold

    @hold.setter
    def hold(self, hold: bool) -> None:
        self._hold = hold
        self.kick()

    # What it sends.

    def send(self, src: int, dst: int, data: bytes, vdev: int = 0) -> None:
        """One message. ENOTCONN without a driver, ENOSPC without a buffer, EMSGSIZE."""
        with self._lock:
            remote = self._connect(vdev)
            remote.link.send(src, dst, data)
            remote.interrupt()

    def ns(self, name: str, addr: int, *, destroy: bool = False, vdev: int = 0) -> None:
        """Announce a service, or that it is gone; errors as :meth:`send`."""
        with self._lock:
            remote = self._connect(vdev)
            (remote.link.withdraw if destroy else remote.link.announce)(name, addr)
            remote.interrupt()

    def write(self, da: int, data: bytes) -> None:
        """Write the processor's memory; EFAULT if it has none."""
        va = rproc_da_to_va(self.rproc, da, len(data))
        if va is None:
            raise error(errno.EFAULT)
        va[:] = data

    def clear_log(self) -> None:
        """Forget what was received."""
        with self._lock:
            self.log = b""

    # What it does by itself.

    def _at_once(self) -> None:
        """On a thread that must not wait for anybody."""
        if self.rproc.lock.locked() or not self._lock.acquire(blocking=False):
            self._wq.queue_work(self._work)
            return
        try:
            self._look()
        finally:
            self._lock.release()

    def _work(self) -> None:
        self._wait_for_boot()
        with self._lock:
            self._look()

    def _look(self) -> None:
        self._queued = False
        for number, rsc in enumerate(self._rpmsg_vdevs()):
            if not self.on or self.dead:
                return
            if not rsc.status & DRIVER_OK:
                self._vdevs.pop(number, None)
            elif rsc.id == VIRTIO_ID_RPMSG:
                self._serve(number, rsc)

    def _wait_for_boot(self) -> None:
        """Real firmware is still starting while the host ends its boot; a loaded host is slow."""
        deadline = time.monotonic() + BOOT_TIME
        while self.on and self.rproc.lock.locked() and time.monotonic() < deadline:
            time.sleep(0.0005)

    def _serve(self, number: int, rsc: FwRscVdev) -> None:
        known = self._vdevs.get(number)
        if known is not None and known.was_reset():
            known = None
        if known is None:
            try:
                known = self._vdevs[number] = SimVdev(self.rproc, rsc)
            except OSError:
                return  # rings that cannot be: nobody to talk to
            self._note(f"vdev{number} driver ok, features {rsc.gfeatures:#x}")
            self._announce(known)
        if not self._hold:
            self._consume(known)
        known.interrupt()

    def _consume(self, vdev: SimVdev) -> None:
        if vdev.unanswered is not None and not vdev.echo(vdev.unanswered):
            return
        while vdev.unanswered is None and (message := vdev.link.receive()) is not None:
            self._receive(vdev, message)

    def _announce(self, vdev: SimVdev) -> None:
        for service in self.services.split():
            name, at, addr = service.rpartition("@")
            try:
                if at:
                    vdev.link.announce(name, int(addr, 0))
            except (OSError, ValueError):
                continue  # no room, or no number: as firmware would, go on

    def _receive(self, vdev: SimVdev, message: Message) -> None:
        ns = message.ns
        if ns is not None:
            words = {RPMSG_NS_CREATE: "create", RPMSG_NS_DESTROY: "destroy"}
            verb = words[ns.flags & 1]
            self._note(f"ns src={message.src:#x} {verb} {ns.name} addr={ns.addr:#x}")
            return
        if len(self.log) < LOG_SIZE:
            text = _printable(message.data[:LOG_TEXT])
            self._note(
                f"msg src={message.src:#x} dst={message.dst:#x} len={len(message.data)} "
                f"flags={message.flags:#x} {text}"
            )
        if self.echo:
            vdev.echo(message)

    def _connect(self, number: int) -> SimVdev:
        """The vdev whose driver is ready; ENOTCONN."""
        vdevs = self._rpmsg_vdevs()
        if number >= len(vdevs) or not vdevs[number].status & DRIVER_OK:
            raise error(errno.ENOTCONN)
        known = self._vdevs.get(number)
        if known is None or known.was_reset():
            known = self._vdevs[number] = SimVdev(self.rproc, vdevs[number])
        return known

    def _rpmsg_vdevs(self) -> list[FwRscVdev]:
        table = self.rproc.table
        if table is None:
            return []
        known, content = self._parsed, bytes(table)
        if known[0] is table and known[1] == content:
            return known[2]
        found = find_vdevs(table)
        if self.on:  # without power nothing is kept of memory that may go
            self._parsed = table, content, found
        return found

    def _note(self, line: str) -> None:
        if len(self.log) < LOG_SIZE:
            encoded = line.encode("utf-8", "surrogateescape") + b"\n"
            self.log = (self.log + encoded)[:LOG_SIZE]


def _printable(data: bytes) -> str:
    """ASCII as it is, everything else (and the backslash) as ``\\xHH``."""
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in data
    )
