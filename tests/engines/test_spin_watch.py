import logging
import struct
import threading

from rprocfs.engines.unicorn.spin_watch import INTERVAL, SPINS, SpinWatch
from rprocfs.hw.clock import SECOND
from tests.engines.host import SAFETY
from tests.engines.test_worker import Program


class Core:
    pc, level = 0x2100_0400, 256

    def priority(self):
        return self.level


def watch(seconds, rests=()):
    """What is said in so many seconds of a core with interrupts off."""
    core, said = Core(), []
    core.level = 0
    spins = SpinWatch(core, core.priority, said.append)
    for now in range(0, int(seconds * SECOND), INTERVAL):
        if now in rests:
            spins.rest()
        spins.look(now)
    return said


def test_a_core_that_spins_is_told_once():
    assert watch(SPINS / SECOND - 0.5) == []
    assert watch(20) == ["spins with interrupts off for 3 s, at 0x21000400"]


def test_a_core_that_sleeps_meanwhile_is_not():
    assert watch(20, rests=range(0, 20 * SECOND, SECOND)) == []


def test_a_core_that_takes_interrupts_is_not():
    core, said = Core(), []
    spins = SpinWatch(core, core.priority, said.append)
    for now in range(0, 20 * SECOND, INTERVAL):
        spins.look(now)
    assert said == []


class Lines(logging.Handler):
    def __init__(self, text):
        super().__init__(logging.INFO)
        self.text, self.seen = text, threading.Event()

    def emit(self, record):
        if self.text in record.getMessage():
            self.seen.set()


def test_firmware_that_dies_in_its_fault_handler(tmp_path, caplog):
    """udf; the handler of HardFault is an endless loop."""
    lines = Lines("spins with interrupts off for 3 s, at 0x21000402")
    logger = logging.getLogger("rprocfs.engines")
    logger.addHandler(lines)
    code = struct.pack("<2H", 0xDE00, 0xE7FE)
    try:
        with (
            caplog.at_level(logging.INFO, "rprocfs.engines"),
            Program(tmp_path, code, hard_fault=0x2100_0403),
        ):
            assert lines.seen.wait(SAFETY)
    finally:
        logger.removeHandler(lines)
