"""Exchange messages of every size with a firmware that echoes, checked byte by byte.

Written against linux/rpmsg.h, for any Linux: rpmsg_stress.py COUNT DESTINATION poll|epoll
"""

import errno
import fcntl
import os
import random
import select
import struct
import sys
from pathlib import Path

# linux/rpmsg.h
RPMSG_ADDR_ANY = 0xFFFFFFFF
RPMSG_CREATE_EPT_IOCTL = 0x4028B501  # _IOW(0xb5, 0x1, struct rpmsg_endpoint_info)
RPMSG_DESTROY_EPT_IOCTL = 0x0000B502  # _IO(0xb5, 0x2)

MTU = 496
WINDOW = 16
PATIENCE = 10


def message(number):
    return random.Random(number).randbytes(1 + number % MTU)


def create_endpoint(name, destination):
    ctrl = os.open("/dev/rpmsg_ctrl0", os.O_RDWR)
    info = struct.pack("<32sII", name.encode(), RPMSG_ADDR_ANY, destination)
    fcntl.ioctl(ctrl, RPMSG_CREATE_EPT_IOCTL, info)
    os.close(ctrl)
    for device in Path("/sys/class/rpmsg").iterdir():
        file = device / "name"
        if file.exists() and file.read_text() == f"{name}\n":
            return os.open(f"/dev/{device.name}", os.O_RDWR | os.O_NONBLOCK)
    sys.exit("no endpoint")


class Poll:
    def __init__(self, fd):
        self.fd = fd
        self.poll = select.poll()
        self.poll.register(fd, select.POLLIN)

    def wait(self):
        return dict(self.poll.poll(PATIENCE * 1000)).get(self.fd, 0)


class Epoll:
    """Edge-triggered: whoever reads until EAGAIN misses nothing."""

    def __init__(self, fd):
        self.epoll = select.epoll()
        self.epoll.register(fd, select.EPOLLIN | select.EPOLLET)

    def wait(self):
        events = self.epoll.poll(PATIENCE)
        return events[0][1] if events else 0


def main():
    count, destination = int(sys.argv[1]), int(sys.argv[2], 0)
    fd = create_endpoint("stress", destination)
    waiter = {"poll": Poll, "epoll": Epoll}[sys.argv[3]](fd)
    sent = received = 0
    while received < count:
        while sent < count and sent - received < WINDOW:
            try:
                os.write(fd, message(sent))
            except BlockingIOError:
                break
            sent += 1
        ready = waiter.wait()
        if not ready:
            sys.exit(f"silence: sent {sent}, received {received}")
        if ready & (select.POLLERR | select.POLLHUP):
            sys.exit(f"gone: {ready:#x}")
        while received < sent:
            try:
                data = os.read(fd, 512)
            except BlockingIOError:
                break
            if data != message(received):
                sys.exit(f"message {received} is wrong ({len(data)} bytes)")
            received += 1
    try:
        os.read(fd, 512)
        sys.exit("more than was sent")
    except OSError as failure:
        assert failure.errno == errno.EAGAIN
    fcntl.ioctl(fd, RPMSG_DESTROY_EPT_IOCTL)
    os.close(fd)
    print(f"{received} messages")


main()
