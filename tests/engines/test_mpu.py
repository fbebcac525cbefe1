"""What the MPU of a Cortex-M refuses on Unicorn, against QEMU, over random addresses."""

import pytest

from tests.engines.differential import compare
from tests.engines.installed import NEEDS_QEMU
from tests.examples import SCALE

pytestmark = NEEDS_QEMU
ROUNDS = 80
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4
NPRIV = 1
XN = 1 << 28


def region(base, size, ap, more=0, srd=0):
    """RBAR and RASR."""
    return base, 1 | (size.bit_length() - 2) << 1 | ap << 24 | more | srd << 8


#: All of the RAM, and areas of the 32 KiB from WINDOW on that the cases access.
WINDOW = 0x2108_8000
RAM = region(0x2100_0000, 1 << 24, 3)
DEVICES = region(0x4000_0000, 1 << 29, 3, XN)
GUARDS = [
    RAM, DEVICES,
    region(WINDOW, 32, 0, XN), region(WINDOW + 0x1FE0, 32, 6, XN), region(WINDOW + 0x4400, 64, 5),
    region(WINDOW + 0x1000, 0x1000, 2, XN), region(WINDOW + 0x6000, 0x2000, 1, XN, srd=0b1010_0101),
]  # fmt: skip
PAGES = [
    RAM, DEVICES, region(WINDOW, 0x4000, 6, XN), region(WINDOW + 0x1000, 0x400, 0),
    region(WINDOW + 0x4000, 0x2000, 1, XN), region(WINDOW + 0x2000, 0x2000, 3, XN, srd=0xF0),
    region(WINDOW + 0x6000, 0x2000, 2),
]  # fmt: skip
#: Eight regions, priorities that matter, and what is UNPREDICTABLE but known.
OVERLAPS = [
    RAM, DEVICES, region(WINDOW, 0x8000, 0), region(WINDOW, 0x4000, 3, XN),
    region(WINDOW, 0x800, 5, XN),
    region(WINDOW + 0x20, 0x20, 3), region(WINDOW + 0x100, 0x200, 3),
    region(WINDOW + 0x4000, 0x2000, 7, XN, srd=0x0F),
]  # fmt: skip
AT = "orr r1, r0, #0x8000; movt r1, #0x2108; "
ACCESSES = [
    AT + access
    for access in (
        "ldr r2, [r1]", "str r2, [r1]", "ldrb r2, [r1]", "strb r2, [r1]", "ldrh r2, [r1]",
        "strh r3, [r1]", "ldrsb r2, [r1]", "bic r1, #3; ldrt r2, [r1]",
        "bic r1, #3; strt r2, [r1]", "ldrbt r2, [r1]",
        "bic r1, #1; strht r2, [r1]", "bic r1, #3; ldm r1, {r2-r6}", "bic r1, #3; stm r1!, {r2-r6}",
        "bic r1, #3; ldrd r2, r3, [r1]", "bic r1, #3; strd r2, r3, [r1, #8]",
        "bic r1, #3; stmdb r1!, {r2-r5}", "ldr r2, [r1], #4", "str r2, [r1, #8]!",
        "bic r1, #3; ldrex r2, [r1]; strex r3, r4, [r1]",
        "cmp r2, r3; it ls; ldrls r2, [r1]",
        "cmp r2, r3; ittt hs; addhs r2, #1; strhs r2, [r1]; addhs r3, #1",
    )
]  # fmt: skip
#: None uses a stack that may be refused: QEMU would store the registers of the FPU there later.
FLOATS = [
    f"{AT}bic r1, #3; {access}"
    for access in ("vldr s0, [r1]; vmov r2, s0", "vstr s0, [r1, #4]", "vldm r1!, {s0-s3}",
                   "vstmdb r1!, {s2-s7}", "vldr d3, [r1]", "vstr d2, [r1, #-8]")
]  # fmt: skip
STACKS = [
    "mov r2, sp; orr r1, r0, #0x8000; movt r1, #0x2108; bic r1, #3; mov sp, r1; svc #1; mov sp, r2",
    "mov r2, sp; movw r1, #0x8030; movt r1, #0x2108; bfi r1, r0, #2, #4; mov sp, r1; svc #1; "
    "mov sp, r2",
    "mov r2, sp; movw r1, #0x8030; movt r1, #0x2108; bfi r1, r0, #2, #4; mov sp, r1; push {r3-r6}; "
    "mov sp, r2",
]
#: There is nothing to be executed, which is to be noticed.
NEVER = ["movw r1, #0x8001; movt r1, #0x2108; bfi r1, r0, #1, #4; bx r1"]
FETCHES = [
    "mov r1, #0x40000000; bfi r1, r0, #8, #20; orr r1, #1; bx r1",
    "mov r1, #0xe0000000; orr r1, #1; bx r1",
    "movw r1, #0xed04; movt r1, #0xe000; ldr r2, [r1]",
    "mov r1, #0x30000000; ldr r2, [r1]", "mov r1, #0x30000000; str r2, [r1, #4]",
    "mov r1, #0x30000000; orr r1, #1; bx r1",
]  # fmt: skip
MASKED = [
    f"cpsid f; {AT}ldr r2, [r1]; cpsie f", f"cpsid f; {AT}strb r2, [r1]; cpsie f; ldrb r3, [r1]",
    f"mov r3, #1; msr faultmask, r3; {AT}ldr r2, [r1]; cpsie f",
]  # fmt: skip
CASES = ACCESSES + STACKS + FETCHES + NEVER
GROUPS = {
    "guards": (CASES, GUARDS, ENABLE | PRIVDEFENA, 0),
    "guards, unprivileged": (CASES, GUARDS, ENABLE | PRIVDEFENA, NPRIV),
    "guards, no background": (CASES, GUARDS, ENABLE, 0),
    "pages": (CASES, PAGES, ENABLE | PRIVDEFENA, 0),
    "pages, unprivileged": (CASES, PAGES, ENABLE | PRIVDEFENA | HFNMIENA, NPRIV),
    "overlaps": (CASES, OVERLAPS, ENABLE | HFNMIENA, 0),
    "overlaps, unprivileged": (CASES, OVERLAPS, ENABLE | PRIVDEFENA, NPRIV),
    "off": (ACCESSES + STACKS + FETCHES, OVERLAPS, PRIVDEFENA, 0),
    "fpu, guards": (FLOATS, GUARDS, ENABLE | PRIVDEFENA, 0),
    "fpu, pages": (FLOATS, PAGES, ENABLE, NPRIV),
    "faultmask": (CASES + MASKED, GUARDS, ENABLE | PRIVDEFENA, 0),
    "faultmask, pages": (MASKED, PAGES, ENABLE | PRIVDEFENA, 0),
}

