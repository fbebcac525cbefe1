"""What we add to Unicorn by hand, against QEMU: every path, over random operands.

RPROCFS_EXAMPLES=20 executes more than a million instructions. Left out, since QEMU is not
the architecture: BKPT (another bit of HFSR), and where exactly an interrupt is taken that
nothing masks.
"""

import pytest

from tests.engines.differential import DIV_0_TRP, STKALIGN, UNALIGN_TRP, compare
from tests.engines.installed import NEEDS_QEMU
from tests.examples import SCALE

pytestmark = NEEDS_QEMU
ROUNDS = 200
REGISTERS = (*(f"r{number}" for number in range(13)), "lr")

DIVISIONS = [
    f"{operation} {d}, {n}, {m}"
    for operation in ("udiv", "sdiv")
    for d, n, m in (
        *(("r0", "r1", register) for register in REGISTERS),
        *((register, "r3", "r4") for register in REGISTERS),
        *(("r2", register, "lr") for register in REGISTERS),
    )
]
CONDITIONAL_DIVISIONS = [
    *(
        f"cmp r1, r2; it {condition}; udiv{condition} r0, r1, r2"
        for condition in [
            "eq",
            "ne",
            "cs",
            "cc",
            "mi",
            "pl",
            "vs",
            "vc",
            "hi",
            "ls",
            "ge",
            "lt",
            "gt",
            "le",
        ]
    ),
    "cmp r2, #0; ite ne; sdivne r0, r1, r2; moveq r0, #5",
    "cmp r2, #0; ite eq; sdiveq r0, r1, r2; movne r0, #5",
    "cmp lr, #0; it eq; udiveq lr, lr, lr",
    "tst r1, #1; ittt ne; movne r2, #0; sdivne lr, r1, r2; addne r3, #1",
    "tst r1, #1; ittet ne; cmpne r2, #0; udivne lr, r1, r2; moveq r3, #1; addne r3, #1",
    "tst r1, #1; itttt eq; udiveq r0, r1, r2; strheq r0, [r7]; udiveq r1, r2, r3; addeq r4, #1",
    "tst r1, #1; ittt eq; addeq r3, #1; svceq #1; udiveq r0, r1, r2",
]
ACCESSES = [
    "ldr r0, [r7]", "ldrh r0, [r7]", "ldrsh r0, [r7]", "ldrb r0, [r7]", "str r0, [r7]",
    "strh r1, [r7, #1]", "ldr r0, [r7], #4", "ldr r0, [r7, #4]!", "push {r0-r5}; pop {r0-r5}",
    "ldrex r0, [r7]", "strex r0, r1, [r7]", "ldrexb r0, [r7]; strexb r1, r2, [r7]",
]  # fmt: skip
#: These have to be aligned, whatever CCR says.
WIDE_ACCESSES = [
    "ldrd r0, r1, [r7]", "strd r0, r1, [r7, #4]", "ldm r7, {r0-r3}", "stm r7, {r0-r3}",
    "vldr s0, [r7]; vmov r0, s0", "vstr s1, [r7]", "ldrd r0, r1, [r7], #8",
    "strd r0, r1, [r7, #-8]!",
    "ldm r7!, {r0-r3}", "stmdb r7!, {r0-r3}", "ldmdb r7, {r1, r9}", "vldm r7, {s0-s3}; vmov r0, s3",
    "vstm r7!, {s0-s3}", "push {r0-r3}; pop {r0-r3}", "ldrd r0, r1, [sp, #-8]",
    "cmp r1, r2; it ls; ldmls r7, {r0-r3}", "cmp r1, r2; ite hs; strdhs r0, r1, [r7]; addlo r1, #1",
    "cmp r1, r2; ittt ne; addne r3, #1; ldmne r7, {r0-r2}; addne r4, #1",
]  # fmt: skip
#: Some of these are in one block with some that have to be.
MIXED_ACCESSES = [
    "ldr r0, [r7]; stm r7, {r0-r3}",
    "ldm r7, {r0-r3}; ldr r4, [r7, #4]",
    "ldr r0, [r7]; bic r7, #3; ldm r7, {r1-r3}; ldr r4, [r7, #2]",
    "strh r0, [r7, #1]; ldrd r1, r2, [r7]; str r3, [r7, #3]",
    "ldr r0, [r7, #1]; vstr s0, [r7]",
    "cmp r1, r2; it hs; ldrhs r0, [r7, #1]; ldm r7, {r1-r3}",
]
NOWHERE = "mov r1, #0x30000000; "
BAD_ACCESSES = [
    NOWHERE + access
    for access in (
        "ldr r0, [r1]", "str r0, [r1]", "strb r0, [r1, #3]", "ldm r1!, {r2, r3}",
        "ldr r0, [r1], #4", "ldrd r2, r3, [r1, #8]!", "ldrex r0, [r1]", "bx r1",
        "add r1, #1; bx r1", "cmp r1, r1; ittt eq; addeq r2, #1; ldreq r0, [r1]; addeq r3, #1",
    )
]  # fmt: skip
EXCEPTIONS = [
    "svc #0", "svc #1; mov r0, #3", "udf #0", "cmp r1, r1; it eq; svceq #0",
    "cmp r1, r1; ittt eq; addeq r2, #1; svceq #3; addeq r3, #1",
    "cmp r1, r2; ittt ne; addne r2, #1; svcne #3; addne r3, #1",
    "cmp r1, r1; itte eq; addeq r2, #1; udfeq #3; addne r3, #1",
    "mcr p5, 0, r0, c1, c2, 0", "mrc p15, 0, r0, c0, c0, 0", "vmov s0, r0; svc #0; vmov r1, s0",
    "push {r0}; svc #1; pop {r0}", "vmov s0, r0; push {r0}; udf #1",
]  # fmt: skip
PEND = "movw r1, #0xed04; movt r1, #0xe000; mov r2, #0x10000000; str r2, [r1]; "  # PENDSVSET
MASKS = [
    f"cpsid i; {PEND}add r3, #1; cpsie i; add r4, #1",
    f"cpsid f; {PEND}mov r3, #1; cpsie f; mov r4, #1",
    f"cpsid i; {PEND}mov r0, #0; msr primask, r0; mov r4, #1",
    f"cpsid i; {PEND}wfi; cpsie i",
    "mov r0, #1; msr basepri, r0; mrs r5, basepri; mov r0, #0; msr basepri, r0",
    "msr basepri, r0; msr basepri_max, r1; mrs r2, basepri; movs r0, #0; msr basepri, r0",
]
STATUS = [
    "mrs r0, apsr", "mrs r0, xpsr", "mrs r0, control", "msr apsr_nzcvq, r1", "msr apsr_g, r1",
    "msr apsr_nzcvqg, r1; mrs r2, apsr", "ssat r0, #5, r1", "usat r0, #3, r1", "qadd r0, r1, r2",
    "sadd8 r0, r1, r2; sel r3, r4, r5", "smlad r0, r1, r2, r3", "umull r0, r1, r2, r3",
    "clz r0, r1", "rbit r0, r1", "bfi r0, r1, #3, #9", "adcs r0, r1, r2", "rrxs r0, r1",
    "lsls r0, r1, r2", "asrs r0, r1, r2", "rors r0, r1, r2", "smmlar r0, r1, r2, r3",
]  # fmt: skip
FLOATS = [
    "vmov s0, r0; vmov s1, r1; vadd.f32 s2, s0, s1; vmov r2, s2; vmrs r3, fpscr",
    "vmov s0, r0; vmov s1, r1; vdiv.f32 s2, s0, s1; vmov r2, s2; vmrs r3, fpscr",
    "vmov s0, r0; vsqrt.f32 s2, s0; vmov r2, s2",
    "vmov s0, r0; vcvt.s32.f32 s2, s0; vmov r2, s2",
    "vmov s0, r0; vmov s1, r1; vcmp.f32 s0, s1; vmrs apsr_nzcv, fpscr",
    "vmov s0, r0; vmov s1, r1; vfma.f32 s0, s1, s1; vmov r2, s0",
    "cmp r0, r0; it eq; vmoveq r1, s0", "cmp r0, r0; it ne; vmovne r1, s0",
    "cmp r0, r1; itt ne; movne r3, #1; vmovne r1, s0",
]  # fmt: skip
TRAPS = {"ccr": STKALIGN | DIV_0_TRP}


