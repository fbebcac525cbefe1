"""client.py MOUNT SEED: one client of a board, which does anything that a user may do.

It ends when it is killed. What it is refused is the framework's right; what is wrong shows in
the daemon's log, in processes that cannot be killed, and in what is left at the end.
"""

import fcntl
import os
import random
import select
import signal
import struct
import sys
from contextlib import contextmanager
from pathlib import Path

IMAGES = [
    "echo.elf",
    "crash.elf",
    "rng.elf",
    "console.elf",
    "trace.elf",
    "missing.elf",
    "native.elf",
]
COMPATIBLES = ["rprocfs,sim", "rprocfs,cortex-m4", "rprocfs,cortex-m3", "acme,nothing"]
RPMSG_CREATE_EPT_IOCTL, RPMSG_CREATE_DEV_IOCTL, RPMSG_RELEASE_DEV_IOCTL = (
    0x4028B501, 0x4028B503, 0x4028B504,
)  # fmt: skip
RPMSG_DESTROY_EPT_IOCTL = 0xB502
PATIENCE = 0.3  # seconds until a wait is interrupted by a signal
#: Processors by configfs. All clients share the names, so what a killed one leaves is used again.
ITEMS = 16


class Interrupted(Exception):
    """The alarm rang."""


def alarm(_number, _frame):
    """A signal ends whatever waits."""
    raise Interrupted


