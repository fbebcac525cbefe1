"""The rpmsg bus: channels, endpoints, name service, character devices, terminals.

:class:`Rpmsg` is all of it for one model. A link comes and goes with its virtio device
(:mod:`virtio_bus`); what it sends and receives is in :mod:`tx` and :mod:`rx`, and says
on which threads. Channels and drivers of one's own: :mod:`core`.

**Locks.** All of them stand in one tree, see :mod:`rprocfs.locking`; none is held across a
doorbell. ``cb_lock`` of an endpoint is held while its callback runs, so a callback leaves what
binds or unbinds devices to its receiver: see :data:`~rprocfs.rpmsg.endpoint.Deferred`. The
callbacks of character devices and terminals take nothing but their own queue; the others run
on the link's work queue.
"""

from rprocfs.rpmsg.subsystem import Rpmsg

__all__ = ["Rpmsg"]
