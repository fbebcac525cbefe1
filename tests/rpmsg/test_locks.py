"""Both inversions that there were, put back: the validator finds them, though nothing hangs."""

import pytest

from rprocfs import locking
from rprocfs.locking.lockdep import Validator
from rprocfs.rpmsg.core import ChannelInfo
from rprocfs.rpmsg.ctrl import RpmsgCtrldev
from rprocfs.rpmsg.endpoint import RpmsgEndpoint
from rprocfs.rpmsg.hdr import RPMSG_NS_ADDR, RPMSG_NS_DESTROY, RpmsgNsMsg
from tests.rpmsg.link import RpmsgSystem

CHANNEL = "virtio0.rpmsg-raw.-1.1024"
UNBIND = "/sys/bus/rpmsg/drivers/rpmsg_chrdev/unbind"


@pytest.fixture
def validator(monkeypatch):
    """One that knows nothing yet, of the locks that are made from here on."""
    validator = Validator()
    monkeypatch.setattr(locking, "VALIDATOR", validator)
    return validator


@pytest.fixture
def one(validator):
    system = RpmsgSystem(("rpmsg-raw", 1024), ("rpmsg-raw", 1025))
    system.start()
    yield system
    system.stop()
    system.close()


def _withdraw(one):
    message = RpmsgNsMsg("rpmsg-raw", 1025, RPMSG_NS_DESTROY).pack()
    one.send(1025, RPMSG_NS_ADDR, message)


def _control(one):
    ((name, _),) = [(name, 0) for name in one.shell.ls("/dev") if "ctrl" in name]
    return one.shell.open(f"/dev/{name}")._ctrldev


def test_neither_is_there(one, validator):
    one.shell.echo(UNBIND, CHANNEL)
    _withdraw(one)
    control = _control(one)
    control.create_dev(ChannelInfo("mine", 1500, 1501))
    control.release_dev(ChannelInfo("mine", 1500, 1501))
    assert validator.take_reports() == []


def test_a_channel_that_is_released_under_cb_lock(one, validator, monkeypatch):
    """As the callback of the name service did it, while another thread unbinds."""

    def receive(self, data, src):
        with self.cb_lock:
            deferred = self.cb(self.rpdev, data, self.priv, src)
            if deferred is not None:
                deferred()

    one.shell.echo(UNBIND, CHANNEL)
    assert validator.take_reports() == []
    monkeypatch.setattr(RpmsgEndpoint, "receive", receive)
    _withdraw(one)
    text = "\n".join(validator.take_reports())
    assert "device.mutex/rpmsg is taken under ept.cb_lock" in text
    assert "but ept.cb_lock was taken under device.mutex/rpmsg" in text
    assert "release_channel" in text
    assert "destroy_ept" in text


def test_a_channel_that_is_made_under_ctrl_lock(one, validator, monkeypatch):
    """As the ioctl did it, while another thread unbinds the control device."""
    create = RpmsgCtrldev.create_dev

    def create_dev(self, chinfo):
        with self.ctrl_lock:
            create(self, chinfo)

    monkeypatch.setattr(RpmsgCtrldev, "create_dev", create_dev)
    control = _control(one)
    one.shell.echo("/sys/bus/rpmsg/drivers/rpmsg_ctrl/unbind", "virtio0.rpmsg_ctrl.0.0")
    assert validator.take_reports() == []
    control.create_dev(ChannelInfo("mine", 1500, 1501))
    text = "\n".join(validator.take_reports())
    assert "vrp.channels_lock is taken under ctrldev.ctrl_lock" in text
    assert "but device.mutex/rpmsg was taken under vrp.channels_lock" in text
    assert "but ctrldev.ctrl_lock was taken under device.mutex/rpmsg" in text
