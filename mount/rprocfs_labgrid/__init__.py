"""Boards of rprocfs in a labgrid lab, and a driver for remoteproc on any board.

An environment of labgrid names this package in its ``imports``, which registers the resources
and drivers:

=========================== ======================================================================
``RprocfsBoard``            a board that this machine makes
``NetworkRprocfsBoard``     one that ``rprocfs-labgrid-exporter`` makes, on another machine
``RprocfsPowerDriver``      its power
``RprocfsCommandDriver``    commands on it, and files for it
``RemoteprocDriver``        a remote processor of any board on which commands can be run
``RemoteprocConsoleDriver`` what a processor says and hears, on a terminal of rpmsg or its console
=========================== ======================================================================

The processes that keep a board and start commands on it know nothing of labgrid: they are
``rprocfs_fuse.testing.keeper`` and ``rprocfs_fuse.testing.door``.
"""

from rprocfs_labgrid.board import RprocfsCommandDriver, RprocfsPowerDriver
from rprocfs_labgrid.console import RemoteprocConsoleDriver
from rprocfs_labgrid.remoteproc import RemoteprocDriver
from rprocfs_labgrid.resource import NetworkRprocfsBoard, RprocfsBoard

__all__ = [
    "NetworkRprocfsBoard",
    "RemoteprocConsoleDriver",
    "RemoteprocDriver",
    "RprocfsBoard",
    "RprocfsCommandDriver",
    "RprocfsPowerDriver",
]
