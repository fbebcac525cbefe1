"""kernfs, sysfs, debugfs and character devices: what the tree is made of.

A :class:`~rprocfs.fs.kernfs.Tree` holds nodes; a node that can be opened gives a
:class:`~rprocfs.fs.kernfs.Handle` (``struct file``). Neither knows how a request
reached it: FUSE, the in-memory tests and a Python program all make the same calls.

**Waiting.** A file operation never blocks. It answers, or raises
:class:`~rprocfs.fs.wait.WouldBlock`, which names the queue that is woken when it
is worth trying again. Who waits, and how, is the caller's business. Operations
that sleep on purpose (booting a processor) say so with ``Handle.sleeps``, and are
called on a thread that may be kept.

**Locks.** All of them stand in one tree, see :mod:`rprocfs.locking`. ``Tree.lock`` guards the
shape of the tree only: it is held for a few statements and never across a callback. No show,
store, open or wake-up callback runs under a lock that it did not take itself.
"""
