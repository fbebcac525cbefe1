"""The firmware of the PMU, an agent of the IPI that takes requests of the PM API (UG1200, EEMI).

A request stands in the sender's buffer: the number of a function and its arguments. The status and
up to three values stand in the response. All nodes are powered and stay so, so no callback is ever
made: a core that suspends waits in WFI, with all that it had.
"""

from __future__ import annotations

import struct

from rprocfs.hw.xilinx.ipi import RESPONSE, request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from rprocfs.hw.dma import Master

    Answer: TypeAlias = "tuple[int, ...]"

WORDS = struct.Struct("<8I")
#: Functions of the PM API.
(
    GET_API_VERSION, SET_CONFIGURATION, GET_NODE_STATUS, GET_OP_CHARACTERISTIC, REGISTER_NOTIFIER,
    REQUEST_SUSPEND, SELF_SUSPEND, FORCE_POWERDOWN, ABORT_SUSPEND, REQUEST_WAKEUP,
    SET_WAKEUP_SOURCE, SYSTEM_SHUTDOWN, REQUEST_NODE, RELEASE_NODE, SET_REQUIREMENT,
    SET_MAX_LATENCY, RESET_ASSERT, RESET_GET_STATUS, MMIO_WRITE, MMIO_READ, INIT_FINALIZE,
) = range(1, 22)  # fmt: skip
GET_CHIPID, FEATURE_CHECK = 24, 63
#: What a status says.
SUCCESS, FAILURE, INVALID_VERSION, INVALID_PARAM, NO_FEATURE = 0, 1, 4, 15, 19
NO_ACCESS, INVALID_NODE, DOUBLE_REQ = 2002, 2003, 2004
VERSION = 1 << 16 | 1  # of the API, 1.1
#: Nodes: processors and power domains, then slaves; some of those are a core's from the start.
FIRST_SLAVE, LAST_NODE, RPU, RPU_CORE, LAST_PROCESSOR = 11, 78, 6, 7, 8
ON, USED = 1, 1
OWN = frozenset((*range(11, 19), 55, 57, 64))  # OCM, TCMs, DDR, IPIs
#: Resets, and what is done to them.
FIRST_RESET, LAST_RESET = 1000, 1119
RELEASE, ASSERT, PULSE = range(3)
SHUTDOWN = ("shutdown", "restart", "setup of the scope of a shutdown")
SCOPE_ONLY = 2


