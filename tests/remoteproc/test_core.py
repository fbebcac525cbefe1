"""The life of a processor, against a model of what Linux was seen to do."""

import errno
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.fs.wait import Task
from rprocfs.remoteproc.recovery import rproc_report_crash
from rprocfs.system import System
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace
from tests.examples import examples

R0 = "/sys/class/remoteproc/remoteproc0"
CTL = "/sys/kernel/debug/rproc_sim/0/ctl"
DEBUG = "/sys/kernel/debug/remoteproc/remoteproc0"
UNBIND = "/sys/bus/platform/drivers/rproc-sim/unbind"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    directory = tmp_path_factory.mktemp("firmware")
    for name in ("good.elf", "novdev.elf", "text.elf"):
        (directory / name).write_bytes(IMAGES[name].make())
    return directory


@pytest.fixture
def system(firmware):
    with System(firmware=firmware) as system:
        system.add_processor({"compatible": "rprocfs,sim"})
        yield system


@pytest.fixture
def shell(system):
    return Userspace(system.tree)


def _errno(call, *args):
    try:
        call(*args)
    except OSError as failure:
        return failure.errno
    return 0


def _wait(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _log(system):
    return "\n".join(record.text for record in system.model.kmsg.records())


class Model:
    """What Linux does, without memory, threads or devices; as tests/oracle has it recorded.

    Nothing here is the framework's: a wrong table of transitions is wrong here alone or there.
    """

    def __init__(self):
        self.state, self.power, self.recovery = "offline", 0, True
        self.firmware, self.fails = "rproc-sim0-fw", {"start": 0, "stop": 0}

    def _boot_code(self):
        if self.firmware in ("good.elf", "novdev.elf"):
            return self.fails["start"]
        return errno.EINVAL if self.firmware == "text.elf" else errno.ENOENT

    def start(self):
        # 028, 049: of what is up, a reference more. 198: so too when a recovery has failed.
        self.power += 1
        if self.power > 1 or self.state in ("running", "crashed"):
            return 0
        code = self._boot_code()
        if code:
            self.power -= 1
        else:
            self.state = "running"
        return code

    def stop(self):
        if self.state not in ("running", "crashed"):  # 021
            return errno.EINVAL
        if self.power > 1:
            self.power -= 1
            return 0
        if self.fails["stop"]:
            return self.fails["stop"]
        self.power, self.state = 0, "offline"
        return 0

    def set_firmware(self, name):
        if self.state != "offline":  # 042, 192
            return errno.EBUSY
        self.firmware = name
        return 0

    def crash(self):
        if self.state == "running":  # 194, 195: nothing when crashed or offline
            self.state = "crashed"
            if self.recovery:
                self.recover()
        return 0

    def recover(self):
        if self.state == "crashed" and not self.fails["stop"]:  # 052, 200
            self.state = "offline" if self._boot_code() else "running"
        return 0

    def set_recovery(self, word):
        if word == "recover":
            return self.recover()
        self.recovery = word == "enabled"
        return self.recover() if self.recovery else 0


STEPS = st.one_of(
    st.just(("start",)),
    st.just(("stop",)),
    st.tuples(
        st.just("set_firmware"), st.sampled_from(["good.elf", "novdev.elf", "text.elf", "no.elf"])
    ),
    st.just(("crash",)),
    st.tuples(st.just("set_recovery"), st.sampled_from(["enabled", "disabled", "recover"])),
    st.tuples(st.just("fails"), st.sampled_from(["start", "stop"]), st.sampled_from([0, 5, 12])),
    st.tuples(st.just("coredump"), st.sampled_from(["disabled", "enabled", "default"])),
)


def _do(shell, step):
    """The step on the real thing; its errno."""
    match step:
        case ("start",) | ("stop",):
            return _errno(shell.echo, f"{R0}/state", step[0])
        case ("set_firmware", name):
            return _errno(shell.echo, f"{R0}/firmware", f"{name}\n")
        case ("crash",):
            return _errno(shell.echo, f"{DEBUG}/crash", "1")
        case ("set_recovery", word):
            return _errno(shell.echo, f"{R0}/recovery", word)
        case ("fails", operation, code):
            return _errno(shell.echo, CTL, f"fail_{operation} {code}")
        case ("coredump", word):
            return _errno(shell.echo, f"{R0}/coredump", word)


def _expect(model, step):
    match step:
        case ("fails", operation, code):
            model.fails[operation] = code
            return 0
        case ("coredump", word):
            if model.state == "crashed":  # 192
                return errno.EBUSY
            return errno.EINVAL if word == "default" else 0
        case (name, *rest):
            return getattr(model, name)(*rest)


@examples(250)
@given(st.lists(STEPS, max_size=14))
def test_no_sequence_tells_it_from_the_model(firmware, steps):
    with System(firmware=firmware) as system:
        system.add_processor({"compatible": "rprocfs,sim"})
        shell, model = Userspace(system.tree), Model()
        rproc = system.remoteproc.rprocs[0]
        for step in [("set_firmware", "good.elf"), *steps]:
            assert _do(shell, step) == _expect(model, step), step
            system.settle()
            assert (rproc.state, rproc.power) == (model.state, model.power), step
        rproc.power = min(rproc.power, 1)
        shell.echo(CTL, "fail_stop 0")


def test_after_a_failed_recovery_start_succeeds_and_does_nothing(shell, system):
    shell.echo(f"{R0}/firmware", "good.elf")
    shell.echo(f"{R0}/state", "start")
    shell.echo(CTL, "fail_start 5")
    shell.echo(f"{DEBUG}/crash", "1")
    system.settle()
    shell.echo(CTL, "fail_start 0")
    assert shell.cat(f"{R0}/state") == "offline\n"
    shell.echo(f"{R0}/state", "start")
    assert shell.cat(f"{R0}/state") == "offline\n"
    assert _errno(shell.echo, f"{R0}/state", "stop") == errno.EINVAL


def test_signals_end_the_wait_for_the_lock(shell, system):
    shell.echo(f"{R0}/firmware", "novdev.elf")
    shell.echo(CTL, "delay_start 400")
    starter = threading.Thread(target=shell.echo, args=(f"{R0}/state", "start"))
    starter.start()
    rproc = system.remoteproc.rprocs[0]
    while not rproc.lock.locked():
        time.sleep(0.001)
    assert shell.cat(f"{R0}/state") == "offline\n"
    outcomes = {}
    for name, text in (("state", "stop"), ("firmware", "x"), ("recovery", "recover")):
        task = Task()

        def victim(name=name, text=text, task=task):
            with task.running():
                outcomes[name] = _errno(shell.echo, f"{R0}/{name}", text)

        thread = threading.Thread(target=victim)
        thread.start()
        task.interrupt()
        thread.join(20)
    starter.join(20)
    assert outcomes == {"state": errno.EINTR, "firmware": errno.EINVAL, "recovery": 0}
    assert shell.cat(f"{R0}/state") == "running\n"
    log = [record.text for record in system.model.kmsg.records()]
    assert "rproc-sim rproc-sim.0: can't lock rproc sim0: -4" in log
    assert "remoteproc remoteproc0: can't lock rproc sim0: -4" in log


def test_auto_boot(firmware):
    with System(firmware=firmware) as system:
        system.add_processor(
            {"compatible": "rprocfs,sim", "auto-boot": True, "firmware-name": "good.elf"}
        )
        system.settle()
        shell = Userspace(system.tree)
        assert shell.cat(f"{R0}/state") == "running\n"
        shell.echo(f"{R0}/state", "stop")
        assert shell.cat(f"{R0}/state") == "offline\n"


def test_numbers_are_the_lowest_free_and_held_by_open_files(firmware):
    with System(firmware=firmware) as system:
        devices = [system.add_processor({"compatible": "rprocfs,sim"}) for _ in range(3)]
        shell = Userspace(system.tree)
        assert shell.ls("/sys/class/remoteproc") == [f"remoteproc{i}" for i in range(3)]
        driver = "/sys/bus/platform/drivers/rproc-sim"
        held = shell.open("/dev/remoteproc1")
        for device in devices[:2]:
            shell.echo(f"{driver}/unbind", device.name)
        assert _errno(held.write, b"start", 0) == errno.ENODEV
        shell.echo(f"{driver}/bind", devices[1].name)
        assert shell.cat("/sys/class/remoteproc/remoteproc0/name") == "sim1\n"
        shell.echo(f"{driver}/bind", devices[0].name)
        assert shell.exists("/sys/class/remoteproc/remoteproc3")
        held.release()


def test_many_cycles_leave_nothing(shell, system):
    shell.echo(f"{R0}/firmware", "good.elf")
    threads = threading.active_count()
    for _ in range(100):
        shell.echo(f"{R0}/state", "start")
        shell.echo(f"{R0}/state", "stop")
    assert threading.active_count() <= threads + 1
    rproc = system.remoteproc.rprocs[0]
    assert (rproc.power, rproc.traces, rproc.table) == (0, [], None)
    assert list(rproc.subdevs) == []
    assert rproc.carveouts == []
    assert rproc.kref.read() == 1


def test_vrings_that_cannot_be_leave_a_dead_device_until_the_processor_goes(tmp_path):
    (tmp_path / "num0.elf").write_bytes(IMAGES["vring-num0.elf"].make())
    with System(firmware=tmp_path) as system:
        device = system.add_processor({"compatible": "rprocfs,sim"})
        shell = Userspace(system.tree)
        shell.echo(f"{R0}/firmware", "num0.elf")
        for _ in range(2):
            shell.echo(f"{R0}/state", "start")
            shell.echo(f"{R0}/state", "stop")
        devices = "/sys/bus/platform/devices"
        assert shell.ls(devices) == ["rproc-sim.0", "rproc-virtio.0.auto", "rproc-virtio.1.auto"]
        shell.echo("/sys/bus/platform/drivers/rproc-sim/unbind", device.name)
        assert shell.ls(devices) == ["rproc-sim.0"]


def test_a_recovery_keeps_the_table_it_booted_with(tmp_path):
    (tmp_path / "fw.elf").write_bytes(IMAGES["good.elf"].make())
    with System(firmware=tmp_path) as system:
        system.add_processor({"compatible": "rprocfs,sim", "services": "rpmsg-raw@1024"})
        shell = Userspace(system.tree)
        shell.echo(f"{R0}/firmware", "fw.elf")
        shell.echo(f"{R0}/state", "start")
        assert shell.exists("/dev/rpmsg0")
        (tmp_path / "fw.elf").write_bytes(IMAGES["notrace.elf"].make())
        shell.echo(f"{DEBUG}/crash", "1")
        system.settle()
        assert shell.cat(f"{R0}/state") == "running\n"
        assert shell.exists("/dev/rpmsg0")
        assert shell.exists(f"{DEBUG}/trace0")


def test_work_that_was_queued_before_the_removal_finds_nothing_to_do(system, shell):
    """A crash whose work runs after the unbind does not boot what is deleted."""
    shell.echo(f"{R0}/firmware", "good.elf")
    shell.echo(f"{R0}/state", "start")
    rproc = system.remoteproc.rprocs[0]
    busy = threading.Event()
    rproc.workqueue.queue_work(busy.wait)
    rproc_report_crash(rproc, 1)
    unbind = threading.Thread(target=shell.echo, args=(UNBIND, "rproc-sim.0"))
    unbind.start()
    _wait(lambda: rproc.state == "deleted")
    busy.set()
    unbind.join(10)
    assert not unbind.is_alive()
    assert rproc.state == "deleted"
    log = _log(system)
    assert "handling crash" not in log
    assert "recovering" not in log
    assert log.count("is now up") == 1


def test_a_vdev_that_lost_its_driver_goes_with_the_processor(system, shell):
    """It stays until then, as in Linux."""
    driver = "/sys/bus/platform/drivers/rproc-virtio"
    shell.echo(f"{R0}/firmware", "good.elf")
    for number in range(3):
        shell.echo(f"{R0}/state", "start")
        name = f"rproc-virtio.{number}.auto"
        shell.echo(f"{driver}/unbind", name)
        shell.echo(f"{R0}/state", "stop")
        assert name in shell.ls("/sys/bus/platform/devices")
    shell.echo(UNBIND, "rproc-sim.0")
    assert [name for name in shell.ls("/sys/bus/platform/devices") if "virtio" in name] == []
    assert system.model.platform_ids.alloc() == 0


def test_a_vdev_that_is_not_in_the_table_in_use_cannot_be_bound(tmp_path):
    """Its device is left over from an image whose table was longer."""
    for name in ("vdevs.elf", "novdev.elf"):
        (tmp_path / name).write_bytes(IMAGES[name].make())
    driver = "/sys/bus/platform/drivers/rproc-virtio"
    with System(firmware=tmp_path) as system:
        system.add_processor({"compatible": "rprocfs,sim"})
        shell = Userspace(system.tree)
        shell.echo(f"{R0}/firmware", "vdevs.elf")
        shell.echo(f"{R0}/state", "start")
        shell.echo(f"{driver}/unbind", "rproc-virtio.1.auto")
        shell.echo(f"{R0}/state", "stop")
        assert _errno(shell.echo, f"{driver}/bind", "rproc-virtio.1.auto") == errno.ENODEV
        shell.echo(f"{R0}/firmware", "novdev.elf")
        shell.echo(f"{R0}/state", "start")
        assert _errno(shell.echo, f"{driver}/bind", "rproc-virtio.1.auto") == errno.ENODEV
        assert shell.cat(f"{R0}/state") == "running\n"
