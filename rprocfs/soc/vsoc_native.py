"""vsoc/1-native: the machine that a host program is firmware for.

==========  ==========================================================================
0x80000000  RAM, 16 MiB of shared memory, as in vsoc/1: nothing is loaded into it
+0x000000   the resource table, as the framework filled it in
+0x100000   carveouts with fixed addresses
+0x200000   vrings with fixed addresses
+0x300000   carveouts and vrings that may lie anywhere
+0xff0000   the platform page: the heartbeat word
==========  ==========================================================================

The console is the program's standard input and output, the mailbox a socket with the
bytes of vsoc/1. A program that maps the RAM at its device address, which a position
independent one leaves free, may take device addresses for pointers.
"""

from __future__ import annotations

from rprocfs.arch.core import CoreSpec
from rprocfs.soc.vsoc import Vsoc

RAM = 0x8000_0000
TABLE_SIZE = 0x10_0000

NATIVE = Vsoc("vsoc/1-native", f"{__name__}:NATIVE", [CoreSpec("native")], RAM)