class Pmu:
    """What it does for the core *number*. *master* is what it reaches.

    *chip* are IDCODE and VERSION; *end* is called with a reason if the core has the system shut
    down or restarted.
    """

    def __init__(
        self, number: int, master: Master, chip: tuple[int, int], end: Callable[[str], None]
    ) -> None:
        self._number, self._master, self._chip, self._end = number, master, chip, end
        self._requirements = dict.fromkeys(OWN, (0, 0))  # capabilities, quality of service
        self._reset: set[int] = set()
        self._serving = False
        self._functions: Mapping[int, Callable[..., Answer]] = {
            GET_API_VERSION: lambda *arguments: (SUCCESS, VERSION),
            SET_CONFIGURATION: self._done,
            GET_NODE_STATUS: self._node_status,
            REGISTER_NOTIFIER: self._any_node,
            REQUEST_SUSPEND: self._force_powerdown,
            SELF_SUSPEND: self._any_node,
            FORCE_POWERDOWN: self._force_powerdown,
            ABORT_SUSPEND: self._done,
            REQUEST_WAKEUP: self._wakeup,
            SET_WAKEUP_SOURCE: lambda target, source, *rest: self._slave(source),
            SYSTEM_SHUTDOWN: self._shutdown,
            REQUEST_NODE: self._request_node,
            RELEASE_NODE: self._release_node,
            SET_REQUIREMENT: self._set_requirement,
            SET_MAX_LATENCY: lambda node, *rest: self._slave(node),
            RESET_ASSERT: self._reset_assert,
            RESET_GET_STATUS: self._reset_status,
            MMIO_WRITE: self._write,
            MMIO_READ: self._read,
            INIT_FINALIZE: self._done,
            GET_CHIPID: lambda *arguments: (SUCCESS, *self._chip),
            FEATURE_CHECK: self._feature_check,
        }

    def triggered(self, agent: int, pmu: int) -> None:
        """Its agent *pmu* is triggered by *agent*: serve the request in the buffer.

        A request that makes it trigger itself is served once.
        """
        at = request(agent, pmu)
        data = self._master.load(at, WORDS.size)
        if data is None or self._serving:
            return
        self._serving = True
        try:
            self._serve(at, data)
        finally:
            self._serving = False

    def _serve(self, at: int, data: bytes) -> None:
        number, *arguments = WORDS.unpack(data)
        function = self._functions.get(number)
        answer = (INVALID_VERSION,) if function is None else function(*arguments)
        self._master.store(at + RESPONSE, WORDS.pack(*answer, *(8 - len(answer)) * (0,)))

    # Nodes

    @staticmethod
    def _done(*arguments: int) -> Answer:
        return (SUCCESS,)

    @staticmethod
    def _any_node(node: int, *rest: int) -> Answer:
        return (SUCCESS,) if 0 < node <= LAST_NODE else (INVALID_PARAM,)

    @staticmethod
    def _slave(node: int) -> Answer:
        return (SUCCESS,) if FIRST_SLAVE <= node <= LAST_NODE else (INVALID_PARAM,)

    def _force_powerdown(self, node: int, *rest: int) -> Answer:
        if node in (RPU, RPU_CORE + self._number):
            return (NO_ACCESS,)
        return (SUCCESS,) if 0 < node < FIRST_SLAVE else (INVALID_PARAM,)

    @staticmethod
    def _wakeup(node: int, *rest: int) -> Answer:
        return (SUCCESS,) if 0 < node <= LAST_PROCESSOR else (INVALID_NODE,)

    def _node_status(self, node: int, *rest: int) -> Answer:
        """Status, requirements and usage, by this core."""
        if not 0 < node <= LAST_NODE:
            return (INVALID_PARAM,)
        capabilities, _ = self._requirements.get(node, (0, 0))
        return SUCCESS, ON, capabilities, USED if node in self._requirements else 0

    def _request_node(self, node: int, capabilities: int, qos: int, *rest: int) -> Answer:
        if node in self._requirements and node not in OWN:
            return (DOUBLE_REQ,)
        return self._require(node, capabilities, qos)

    def _release_node(self, node: int, *rest: int) -> Answer:
        if self._slave(node) == (SUCCESS,) and self._requirements.pop(node, None) is None:
            return (FAILURE,)
        return self._slave(node)

    def _set_requirement(self, node: int, capabilities: int, qos: int, *rest: int) -> Answer:
        if self._slave(node) == (SUCCESS,) and node not in self._requirements:
            return (NO_ACCESS,)
        return self._require(node, capabilities, qos)

    def _require(self, node: int, capabilities: int, qos: int) -> Answer:
        answer = self._slave(node)
        if answer == (SUCCESS,):
            self._requirements[node] = capabilities, qos
        return answer

    # Resets, registers, the system

    def _reset_assert(self, reset: int, action: int, *rest: int) -> Answer:
        if not FIRST_RESET <= reset <= LAST_RESET or action > PULSE:
            return (INVALID_PARAM,)
        if action == ASSERT:
            self._reset.add(reset)
        else:
            self._reset.discard(reset)
        return (SUCCESS,)

    def _reset_status(self, reset: int, *rest: int) -> Answer:
        if not FIRST_RESET <= reset <= LAST_RESET:
            return (INVALID_PARAM,)
        return SUCCESS, int(reset in self._reset)

    def _read(self, address: int, *rest: int) -> Answer:
        data = None if address & 3 else self._master.load(address, 4)
        return (NO_ACCESS,) if data is None else (SUCCESS, int.from_bytes(data, "little"))

    def _write(self, address: int, mask: int, value: int, *rest: int) -> Answer:
        status, *found = self._read(address)
        if status == SUCCESS:
            word = found[0] & ~mask | value & mask
            self._master.store(address, word.to_bytes(4, "little"))
        return (status,)

    def _shutdown(self, kind: int, scope: int, *rest: int) -> Answer:
        if kind >= len(SHUTDOWN):
            return (INVALID_PARAM,)
        if kind != SCOPE_ONLY:
            self._end(f"{SHUTDOWN[kind]} by the PM API")
        return (SUCCESS,)

    def _feature_check(self, number: int, *rest: int) -> Answer:
        return (SUCCESS, 1) if number in self._functions else (NO_FEATURE,)
