"""A virtio transport in memory with an rpmsg remote at its far end, for the tests here.

The remote's doorbells run on a thread of their own, as a transport's do; `settle` waits
until everything that was rung for is done.
"""

import errno
import os

from rprocfs.base.device import Device
from rprocfs.base.dma import SystemPool
from rprocfs.base.model import DriverModel
from rprocfs.base.module import Modules
from rprocfs.base.workqueue import Workqueue
from rprocfs.kernel import DEFAULT
from rprocfs.rpmsg import Rpmsg
from rprocfs.rpmsg.hdr import VIRTIO_RPMSG_F_NS
from rprocfs.rpmsg.remote import RpmsgRemote
from rprocfs.system import find_module
from rprocfs.testing.userspace import Userspace
from rprocfs.virtio.device_ring import DeviceQueue
from rprocfs.virtio.ring import Vring, vring_size
from rprocfs.virtio.virtio import VirtioBus, VirtioConfigOps, VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue

ALIGN = 16


class MemoryTransport(VirtioConfigOps):
    """Status, features and rings in Python objects."""

    def __init__(self, features=1 << VIRTIO_RPMSG_F_NS, num=16, vqs=2):
        self.status = 0
        self.offered = features
        self.guest_features = 0
        self.num = num
        self.max_vqs = vqs
        self.rings = []
        self.vqs = []
        self.pool = SystemPool(0x40000000, 1 << 24)
        self.buffers = []
        self.kicked = lambda index: None

    def get(self, vdev, offset, length):
        return bytes(length)

    def set(self, vdev, offset, data):
        pass

    def get_status(self, vdev):
        return self.status

    def set_status(self, vdev, status):
        assert status
        self.status = status

    def reset(self, vdev):
        self.status = 0

    def get_features(self, vdev):
        return self.offered

    def finalize_features(self, vdev):
        self.guest_features = vdev.features

    def find_vqs(self, vdev, infos):
        if len(infos) > self.max_vqs:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        self.rings, self.vqs = [], []
        for index, info in enumerate(infos):
            memory = memoryview(bytearray(vring_size(self.num, ALIGN)))
            self.rings.append(Vring(memory, self.num, ALIGN))
            notify = self._notify(index)
            self.vqs.append(VirtioVirtqueue(vdev, index, info, memory, self.num, ALIGN, notify))
        return self.vqs

    def _notify(self, index):
        return lambda: self.kicked(index)

    def del_vqs(self, vdev):
        self.vqs = []

    def dma_alloc_coherent(self, vdev, size):
        self.buffers.append(self.pool.alloc(size))
        return self.buffers[-1]

    def dma_free_coherent(self, vdev, buffer):
        self.buffers.remove(buffer)
        self.pool.free(buffer)

    def translate(self, da, size):
        for buffer in self.buffers:
            start = da - buffer.da
            if 0 <= start <= buffer.size - size:
                return buffer.va[start : start + size]
        return None


class RpmsgSystem:
    """A model with rpmsg in it, one virtio device and the remote behind it, which echoes.

    `beside` another one: a further device on that one's bus.
    """

    def __init__(self, *services, beside=None, **options):
        if beside is not None:
            self._join(beside)
        else:
            self._build(options)
        self.shell = Userspace(self.model.tree)
        self.services = services
        self.transport = MemoryTransport(**options)
        self.irq = Workqueue("irq")
        self.echo, self.hold = True, False
        self.received = []
        self.vdev = None
        self.handles = []

    def _join(self, other):
        self.model, self.events, self.parent = other.model, other.events, other.parent
        self.virtio_bus, self.rpmsg = other.virtio_bus, other.rpmsg

    def _build(self, options):
        version, strict = options.pop("version", DEFAULT), options.pop("strict", False)
        self.model = DriverModel(version, strict=strict)
        self.events = []
        self.model.uevent_listeners.append(
            lambda action, path, env: self.events.append(f"{action}@{path.rpartition('/')[2]}")
        )
        self.virtio_bus = VirtioBus(self.model)
        self.rpmsg = Rpmsg(self.model, self.virtio_bus)
        for module in options.pop("modules", ()):
            Modules(self.model, [self.rpmsg.bus], find_module, {}).load(module)
        self.parent = Device(self.model, "soc")
        self.parent.device_add()

    # The processor.

    def start(self):
        """Bring the virtio device up, let the firmware announce its services."""
        self.transport.kicked = self._kicked
        self.vdev = VirtioDevice(self.virtio_bus, self.parent, self.transport, 7)
        self.vdev.register_virtio_device()
        self.boot()
        return self

    def boot(self):
        """The firmware begins: it looks at the rings from their start."""
        tx, rx = (DeviceQueue(ring) for ring in self.transport.rings)
        self.remote = RpmsgRemote(tx, rx, self.transport.translate)
        for name, addr in self.services:
            self.announce(name, addr)

    def stop(self):
        vdev, self.vdev = self.vdev, None
        if vdev is not None:
            vdev.unregister_virtio_device()
        self.irq.flush()

    def close(self):
        self.stop()
        for handle in self.handles:
            handle.release()
        self.irq.destroy()

    def _kicked(self, index):
        if index == 1:
            self.irq.queue_work(self.consume)

    def consume(self):
        """What the firmware does with its doorbell."""
        if self.hold or not self.transport.vqs:
            return
        for message in self.remote.messages():
            self.received.append(message)
            if self.echo and message.ns is None:
                self.remote.send(message.dst, message.src, message.data)
                self.ring(0)
        if self.remote.rx.needs_interrupt():
            self.ring(1)

    def ring(self, index):
        """The host's doorbell of one queue."""
        if self.transport.vqs:
            self.transport.vqs[index].vring_interrupt()

    def interrupt(self, index=0):
        """The same on the interrupt thread, until all is done."""
        self.irq.queue_work(lambda: self.ring(index))
        self.settle()

    def release(self):
        """Read on after a hold."""
        self.hold = False
        self.irq.queue_work(self.consume)
        self.settle()

    def send(self, src, dst, data):
        self.remote.send(src, dst, data)
        self.interrupt()

    def announce(self, name, addr):
        self.remote.announce(name, addr)
        self.interrupt()

    def withdraw(self, name, addr):
        self.remote.withdraw(name, addr)
        self.interrupt()

    def settle(self):
        """Until the interrupt thread and the link's work queue are idle."""
        for _ in range(3):
            self.irq.flush()
            vrp = self.vdev.driver_data if self.vdev is not None else None
            if vrp is not None:
                vrp.rx.flush()

    # Userspace.

    def open(self, path, flags=os.O_RDWR):
        handle = self.shell.open(path, flags)
        self.handles.append(handle)
        return handle

    def write(self, handle, data):
        """write(2), and everything that comes of it."""
        count = handle.write(data, 0)
        self.settle()
        return count

    def devices(self):
        return self.shell.ls("/sys/bus/rpmsg/devices")

    def channel(self, name):
        return self.rpmsg.bus.find_device_by_name(name)

    def klog(self):
        """The log since the last call."""
        texts = [record.text for record in self.model.kmsg.records()]
        self.model.kmsg.clear()
        return texts


def code(call, *args):
    """The errno that a call fails with; 0 when it does not."""
    try:
        call(*args)
    except OSError as failure:
        return failure.errno
    return 0
