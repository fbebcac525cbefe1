import logging

from rprocfs.engines.unicorn.fault_log import LINES_A_SECOND, FaultLog
from tests.engines.differential import DIV_0_TRP, assemble, execute


def test_a_fault_that_the_firmware_handles_is_said(tmp_path, caplog):
    """The handler of the image goes on behind the instruction."""
    code = assemble(tmp_path, ["mov r1, #0x30000000; ldr r0, [r1]", "mov r2, #0; udiv r0, r1, r2"])
    with caplog.at_level(logging.DEBUG, "rprocfs.engines"):
        execute("unicorn", code, 1, ccr=DIV_0_TRP)
    said = [line for line in caplog.messages if "Fault" in line]
    assert [line.split(": ", 1)[1] for line in said] == [
        "BusFault: bus fault at 0x30000000 (pc=0x210a0004 cfsr=0x8200 hfsr=0x0 bfar=0x30000000)",
        "UsageFault: division by zero (pc=0x210a0024 cfsr=0x2000000 hfsr=0x0)",
    ]


def test_faults_do_not_flood():
    said, now = [], [7.0]
    log = FaultLog(lambda number: ("ABCDEF"[number], "pc=0x1"), said.append, lambda: now[0])
    for _ in range(LINES_A_SECOND + 5):
        log(5, "bus fault")
    assert len(said) == LINES_A_SECOND
    now[0] = 8.1
    log(3, "bus fault")
    assert said[LINES_A_SECOND:] == [
        "5 more faults",
        "D: bus fault (pc=0x1)",
    ]
