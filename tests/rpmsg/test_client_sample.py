"""The kernel's sample driver."""

import errno

import pytest

from tests.rpmsg.link import RpmsgSystem, code

NAME = "rpmsg-client-sample"
DRIVER = "/sys/bus/rpmsg/drivers/rpmsg_client_sample"
COUNT = "/sys/module/rpmsg_client_sample/parameters/count"


@pytest.fixture
def one():
    one = RpmsgSystem(modules=["rpmsg_client_sample"])
    one.start()
    yield one
    one.close()


def of(one, channel):
    """What the driver said in the name of a channel."""
    prefix = f"rpmsg_client_sample virtio0.{NAME}.-1.{channel}: "
    return [text.removeprefix(prefix) for text in one.klog() if text.startswith(prefix)]


def settle(one, count):
    """Until *count* messages were answered."""
    for _ in range(1000):
        one.settle()
        if len(one.received) >= count:
            break
    one.settle()


def test_a_hundred_messages(one):
    one.announce(NAME, 51)
    settle(one, 100)
    assert [message.data for message in one.received] == [b"hello world!"] * 100
    incoming = [f"incoming msg {number} (src: 0x33)" for number in range(1, 101)]
    assert of(one, 51) == ["new channel: 0x400 -> 0x33!", *incoming, "goodbye!"]
    one.shell.echo(f"{DRIVER}/unbind", f"virtio0.{NAME}.-1.51")
    assert of(one, 51) == ["rpmsg sample client driver is removed"]


def test_each_channel_counts_for_itself(one):
    one.shell.echo(COUNT, "2\n")
    one.announce(NAME, 51)
    one.announce(NAME, 52)
    settle(one, 4)
    log = one.klog()
    for source in (51, 52):
        lines = [text.split(": ", 1)[1] for text in log if f".-1.{source}: " in text]
        assert lines[1:] == [
            f"incoming msg 1 (src: {source:#x})", f"incoming msg 2 (src: {source:#x})", "goodbye!",
        ]  # fmt: skip


def test_it_goes_on_saying_goodbye(one):
    one.shell.echo(COUNT, "1\n")
    one.announce(NAME, 51)
    settle(one, 1)
    one.klog()
    one.send(51, 1024, b"more")
    assert of(one, 51) == ["incoming msg 2 (src: 0x33)", "goodbye!"]


def test_a_remote_that_is_gone(one):
    one.announce(NAME, 51)
    settle(one, 100)
    one.stop()
    assert of(one, 51)[-1] == "rpmsg sample client driver is removed"


def test_parameters(one):
    assert one.shell.cat(COUNT) == "100\n"
    assert code(one.shell.echo, COUNT, "x") == errno.EINVAL
    assert one.shell.lookup(f"{DRIVER}/module").name == "rpmsg_client_sample"
