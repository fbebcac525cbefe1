"""A virtio device on a transport in memory, whose end of the rings the test has in its hands."""

from rprocfs.base.device import Device
from rprocfs.system import System
from rprocfs.testing.userspace import Userspace
from rprocfs.virtio.device_ring import DeviceQueue
from rprocfs.virtio.virtio import VirtioDevice
from tests.rpmsg.link import MemoryTransport


class ConfigTransport(MemoryTransport):
    """One with a config space, which answers beyond its end as remoteproc does."""

    def __init__(self, config=b"", **options):
        super().__init__(**options)
        self.config = bytearray(config)

    def get(self, vdev, offset, length):
        if offset + length > len(self.config):
            vdev.err("access out of bounds")
            return bytes(length)
        return bytes(self.config[offset : offset + length])


class VirtioSystem:
    """A system with modules and, once started, one device of *kind*."""

    def __init__(self, kind, *modules, strict=True, system=None, **transport):
        self.system = system or System(strict=strict, modules=modules)
        self.model, self.kind = self.system.model, kind
        self.shell = Userspace(self.system.tree)
        self.transport = ConfigTransport(**transport)
        self.parent = Device(self.model, f"soc{id(self)}")
        self.parent.device_add()
        self.vdev = None
        self.handles = []

    def start(self):
        self.vdev = VirtioDevice(self.system.virtio, self.parent, self.transport, self.kind)
        self.vdev.register_virtio_device()
        self.boot()
        return self

    def boot(self):
        """The device looks at the rings from their start."""
        self.queues = [DeviceQueue(ring) for ring in self.transport.rings]

    def stop(self):
        vdev, self.vdev = self.vdev, None
        if vdev is not None:
            vdev.unregister_virtio_device()

    def close(self):
        self.stop()
        for handle in self.handles:
            handle.release()
        self.system.close()

    def unbind(self):
        driver = self.vdev.driver.name
        self.shell.echo(f"/sys/bus/virtio/drivers/{driver}/unbind", self.vdev.name)
        return lambda: self.shell.echo(f"/sys/bus/virtio/drivers/{driver}/bind", self.vdev.name)

    def open(self, path, flags=2):
        self.handles.append(self.shell.open(path, flags))
        return self.handles[-1]

    def ring(self, index):
        """The doorbell of one queue."""
        self.transport.vqs[index].vring_interrupt()

    def put(self, data, length=None):
        """Fill the next buffer of the host's, claiming *length* bytes."""
        chain = self.queues[0].pop()
        (desc,) = chain.descs
        assert desc.writable
        self.transport.translate(desc.addr, desc.len)[: len(data)] = data
        self.queues[0].push(chain.head, len(data) if length is None else length)
        self.ring(0)

    def take(self):
        """Read the buffers that the host sent, and give them back."""
        texts = []
        while (chain := self.queues[1].pop()) is not None:
            (desc,) = chain.descs
            assert not desc.writable
            texts.append(bytes(self.transport.translate(desc.addr, desc.len)))
            self.queues[1].push(chain.head, 0)
        if texts:
            self.ring(1)
        return texts

    def klog(self):
        """The log since the last call."""
        texts = [record.text for record in self.model.kmsg.records()]
        self.model.kmsg.clear()
        return texts
