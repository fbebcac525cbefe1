"""Armv7-M: exceptions, faults, NVIC, SysTick, system control, MPU and DWT (Arm DDI 0403)."""
