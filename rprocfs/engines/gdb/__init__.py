"""Debuggers: gdb's remote serial protocol, from a client's socket to the core that it halts.

- :mod:`.packet`: what is between ``$`` and ``#``, without I/O.
- :mod:`.stub`: the server's side of the protocol, over a target. The Unicorn worker has one,
  and so has the daemon for a core that is dead (:mod:`.postmortem`).
- :mod:`.session`: one client, and what it is kept from, without I/O.
- :mod:`.server`: the socket that listens, on the I/O thread.

Neither side is trusted. A client may do to the core what it likes, but nothing else on the
host: :mod:`.session` answers for what an engine's own stub could do besides. A worker may
answer what it likes, but cannot have the client read or write files.
"""
