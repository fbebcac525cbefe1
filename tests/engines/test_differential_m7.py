"""The Cortex-M7's FPv5 on Unicorn, against QEMU: double precision, and what FPv4 does not have.

Left out: that a double is at a multiple of 4, which Unicorn's translator never asks for.
"""

import pytest

from tests.engines.differential import M7, compare
from tests.engines.installed import NEEDS_QEMU
from tests.engines.test_differential import DIVISIONS, EXCEPTIONS, FLOATS, TRAPS
from tests.examples import SCALE

pytestmark = NEEDS_QEMU
ROUNDS = 40

#: r1 made the high word of a double of 2 ** 1 to 2 ** 64, or of 2 ** -63 to 2 ** 1.
LARGE, SMALL = (
    "bic r1, #0x7c000000; orr r1, #0x40000000",
    "bic r1, #0x7c000000; orr r1, #0x3c000000",
)
ONE = "vmov d0, r0, r1; {}; vmov r2, r3, d2; vmrs r4, fpscr"
TWO = "vmov d0, r0, r1; vmov d1, r2, r3; {}; vmov r4, r5, d2; vmrs r6, fpscr"
SINGLE = "vmov s0, r0; vmov s1, r1; {}; vmov r2, s4; vmrs r3, fpscr"
ROUNDED = (
    *(f"vrint{mode}.f64 d2, d0" for mode in "anpmrxz"),
    *(f"vcvt{mode}.{kind}32.f64 s4, d0" for mode in ("a", "n", "p", "m", "", "r") for kind in "su"),
)
ARITHMETIC = [
    *(ONE.format(operation) for operation in (
        "vabs.f64 d2, d0", "vneg.f64 d2, d0", "vsqrt.f64 d2, d0", "vcvt.f32.f64 s4, d0",
        "vcvt.f64.f32 d2, s0", "vcvt.f64.s32 d2, s0", "vcvt.f64.u32 d2, s1", "vmov.f64 d2, d0",
        "vmov.f64 d2, #1.5", "vcvtb.f16.f64 s4, d0", "vcvtt.f16.f64 s4, d0",
        "vcvtb.f64.f16 d2, s0", "vcvtt.f64.f16 d2, s1", "vcmp.f64 d0, #0", "vcmpe.f64 d0, #0",
        "vcvt.f64.s32 d0, d0, #7; vmov d2, r0, r1; vmov r0, r1, d0",
    )),
    *(TWO.format(f"{operation}.f64 d2, d0, d1") for operation in (
        "vadd", "vsub", "vmul", "vdiv", "vnmul", "vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms",
        "vfnma", "vfnms", "vmaxnm", "vminnm",
    )),
    TWO.format("vcmp.f64 d0, d1"), TWO.format("vcmpe.f64 d0, d1"),
    *(f"cmp r4, r5; {TWO.format(f'vsel{condition}.f64 d2, d0, d1')}"
      for condition in ("eq", "ge", "gt", "vs")),
    *(f"cmp r4, r5; {SINGLE.format(f'vsel{condition}.f32 s4, s0, s1')}"
      for condition in ("eq", "ge", "gt", "vs")),
    *(SINGLE.format(f"{operation}.f32 s4, s0, s1") for operation in (
        "vmaxnm", "vminnm", "vadd", "vsub", "vmul", "vdiv", "vmla", "vfma", "vfnms",
    )),
    *(SINGLE.format(operation.replace("f64", "f32").replace("d0", "s0").replace("d2", "s4"))
      for operation in ROUNDED),
]  # fmt: skip
CLOSE = [
    f"{near}; {ONE.format(operation)}" for near in (LARGE, SMALL) for operation in ROUNDED
]  # fmt: skip
#: With a rounding mode, FZ and DN of an operand.
MODES = [
    f"and r6, #0x03c00000; vmsr fpscr, r6; {ONE.format(operation)}"
    for operation in (
        "vrintr.f64 d2, d0", "vrintx.f64 d2, d0", "vcvtr.s32.f64 s4, d0", "vcvt.f32.f64 s4, d0",
        "vsqrt.f64 d2, d0", "vadd.f64 d2, d0, d0", "vdiv.f64 d2, d0, d2", "vmul.f64 d2, d0, d2",
        "vrintr.f32 s4, s0", "vdiv.f32 s4, s0, s1", "vadd.f32 s4, s0, s1",
    )
]  # fmt: skip
MOVES = [
    "vmov d0, r0, r1; vstr d0, [sp, #-16]; vldr d2, [sp, #-16]; vmov r4, r5, d2",
    "vmov d0, r0, r1; vmov d1, r2, r3; vpush {d0, d1}; vpop {d4, d5}; vmov r4, r5, d5",
    "vmov d0, r0, r1; vmov.32 r2, d0[0]; vmov.32 r3, d0[1]; vmov.32 d0[1], r4; vmov r4, r5, d0",
    "bic r7, #3; vldm r7, {d0-d2}; vmov r4, r5, d2", "bic r7, #3; vldr d3, [r7]; vmov r1, r2, d3",
    "bic r7, #3; vmov d3, r1, r2; vstr d3, [r7]", "vstr s3, [r7]", "vstm r7, {s0-s1}",
    "vmov d0, r0, r1; svc #0; vmov r4, r5, d0", "vmov d15, r0, r1; udf #0; vmov r4, r5, d15",
]  # fmt: skip

GROUPS = {
    "arithmetic": (ARITHMETIC, {}),
    "rounded": (CLOSE, {}),
    "modes": (MODES, {}),
    "moves": (MOVES, {}),
    "single": (FLOATS, {}),
    "fpu off": (ARITHMETIC + MOVES, {"cpacr": 0}),
    "division": (DIVISIONS, {}),
    "division trapped": (DIVISIONS, TRAPS),
    "exceptions": (EXCEPTIONS, {}),
}


@pytest.mark.parametrize("group", GROUPS)
def test_as_qemu(tmp_path, group):
    cases, options = GROUPS[group]
    for seed in range(1, SCALE + 1):
        compare(tmp_path, cases, ROUNDS, M7, seed=seed, **options)
