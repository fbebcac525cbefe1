"""The rpmsg bus: channels, endpoints, name service, character devices, terminals.

:class:`Rpmsg` is all of it for one model. A link comes and goes with its virtio device
(:mod:`virtio_bus`); what it sends and receives is in :mod:`tx` and :mod:`rx`, and says
on which threads. Channels and drivers of one's own: :mod:`core`.

**Locks**, inside the device locks of the binding and in this order, none of them held
across a doorbell: ``ctrl_lock`` > an open endpoint's > ``cb_lock`` of an endpoint (held
while its callback runs) > a terminal's, the link's, the virtqueue's. The receiving
callbacks of character devices and terminals take nothing but their own queue; the
others run on the link's work queue and may do whatever a driver may.
"""

from rprocfs.rpmsg.subsystem import Rpmsg

__all__ = ["Rpmsg"]
