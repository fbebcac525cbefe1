"""The server of the system calls that a filter picked: who receives them, and who answers.

It must not be in the process that serves the mount: it uses the mount, and a process that
waits for an answer of its own cannot even be killed.

One thread receives calls and answers them, as another one would have to be woken. What a
call points at is the caller's: memory that another program provides (userfaultfd(2)), or a path
into a filesystem whose server hangs. Whatever touches that may be held for as long as it
pleases the caller. So a second thread watches, and if a call takes long has a new thread go on
with the others. The one that is held ends once it is let go.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from rprocfs.fs.wait import WouldBlock
from rprocfs.locking import LockClass, new_lock
from rprocfs_fuse.run.seccomp import Call, Continue, Handler

logger = logging.getLogger(__name__)

_NOTIF = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_FLAG_CONTINUE = 1
_NOTIF_RECV = 0xC0502100
_NOTIF_SEND = 0xC0182101
_NOTIF_SET_FLAGS = 0x40082104
#: The two wake each other on the same CPU, which halves the time of a call (Linux 6.6).
_SYNC_WAKE_UP = 1

#: Seconds that a call may take until others are received by another thread.
LONG = 0.05
#: Seconds that :meth:`Server.close` waits for threads that are held.
PATIENCE = 5.0

#: Says at once, of a task and the arguments of its call, that it is the kernel's.
Glances = Mapping[int, Callable[[int, Sequence[int]], bool]]


def no_glances() -> Glances:
    """Every call is looked at with care, by default."""
    return {}


class Server:
    """Answers the calls that come in on *listener*, which it closes, by their numbers.

    *sources* are descriptors to wait for too, and what to call when one can be read,
    until that returns False. *glances* makes those of one thread. The *handlers* may be
    called by several threads at once.
    """

    def __init__(
        self,
        listener: int,
        handlers: Mapping[int, Handler],
        sources: Mapping[int, Callable[[], bool]] | None = None,
        glances: Callable[[], Glances] = no_glances,
    ) -> None:
        self._listener = listener
        self._handlers = handlers
        self._sources = sources or {}
        self._glances = glances
        self._waiting: deque[Call] = deque()
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._closing = threading.Event()
        #: The call that the receiver is at, by its number; was there one since the last look.
        self._serving: int | None = None
        self._news = threading.Event()
        self._lock = new_lock(LockClass.RECEIVER)
        self._threads: list[threading.Thread] = []
        with suppress(OSError):
            fcntl.ioctl(listener, _NOTIF_SET_FLAGS, _SYNC_WAKE_UP)
        self._new_receiver().start()
        self._watcher = threading.Thread(target=self._watch, name="rprocfs-watch", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End; from now on the calls fail with ENOSYS unless somebody else has the listener.

        A thread that is still held keeps both, until the process ends.
        """
        self._closing.set()
        self._news.set()
        self._watcher.join()
        self._wake()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            os.close(self._listener)
            os.close(self._event)

    def _new_receiver(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="rprocfs-calls", daemon=True)
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        self._receiver = thread
        return thread

    def _watch(self) -> None:
        """Replace the receiver if it is held. Asleep while there are no calls."""
        while not self._closing.is_set():
            self._news.wait()
            self._news.clear()
            serving = self._serving
            if self._closing.wait(LONG):
                return
            with self._lock:
                if serving is None or serving != self._serving:
                    continue
                self._serving = None
                receiver = self._new_receiver()
            receiver.start()
            self._wake()  # the other one may have been at those that wait

    def _wake(self) -> None:
        with suppress(OSError):  # closed meanwhile
            os.eventfd_write(self._event, 1)

    def _run(self) -> None:
        glances, me = self._glances(), threading.current_thread()
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        poller.register(self._event, select.POLLIN)
        for fd in self._sources:
            poller.register(fd, select.POLLIN)
        while self._receiver is me and not self._closing.is_set():
            for fd, events in poller.poll():
                if self._receiver is me and not self._attend(fd, events, glances):
                    poller.unregister(fd)

    def _attend(self, fd: int, events: int, glances: Glances) -> bool:
        """Is the descriptor to be waited for any longer."""
        if fd in self._sources:
            return self._sources[fd]()
        if fd == self._event:
            if not self._closing.is_set():  # then it is there for all threads
                os.eventfd_read(self._event)
            self._retry()
            return True
        if events & select.POLLIN:
            self._receive(glances)
            return True
        return False  # nobody is filtered any more

    def _receive(self, glances: Glances) -> None:
        buffer = bytearray(_NOTIF.size)
        try:
            fcntl.ioctl(self._listener, _NOTIF_RECV, buffer)
        except OSError:
            return  # the caller is gone meanwhile
        number, pid, _, call, _, _, *args = _NOTIF.unpack(buffer)
        self._begin(number)
        glance = glances.get(call)
        if glance is not None and glance(pid, args):
            self._go_on(number)
        else:
            self._serve(Call(number, pid, call, tuple(args), self._listener))
        self._end(number)

    def _begin(self, number: int) -> None:
        self._serving = number
        if not self._news.is_set():
            self._news.set()

    def _end(self, number: int) -> bool:
        """Is this thread still the receiver."""
        with self._lock:
            if self._serving != number:
                return False
            self._serving = None
            return True

    def _retry(self) -> None:
        for call in self._take_waiting():
            self._begin(call.id)
            self._serve(call)
            if not self._end(call.id):
                return

    def _take_waiting(self) -> Iterator[Call]:
        """Those that wait by now, without the callers that gave up."""
        for _ in range(len(self._waiting)):
            try:
                call = self._waiting.popleft()
            except IndexError:  # another thread was faster
                return
            if call.valid:
                yield call

    def _serve(self, call: Call) -> None:
        try:
            self._answer(call, self._try(call))
        except Continue:
            self._go_on(call.id)
        except WouldBlock:
            # A caller that gave up is forgotten, or it could have us keep any number.
            self._waiting.extend([*self._take_waiting(), call])
        except OSError as problem:
            self._answer(call, 0, problem.errno or errno.EIO)
        except Exception:
            logger.exception("a system call failed")
            self._answer(call, 0, errno.EIO)

    def _try(self, call: Call) -> int:
        handler = self._handlers[call.number]
        try:
            return handler(call)
        except WouldBlock as wait:
            wait.queue.add(self._wake)
        return handler(call)  # it may have come in between

    def _go_on(self, number: int) -> None:
        with suppress(OSError):  # a signal was faster
            fcntl.ioctl(self._listener, _NOTIF_SEND, _RESPONSE.pack(number, 0, 0, _FLAG_CONTINUE))

    def _answer(self, call: Call, result: int, code: int = 0) -> None:
        with suppress(OSError):  # a signal was faster
            response = _RESPONSE.pack(call.id, result, -code, 0)
            fcntl.ioctl(self._listener, _NOTIF_SEND, response)
