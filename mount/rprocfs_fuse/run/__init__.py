"""``rprocfs run``: a command that sees a board where the system has its own ``/sys`` and ``/dev``.

Four processes, in a mount namespace of their own. The one that was started supervises
(:mod:`supervisor`). The *daemon*, in a session of its own, holds the system and serves
the mount (:mod:`daemon`). The *command* puts the mount over the real directories, in
one more mount namespace that only it and its children see, and is executed
(:mod:`execute`); it is a child of the *init* of a PID namespace (:mod:`init`). The
supervisor answers some of its system calls (:mod:`tenants`). A socket leads from the
supervisor to the daemon: its end tells that nobody is left to serve. Whatever is left
of the command's processes then is killed.
"""
