"""What is recorded of the processors of a system, besides what a board would show -- no kernel.

Nothing of it is in the tree, nor changes what is there, so a strict system may record as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observe:
    """What to record.

    *symbolize*: crashes are followed by a backtrace; in the kernel log, unless strict, else in
    the log ``rprocfs.backtrace``.
    """

    symbolize: bool = False


NOTHING = Observe()
