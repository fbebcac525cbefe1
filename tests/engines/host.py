"""A minimal far side: an image on the Unicorn engine, and the host's half of rpmsg."""

import struct
import threading
import time
from pathlib import Path

from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.soc.vsoc import VSOC1

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "rprocfs" / "firmware"
SELFTESTS = ROOT / "tests" / "firmware"
SAFETY = 60  # seconds until a test that hangs fails
PT_LOAD, RSC_VDEV, DRIVER_OK, ANY = 1, 3, 4, 0xFFFF_FFFF
NUM, BUFFERS, BUFFER = 32, 0x2130_4000, 512


def segments(image):
    """(address, bytes) of each PT_LOAD."""
    offset, size, count = (
        *struct.unpack_from("<I", image, 28),
        *struct.unpack_from("<HH", image, 42),
    )
    for index in range(count):
        kind, at, _, da, length, _ = struct.unpack_from("<6I", image, offset + index * size)
        if kind == PT_LOAD:
            yield da, image[at : at + length]


def section(image, name):
    """The address of a section."""
    table, (size, count, names) = (
        struct.unpack_from("<I", image, 32)[0],
        struct.unpack_from("<3H", image, 46),
    )
    headers = [struct.unpack_from("<10I", image, table + index * size) for index in range(count)]
    for header in headers:
        start = headers[names][4] + header[0]
        if image[start : image.index(b"\0", start)].decode() == name:
            return header[3]
    return None


class Ring:
    """The driver's half of one split virtqueue, each descriptor with a buffer of its own."""

    def __init__(self, ram, da, buffers):
        self.ram, self.da, self.buffers = ram, da, buffers
        self.used = (da + 18 * NUM + 6 + 15) & ~15
        self.avail_idx = self.seen = 0

    def offer(self, head, length, flags=0):
        address = self.buffers + head * BUFFER
        self.ram.at(self.da + 16 * head, 16)[:] = struct.pack("<QIHH", address, length, flags, 0)
        self.publish(head)

    def publish(self, head):
        avail = self.da + 16 * NUM
        words = self.ram.at(avail, 4 + 2 * NUM).cast("H")
        words[2 + self.avail_idx % NUM] = head
        self.avail_idx = (self.avail_idx + 1) & 0xFFFF
        words[1] = self.avail_idx

    def done(self):
        """(head, length) of every buffer that came back."""
        while self.ram.at(self.used, 4).cast("H")[1] != self.seen:
            yield struct.unpack("<II", self.ram.at(self.used + 4 + 8 * (self.seen % NUM), 8))
            self.seen = (self.seen + 1) & 0xFFFF


class Host:
    """One processor that runs *image*; a context manager that leaves nothing behind."""

    def __init__(self, image, core="cortex-m3", engine=None, prepare=None, machine=VSOC1):
        self.image = Path(image).read_bytes()
        self.engine = engine or UnicornEngine()
        self.ram = SharedRam(machine.ram.da, machine.ram.size)
        loaded = []
        for da, data in segments(self.image):
            self.ram.at(da, len(data))[:] = data
            loaded.append(da)
        if prepare:
            prepare(self.ram)
        self.changed = threading.Condition()
        self.mailbox, self.deaths, self.messages = bytearray(), [], []
        self.rings = None
        self.worker = self.engine.spawn(
            machine,
            self.ram,
            machine.boot(core, 0, loaded),
            on_message=self.on_message,
            on_exit=self.on_exit,
            on_console=lambda data: self.notify(),
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.worker.stop()
        self.rings = None
        self.ram.close()

    def notify(self):
        with self.changed:
            self.changed.notify_all()

    def on_message(self, channel, payload):
        with self.changed:
            self.mailbox.append(channel)
            if self.rings:
                self.receive()
            self.changed.notify_all()

    def on_exit(self, death):
        with self.changed:
            self.deaths.append(death)
            self.changed.notify_all()

    def wait(self, condition):
        """Until *condition* holds; AssertionError after a time that is never needed."""
        with self.changed:
            assert self.changed.wait_for(condition, SAFETY), (self.trace, self.worker.console)

    def wait_trace(self, text):
        end = time.monotonic() + SAFETY
        while text not in self.trace:
            assert time.monotonic() < end, self.trace
            time.sleep(0.002)

    @property
    def trace(self):
        return bytes(self.ram.at(0x2110_0000, 0x1000)).split(b"\0")[0].decode()

    def start_rpmsg(self, status=DRIVER_OK):
        """What remoteproc/virtio does: addresses and ids into the table, buffers, status."""
        table = section(self.image, ".resource_table")
        _, num = struct.unpack_from("<II", self.ram.at(table, 8))
        offsets = struct.unpack_from(f"<{num}I", self.ram.at(table + 16, 4 * num))
        vdev = next(
            table + o for o in offsets if self.ram.at(table + o, 4).cast("I")[0] == RSC_VDEV
        )
        rings = []
        for index in range(2):
            vring = self.ram.at(vdev + 28 + 20 * index, 20).cast("I")
            if vring[0] == ANY:
                vring[0] = 0x2130_0000 + 0x1000 * index
            vring[3] = index
            rings.append(Ring(self.ram, vring[0], BUFFERS + index * NUM * BUFFER))
        for head in range(NUM):
            rings[0].offer(head, BUFFER, flags=2)
        self.rings, self.free = rings, list(range(NUM))
        self.ram.at(vdev + 16, 4).cast("I")[0] = 1
        self.ram.at(vdev + 24, 1)[0] = status
        self.worker.send(0)

    def receive(self):
        rx, tx = self.rings
        for head, length in rx.done():
            data = bytes(self.ram.at(rx.buffers + head * BUFFER, min(length, BUFFER)))
            src, dst, _, size, _ = struct.unpack_from("<IIIHH", data)
            self.messages.append((src, dst, data[16 : 16 + size]))
            rx.publish(head)
        self.free += [head for head, _ in tx.done()]

    def send(self, src, dst, data):
        """A message; waits for a free buffer."""
        self.wait(lambda: self.free or self.rings[1].seen != self._used())
        with self.changed:
            self.receive()
            head = self.free.pop(0)
            tx = self.rings[1]
            message = struct.pack("<IIIHH", src, dst, 0, len(data), 0) + data
            self.ram.at(tx.buffers + head * BUFFER, len(message))[:] = message
            tx.offer(head, BUFFER)
        self.worker.send(1)

    def _used(self):
        return self.ram.at(self.rings[1].used, 4).cast("H")[1]

    @property
    def services(self):
        return {
            data[:32].split(b"\0")[0].decode(): struct.unpack_from("<I", data, 32)[0]
            for _, dst, data in self.messages
            if dst == 53
        }

    def call(self, dst, data, src=0x400):
        """Send, and wait for one more message to *src*; its text."""
        before = len(self.replies(src))
        self.send(src, dst, data)
        self.wait(lambda: len(self.replies(src)) > before)
        return self.replies(src)[before][2]

    def replies(self, to):
        return [message for message in self.messages if message[1] == to]
