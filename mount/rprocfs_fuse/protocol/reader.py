"""Stop a thread that is blocked in read(2), at no cost for each read.

Closing the descriptor does not end a read that has begun, and asking poll(2) before
each read would cost a third of the speed. So the descriptor is replaced by one of
/dev/null, and the thread gets a signal that does nothing but interrupt the read: Python
then reads again, from /dev/null, and finds the end. There is no moment at which the
signal can come too early.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading

#: A real-time signal, which no program sends by accident. Others often use the last one.
INTERRUPT = signal.SIGRTMAX - 1


def install() -> None:
    """Let :data:`INTERRUPT` interrupt a system call and do nothing else.

    ``signal.signal`` can be called from the main thread only, so the handler is a
    function of the C library that has no effect.
    """
    libc = ctypes.CDLL(None)
    harmless = ctypes.cast(libc.abs, ctypes.c_void_p)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(ctypes.c_int(INTERRUPT), harmless)
    libc.siginterrupt(ctypes.c_int(INTERRUPT), ctypes.c_int(1))


def end_reading(fd: int, thread: threading.Thread) -> int:
    """Make *thread* read the end of the file from *fd*; what *fd* was goes on as the result."""
    real = os.dup(fd)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, fd, inheritable=False)
    os.close(null)
    while thread.is_alive() and thread.ident is not None:
        signal.pthread_kill(thread.ident, INTERRUPT)
        thread.join(0.1)
    return real
