"""The virtio bus and its split virtqueues -- drivers/virtio; the drivers for console and rng.

:mod:`.ring` (the driver's side) and :mod:`.device_ring` (the far side) are the format: bytes in,
values out. :mod:`.virtqueue` adds the lock, the callback and the doorbell; :mod:`.virtio` is the
bus, its devices and what a transport implements.

May import ``fs``, ``base``, ``kernel``, ``tty`` and ``lib``. It knows no transport.

Invariants: no callback and no doorbell is called with the lock of a queue held. What the far
side writes (indices, descriptors, lengths) is checked at each use; a queue that is found broken
stays broken until its device is reset.
"""