GROUPS = {
    "division": (DIVISIONS + CONDITIONAL_DIVISIONS, {}),
    "division trapped": (DIVISIONS, TRAPS),
    "conditional division trapped": (CONDITIONAL_DIVISIONS, TRAPS),
    "accesses": (ACCESSES, {}),
    "accesses that have to be aligned": (ACCESSES + WIDE_ACCESSES + MIXED_ACCESSES, {}),
    "unaligned trapped": (
        ACCESSES + WIDE_ACCESSES + MIXED_ACCESSES,
        {"ccr": STKALIGN | UNALIGN_TRP},
    ),
    "bad accesses": (BAD_ACCESSES, {}),
    "exceptions": (EXCEPTIONS, {}),
    "exceptions, stack not aligned": (EXCEPTIONS, {"ccr": 0}),
    "masks": (MASKS, {}),
    "status": (STATUS, {}),
    "fpu": (FLOATS, {}),
    "fpu off": (FLOATS, {"cpacr": 0}),
}


@pytest.mark.parametrize("group", GROUPS)
def test_as_qemu(tmp_path, group):
    cases, options = GROUPS[group]
    for seed in range(1, SCALE + 1):
        compare(tmp_path, cases, ROUNDS, seed=seed, **options)


def test_a_difference_is_seen(tmp_path):
    with pytest.raises(AssertionError, match=r"bkpt #0\n    hfsr 0x0 against 0x40000000"):
        compare(tmp_path, ["nop", "bkpt #0"], 2)
