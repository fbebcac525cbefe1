"""Armv7-R: modes, exceptions, CP15 and faults (Arm DDI 0406, Cortex-R5 TRM DDI 0460)."""
