"""Terminals: line discipline, ports and open files, over any carrier of bytes -- drivers/tty.

May import ``fs`` and ``base``. A carrier implements :class:`~rprocfs.tty.tty_port.TtyPort`.

Invariant: a port that is hung up stays so; each open file of it learns it.
"""
