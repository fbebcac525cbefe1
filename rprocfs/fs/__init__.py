"""kernfs, sysfs, debugfs and character devices: the parts of the tree.

A :class:`~rprocfs.fs.kernfs.Tree` holds nodes; a node that can be opened gives a
:class:`~rprocfs.fs.kernfs.Handle` (``struct file``). Neither knows how a request
reached it: FUSE, the in-memory tests and a Python program all make the same calls.

**Waiting.** A file operation never blocks. It answers, or raises
:class:`~rprocfs.fs.wait.WouldBlock`, which names the queue that is woken when it
is worth trying again. How to wait is up to the caller. Operations that sleep on purpose, such
as booting a processor, set ``Handle.sleeps``; they are called on a thread that may block.

**Locks.** All of them stand in one tree, see :mod:`rprocfs.locking`. ``Tree.lock`` guards the
shape of the tree only: it is held for a few statements and never across a callback. No show,
store, open or wake-up callback runs under a lock that it did not take itself.
"""