@contextmanager
def patience():
    """No call inside takes longer, if signals interrupt it."""
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    except Interrupted:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Client:
    """The mount and the dice."""

    def __init__(self, mount, seed):
        self.mount = Path(mount)
        self.random = random.Random(seed)
        self.name = f"c{seed & 0xFFFF:x}"
        self.kept = []

    def pick(self, pattern):
        """Any path that matches; OSError if there is none."""
        found = list(self.mount.glob(pattern))
        if not found:
            raise FileNotFoundError(pattern)
        return self.random.choice(found)

    def write(self, path, text):
        """One write, as echo makes one."""
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, text if isinstance(text, bytes) else text.encode())
        finally:
            os.close(fd)

    def read(self, path, flags=os.O_NONBLOCK):
        """What can be read of it."""
        fd = os.open(path, os.O_RDONLY | flags)
        try:
            return os.read(fd, self.random.choice([1, 100, 65536]))
        finally:
            os.close(fd)

    # What it does.

    def state(self):
        """Start, stop, detach."""
        word = self.random.choice(["start", "start", "start", "stop", "stop", "detach", "nonsense"])
        self.write(self.pick("sys/class/remoteproc/*/state"), word)

    def firmware(self):
        """Another image."""
        self.write(self.pick("sys/class/remoteproc/*/firmware"), self.random.choice(IMAGES))

    def crash(self):
        """A crash that is only said."""
        self.write(self.pick("sys/kernel/debug/remoteproc/*/crash"), str(self.random.randrange(4)))

    def settings(self):
        """Recovery and dumps."""
        name, words = self.random.choice([
            ("recovery", ["enabled", "disabled", "recover"]),
            ("coredump", ["disabled", "enabled", "inline"]),
        ])  # fmt: skip
        self.write(self.pick(f"sys/class/remoteproc/*/{name}"), self.random.choice(words))

    def dump(self):
        """Read a dump, dismiss it, or leave it."""
        data = self.pick("sys/class/devcoredump/devcd*/data")
        self.read(data)
        if self.random.random() < 0.8:
            self.write(data, "1")

    def bind(self):
        """Bind or unbind a driver and a device of its bus."""
        bus = self.random.choice(["platform", "virtio", "rpmsg"])
        verb = self.random.choice(["bind", "bind", "unbind"])
        device = self.pick(f"sys/bus/{bus}/devices/*").name
        self.write(self.pick(f"sys/bus/{bus}/drivers/*/{verb}"), device)

    def configfs(self):
        """A processor comes and goes."""
        name = f"c{self.random.randrange(ITEMS)}"
        item = self.mount / "sys/kernel/config/remoteproc" / name
        step = self.random.randrange(5)
        if step == 0:
            item.mkdir()
            self.write(item / "compatible", self.random.choice(COMPATIBLES))
        elif step < 3:
            self.write(item / "live", "1")
        elif step == 3:
            self.write(item / "live", "0")
        else:
            item.rmdir()

    def control(self):
        """Endpoints and channels by ioctl."""
        address = self.random.choice([1024, 1025, 0xFFFFFFFF, self.random.randrange(2048)])
        info = struct.pack(
            "<32sII", self.name.encode(), self.random.choice([0xFFFFFFFF, 1500]), address
        )
        command = self.random.choice(
            [RPMSG_CREATE_EPT_IOCTL, RPMSG_CREATE_DEV_IOCTL, RPMSG_RELEASE_DEV_IOCTL]
        )
        fd = os.open(self.pick("dev/rpmsg_ctrl*"), os.O_RDWR)
        try:
            fcntl.ioctl(fd, command, info)
        finally:
            os.close(fd)

    def endpoint(self):
        """Talk to whatever has a node."""
        pattern = self.random.choice(
            [
                "dev/rpmsg[0-9]*",
                "dev/ttyRPMSG*",
                "dev/hvc*",
                "dev/hwrng",
                "sys/bus/rpmsg/devices/*/endpoint",
            ]
        )
        fd = os.open(self.pick(pattern), os.O_RDWR | self.random.choice([0, os.O_NONBLOCK]))
        try:
            for _ in range(self.random.randrange(1, 6)):
                os.write(fd, self.random.randbytes(self.random.choice([1, 16, 496, 497])))
            select.select([fd], [], [], 0.05)
            os.read(fd, 512)
            if self.random.random() < 0.2:
                fcntl.ioctl(fd, RPMSG_DESTROY_EPT_IOCTL)
        finally:
            self.keep(fd)

    def keep(self, fd):
        """Some stay open for a while."""
        self.kept.append(fd)
        while len(self.kept) > self.random.randrange(6):
            os.close(self.kept.pop(self.random.randrange(len(self.kept))))

    def hold(self):
        """dev/remoteprocN: a start that ends with the file."""
        fd = os.open(self.pick("dev/remoteproc[0-9]*"), os.O_RDWR)
        try:
            os.write(fd, self.random.choice([b"start", b"stop"]))
        finally:
            self.keep(fd)

    def poll(self):
        """epoll on anything."""
        fds = [os.open(self.anything(), os.O_RDONLY | os.O_NONBLOCK) for _ in range(3)]
        try:
            with select.epoll() as epoll:
                for fd in fds:
                    epoll.register(fd, select.EPOLLIN | select.EPOLLPRI)
                epoll.poll(0.02)
        finally:
            for fd in fds:
                os.close(fd)

    def anything(self):
        """Any file, by a walk of one's own."""
        here = self.mount
        for _ in range(9):
            entries = [entry for entry in os.scandir(here) if not entry.name.startswith(".")]
            if not entries:
                break
            entry = self.random.choice(entries)
            here = here / entry.name
            if not entry.is_dir():
                return here
        raise FileNotFoundError(here)

    def look(self):
        """Read any file."""
        path = self.anything()
        path.stat()
        self.read(path)

    def nonsense(self):
        """Any ioctl on, and any write to, any file; not what ends dumps or images for good."""
        path = self.anything()
        if path.name in ("disabled", "live") or "firmware" in path.parts[-2:]:
            return
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            os.write(fd, self.random.randbytes(self.random.randrange(1, 30)))
            # The number says how many bytes come back: no more than there is room for.
            fcntl.ioctl(fd, self.random.randrange(1 << 32) & ~0x3FC00000, bytes(64))
        finally:
            os.close(fd)

    def simulated(self):
        """What a simulated processor can be told."""
        self.write(self.pick("sys/kernel/debug/rproc_sim/*/ctl"), self.random.choice([
            "crash 1", "hold 1", "hold 0", "ns create chaos 0x500", "ns destroy chaos 0x500",
            "flood 0x400 0x400 20", "send 0x400 0x35 nonsense", "fail_start 5", "fail_start 0",
            "fail_stop 5", "fail_stop 0", "delay_start 20", "delay_start 0",
        ]))  # fmt: skip

    def once(self):
        """One thing, done or refused."""
        doings = [
            self.state, self.state, self.firmware, self.crash, self.settings, self.dump, self.bind,
            self.configfs, self.configfs, self.control, self.endpoint, self.endpoint, self.hold,
            self.poll, self.look, self.nonsense, self.simulated,
        ]  # fmt: skip
        with patience():
            try:
                self.random.choice(doings)()
            except (OSError, ValueError, OverflowError):
                return


def main():
    """Until it is killed; a byte on stdout for each hundred things."""
    client, count = Client(sys.argv[1], int(sys.argv[2])), 0
    signal.signal(signal.SIGALRM, alarm)
    while True:
        try:
            client.once()
        except Interrupted:  # the alarm rang between two calls
            continue
        count += 1
        if not count % 100:
            os.write(1, b".")


if __name__ == "__main__":
    main()
