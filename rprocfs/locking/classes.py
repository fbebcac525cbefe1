"""The tree of locks: every lock of rprocfs has one of these classes."""

from __future__ import annotations

from enum import Enum, auto


class Kind(Enum):
    """What may be done while a lock is held."""

    #: ``struct mutex``: its holder may sleep: wait, start a process, take another mutex.
    MUTEX = auto()
    #: No lock, but what a thread runs and others wait for: the work of a queue, a callback.
    WORK = auto()
    #: ``spinlock_t``: held for a few statements; its holder neither sleeps nor calls back.
    SPIN = auto()
    #: A spinlock under which nothing else is taken.
    LEAF = auto()


class LockClass(Enum):
    """The classes, in the order in which they may be taken: outermost first."""

    def __new__(cls, title: str, kind: Kind, guards: str) -> LockClass:
        """*title* is the lock's name in reports, *guards* says what it is for."""
        member = object.__new__(cls)
        member._value_ = title
        member.kind = kind
        member.guards = guards
        member.rank = len(cls.__members__)
        return member

    kind: Kind
    guards: str
    rank: int

    # Binding, from the board down to a channel, and what a processor makes others do.
    DEVICE = "device.mutex", Kind.MUTEX, "binding and unbinding of a platform device"
    RPROC_WORK = "rproc.crash_handler", Kind.WORK, "recovery and automatic boot"
    MBOX_WORK = "stm32_rproc.workqueue", Kind.WORK, "doorbells of an STM32"
    RPROC = "rproc.lock", Kind.MUTEX, "state, power and resources of a processor"
    DEVICE_VDEV = "device.mutex/vdev", Kind.MUTEX, "binding and unbinding of rproc-virtio.N.auto"
    DEVICE_VIRTIO = "device.mutex/virtio", Kind.MUTEX, "binding and unbinding of a virtio device"
    DEBUGGER = "gdb", Kind.MUTEX, "where a processor's debugger finds it"
    # What a processor says.
    IO_THREAD = "io_thread", Kind.WORK, "callbacks of workers"
    IRQ = "irq_desc.lock", Kind.MUTEX, "the handler of a doorbell, while it runs"
    WORK = "work", Kind.WORK, "work of a queue that nothing else is said of"
    SIM_WORK = "sim.work", Kind.WORK, "what a simulated processor does by itself"
    SIM = "sim.lock", Kind.MUTEX, "the rings of a simulated processor, from its side"
    RPMSG_WORK = "rpmsg.work", Kind.WORK, "messages whose receivers may sleep"
    RPMSG_RX = "rpmsg.rx", Kind.WORK, "taking messages off a link's ring"
    RPMSG_CHANNELS = "vrp.channels_lock", Kind.MUTEX, "a channel that comes or goes"
    DEVICE_RPMSG = "device.mutex/rpmsg", Kind.MUTEX, "binding and unbinding of a channel"
    CTRL = "ctrldev.ctrl_lock", Kind.MUTEX, "the endpoints that a control device made"
    EPTDEV = "eptdev.ept_lock", Kind.MUTEX, "the endpoint of an open file"
    CB = "ept.cb_lock", Kind.MUTEX, "the callback of an endpoint, while it runs"
    DEVCD_WORK = "devcoredump.work", Kind.WORK, "the end of dumps that were dismissed"
    KHVCD = "khvcd", Kind.WORK, "input of virtio consoles"
    INVAL_WORK = "fuse.inval", Kind.WORK, "telling the kernel of names that are gone"
    ASKING = "run.asking", Kind.MUTEX, "one question of run's supervisor to the daemon at a time"
    # Held for a few statements. The receiving end of terminals and entropy first.
    HVC_IN = "hvc.in", Kind.SPIN, "input of a virtio console"
    TTY_PORT = "tty_port.lock", Kind.SPIN, "line discipline and buffers of a terminal"
    HVC_OUT = "hvc.out", Kind.SPIN, "output of a virtio console"
    PORT_IN = "port.inbuf_lock", Kind.SPIN, "the buffer that a port is read from"
    PORT_OUT = "port.outvq_lock", Kind.SPIN, "the buffers that a port is written to"
    HWRNG_FILE = "hwrng.file", Kind.SPIN, "what a reader of /dev/hwrng got so far"
    HWRNG = "rng_mutex", Kind.SPIN, "the list of entropy sources and their buffer"
    VIRTRNG = "virtrng", Kind.SPIN, "the buffer of a virtio entropy source"
    TX = "vrp.tx_lock", Kind.SPIN, "the buffers that a link sends from"
    CONFIG_ITEM = "config_item", Kind.SPIN, "the properties of a processor made by configfs"
    ANON_INODE = "anon_inode", Kind.SPIN, "what an anonymous file stands for"
    SOCS = "worker_driver.socs", Kind.SPIN, "the SoCs whose cores have the driver"
    MODEL = "model.lock", Kind.SPIN, "numbers, glue directories, lists of devices"
    TREE = "tree.lock", Kind.SPIN, "the shape of a tree"
    RPROC_LIST = "rproc_list_mutex", Kind.SPIN, "all processors of a system"
    SYSLOG = "syslog", Kind.SPIN, "a reader of the kernel log"
    MAILBOX = "mbox.lock", Kind.SPIN, "one message of a mailbox at a time"
    POLL_WATCH = "fuse.watch", Kind.SPIN, "who polls a file over libfuse"
    WORKERS = "fuse.workers", Kind.SPIN, "threads for operations that sleep"
    WORKER = "worker", Kind.SPIN, "the sockets of a worker"
    WORKQUEUE = "workqueue", Kind.SPIN, "the thread of a work queue"
    IRQS = "irqs", Kind.SPIN, "which thread takes a doorbell"
    IO_USERS = "io_thread.users", Kind.SPIN, "the life of the thread that serves workers"
    # Leaves.
    PROCESS = "process", Kind.LEAF, "the end of a process that another one made"
    KREF = "kref", Kind.LEAF, "a reference count"
    ENDPOINT_FILE = "endpoint_file", Kind.LEAF, "the endpoint of a channel without a driver"
    ENDPOINTS = "vrp.endpoints_lock", Kind.LEAF, "the local addresses of a link"
    RX = "vrp.rx_lock", Kind.LEAF, "which thread takes messages off a ring"
    VIRTQUEUE = "virtqueue", Kind.LEAF, "one ring"
    NOTIFYIDS = "rproc.notifyids", Kind.LEAF, "the ring behind each doorbell"
    SOC = "worker_soc", Kind.LEAF, "which cores of a SoC there are"
    DMA_POOL = "dma_coherent_mem", Kind.LEAF, "what is taken of a reserved memory"
    MINORS = "minors", Kind.LEAF, "numbers of a driver's devices"
    HVC_STRUCTS = "hvc_structs_mutex", Kind.LEAF, "numbers of virtio consoles"
    CONSOLE_PORT = "port.lock", Kind.LEAF, "who has a port open"
    DEVCD = "devcd.mutex", Kind.LEAF, "the list of dumps"
    MODULES = "module_mutex", Kind.LEAF, "the list of modules"
    MODULE_REF = "module.ref", Kind.LEAF, "who uses a module"
    KMSG = "logbuf_lock", Kind.LEAF, "the kernel log"
    RATELIMIT = "ratelimit", Kind.LEAF, "how often a message was said"
    WAIT_QUEUE = "wait_queue_head", Kind.LEAF, "who is woken by a queue"
    TASK = "task", Kind.LEAF, "where a signal reaches a caller that sleeps"
    WORKER_CONSOLE = "worker.console", Kind.LEAF, "what a worker wrote to its console"
    IO_CALLS = "io_thread.calls", Kind.LEAF, "calls for the thread that serves workers"
    MOUNT = "fuse.mount", Kind.LEAF, "that a mount ends once"
    CLOSING = "fuse.closing", Kind.LEAF, "closes on their way"
    FLOCK = "fuse.flock", Kind.LEAF, "locks of flock(2)"
    OPEN_FILES = "fuse.files", Kind.LEAF, "open files over libfuse"
    RECEIVER = "run.receiver", Kind.LEAF, "which thread receives the system calls of run's command"
    PIPE = "run.pipe", Kind.LEAF, "one message to the supervisor of run at a time"

    @property
    def sleeps(self) -> bool:
        """May its holder sleep."""
        return self.kind in (Kind.MUTEX, Kind.WORK)

    def forbids(self, inner: LockClass) -> bool:
        """Is *inner* not to be taken under this one."""
        return self.kind is Kind.LEAF or inner.rank <= self.rank

    def __str__(self) -> str:
        return str(self.value)
