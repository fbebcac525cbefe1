"""Machines as data and peripherals, apart from any engine that executes instructions.

A :class:`~rprocfs.soc.machine.Machine` says what a processor sees: its memory, its
peripherals, its interrupts. A peripheral is a plain object with declared registers
(:mod:`rprocfs.hw.registers`): numbers in, numbers out, no thread, no file, no clock
but the one it is given. An engine routes the accesses of the instructions that it
executes here; a test makes them by hand. A second SoC is a second file next to
:mod:`rprocfs.soc.vsoc`.

A boot waits while a worker process imports this package, so its
modules keep away from ``typing``, ``dataclasses`` and ``enum`` (10, 15 and 3 ms).
"""
