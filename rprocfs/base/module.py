"""Modules: drivers that are not always there -- kernel/module/, kernel/params.c.

A module is a function ``init(module)``: it registers drivers through the module, declares
its parameters, and may return what modules that use it need. Shown below ``sys/module``.

A module is loaded by name, as the board's description says, or by the modalias of a new
device, as udev does on a board (:meth:`Modules.request_module`).
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rprocfs.base.kmsg import Level
from rprocfs.fs.kernfs import Link, error
from rprocfs.fs.sysfs import SysfsFile, attribute, command
from rprocfs.locking import LockClass, new_condition, new_lock

if TYPE_CHECKING:
    from rprocfs.base.bus import Bus, Driver
    from rprocfs.base.model import DriverModel

_INT = range(-(1 << 31), 1 << 31)


class UnknownModuleError(LookupError):
    """There is no module of this name; the text is the name."""


class Module:
    """``struct module``: ``sys/module/NAME``.

    *exports* is what its init returned. *refcnt* counts the modules that use it and
    the references taken by :meth:`get`.
    """

    def __init__(self, modules: Modules, name: str, arguments: Mapping[str, str]) -> None:
        self.model: DriverModel = modules.model
        self.name = name
        self.exports: Any = None
        self.refcnt = 0
        self.initstate = "coming"
        self._modules = modules
        self._arguments = dict(arguments)
        self._lock = new_lock(LockClass.MODULE_REF)
        self.dir = self.model.sys.mkdirs(f"module/{name}")
        self._holders = self.dir.mkdirs("holders")
        for attr in (initstate, refcnt, taint, module_uevent):
            self.dir.add(attr.name, SysfsFile(attr, self))

    def get(self) -> None:
        """``__module_get``."""
        with self._lock:
            self.refcnt += 1

    def put(self) -> None:
        """``module_put``."""
        with self._lock:
            self.refcnt -= 1

    # For init.

    def driver_register(self, bus: str, driver: Driver[Any]) -> None:
        """Add *driver* to the bus of that name, with the links between it and the module."""
        driver.owner = self
        self._modules.buses[bus].driver_register(driver)
        driver.dir.add("module", Link(self.dir))
        self.dir.mkdirs("drivers").add(f"{bus}:{driver.name}", Link(driver.dir))

    def param_int(self, name: str, value: int) -> IntParam:
        """``module_param(name, int, 0644)``, *value* unless loaded with another; EINVAL."""
        param = IntParam(value)
        given = self._arguments.pop(name, None)
        if given is not None:
            param.set(given)
        self.dir.mkdirs("parameters").add(name, SysfsFile(param_value, param))
        return param

    def use(self, name: str) -> Any:
        """Load the module that this one depends on; what it exports."""
        module = self._modules.load(name)
        if self.name not in module._holders.children:
            module._holders.add(self.name, Link(self.dir))
            module.get()
        return module.exports

    def start(self, init: ModuleInit) -> None:
        """do_init_module(); OSError."""
        try:
            self.exports = init(self)
        except OSError:
            self.model.sys.mkdirs("module").remove(self.name)
            raise
        for unknown in self._arguments:
            text = f"{self.name}: unknown parameter '{unknown}' ignored"
            self.model.printk(Level.WARNING, text)
        self.initstate = "live"
        self.model.uevent("add", f"/module/{self.name}", {"SUBSYSTEM": "module"})


ModuleInit = Callable[[Module], Any]


class IntParam:
    """A parameter that may be changed at any time."""

    def __init__(self, value: int) -> None:
        self.value = value

    def set(self, text: str) -> None:
        """``param_set_int``; EINVAL, ERANGE."""
        try:
            value = int(text.removesuffix("\n"), 0)
        except ValueError as failure:
            raise error(errno.EINVAL) from failure
        if value not in _INT:
            raise error(errno.ERANGE)
        self.value = value


class Modules:
    """``modprobe``: the modules of one system.

    *find* gives the init of a module, or UnknownModuleError. *aliases* are patterns of
    modaliases and the modules they ask for, as in ``modules.alias``.
    """

    def __init__(
        self,
        model: DriverModel,
        buses: Sequence[Bus],
        find: Callable[[str], ModuleInit],
        aliases: Mapping[str, str],
    ) -> None:
        self.model = model
        self.buses = {bus.name: bus for bus in buses}
        self._find = find
        self._aliases = aliases
        self._loaded: dict[str, Module] = {}
        #: Modules whose init runs, and the threads that run them: under no lock, as they bind.
        self._loading: dict[str, int] = {}
        self._changed = new_condition(LockClass.MODULES)

    def load(self, description: str) -> Module:
        """Load ``NAME [PARAMETER=VALUE ...]``, unless it is there. UnknownModuleError, OSError.

        Waits for another thread that loads it.
        """
        name, *words = description.split() or [""]
        with self._changed:
            while name in self._loading and self._loading[name] != threading.get_ident():
                self._changed.wait()
            if name in self._loaded:
                return self._loaded[name]
            self._loading[name] = threading.get_ident()
        try:
            init = self._find(name)
            arguments = dict(word.partition("=")[::2] for word in words)
            module = Module(self, name, arguments)
            module.start(init)
            self._loaded[name] = module
        finally:
            with self._changed:
                del self._loading[name]
                self._changed.notify_all()
        return module

    def loaded(self) -> list[str]:
        """The names of those that were loaded."""
        return list(self._loaded)

    def is_loaded(self, name: str) -> bool:
        """Whether a module of that name is loaded."""
        return name in self._loaded

    def request_module(self, modalias: str) -> None:
        """Load what the modalias asks for. One that fails to load is logged.

        One that is being loaded is not waited for, by a thread that binds a device: its drivers
        look at all devices, and at this one too.
        """
        for pattern, name in self._aliases.items():
            known = name in self._loaded or name in self._loading
            if not known and fnmatchcase(modalias, pattern):
                try:
                    self.load(name)
                except OSError as failure:
                    code = -(failure.errno or errno.EIO)
                    self.model.printk(Level.ERR, f"{name}: module_init failed: {code}")


@attribute
def initstate(module: Module) -> str:
    """``coming`` or ``live``."""
    return module.initstate


@attribute
def refcnt(module: Module) -> str:
    """How many use it."""
    return str(module.refcnt)


@attribute(empty_line=True)
def taint(module: Module) -> str:
    """No reason to complain."""
    return ""


@command("uevent")
def module_uevent(module: Module, buf: str) -> None:
    """A synthetic event of the module: accepted and dropped, there is no listener."""


@attribute
def param_value(param: IntParam) -> str:
    """A number."""
    return str(param.value)


@param_value.store
def _(param: IntParam, buf: str) -> None:
    param.set(buf)