#: One case in three places: code in the scratch memory is executed, the MPU is turned off, and the
#: code is written over, behind a store to the same page.
OVERWRITTEN = [
    "bic r5, r7, #7; movw r1, #0x2201; movt r1, #0x4770; str r1, [r5]; adds r5, #1; blx r5; b.w 1f",
    "1: mov r4, #0xe000e000; movs r3, #0; str r3, [r4, #0xd94]; isb; b.w 2f",
    "2: adds r1, #1; str r1, [r5, #31]; str r1, [r5, #-1]; isb; blx r5; movs r3, #5; "
    "str r3, [r4, #0xd94]",
]


def test_code_that_was_executed_behind_the_mpu_is_forgotten_when_overwritten(tmp_path):
    compare(tmp_path, OVERWRITTEN, 1, mpu_ctrl=ENABLE | PRIVDEFENA, regions=GUARDS)


@pytest.mark.parametrize("group", GROUPS)
def test_as_qemu(tmp_path, group):
    cases, regions, ctrl, control = GROUPS[group]
    for seed in range(1, SCALE + 1):
        compare(tmp_path, cases, ROUNDS, seed=seed, mpu_ctrl=ctrl, control=control, regions=regions)


@pytest.mark.parametrize("regions", [GUARDS, PAGES], ids=["guards", "pages"])
def test_escalation(tmp_path, regions):
    """MemManage without a handler of its own is a HardFault."""
    cases = ACCESSES + FETCHES + NEVER
    compare(tmp_path, cases, ROUNDS, mpu_ctrl=ENABLE | PRIVDEFENA, regions=regions, shcsr=0)
