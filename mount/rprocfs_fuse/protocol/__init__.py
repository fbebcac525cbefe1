"""The transport that speaks the kernel's FUSE protocol itself, on /dev/fuse.

:mod:`.wire` is the format (sans-I/O), :mod:`.reader` reads requests, :mod:`.node_requests` and
:mod:`.file_requests` answer them, :mod:`.devfuse` is the mount.

Knows the tree (``rprocfs.fs``), and nothing of processors. Each request is answered exactly
once: by what it asked, by EINTR, or by the end of the mount.
"""
