"""What the loader and the table checks decide of a boot, without a processor."""

import errno
from dataclasses import dataclass, field

from rprocfs.kernel import DEFAULT, KernelVersion
from rprocfs.remoteproc.elf_loader import (
    rproc_elf_load_rsc_table,
    rproc_elf_load_segments,
    rproc_elf_sanity_check,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rsc_table import (
    FwRscCarveout,
    FwRscDevmem,
    FwRscVdev,
    iter_resources,
    rproc_parse_vring,
)
from rprocfs.testing.images import TCM_BASE, TCM_SIZE, Stage

MAX_CARVEOUT = 1 << 24


@dataclass
class DryBoot:
    """As rproc_fw_boot, for a processor with TCM, no IOMMU, and up to 16 MiB a carveout."""

    fw: bytes
    kernel: KernelVersion = DEFAULT
    stage: Stage = Stage.REQUEST
    errno: int = 0
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.regions = [(TCM_BASE, memoryview(bytearray(TCM_SIZE)))]
        self.names: set[str] = set()
        steps = {
            Stage.REQUEST: self.request,
            Stage.SANITY: lambda: rproc_elf_sanity_check(self.fw, self.kernel),
            Stage.PARSE: self.parse,
            Stage.RESOURCES: self.handle_resources,
            Stage.CARVEOUTS: self.alloc_carveouts,
            Stage.SEGMENTS: lambda: rproc_elf_load_segments(self.da_to_va, self.fw),
        }
        for self.stage, step in steps.items():
            try:
                step()
            except FirmwareError as error:
                self.fail(error)
                return
        self.stage = Stage.RUNNING

    def fail(self, error: FirmwareError) -> None:
        core = {
            Stage.RESOURCES: "Failed to process resources",
            Stage.CARVEOUTS: "Failed to allocate associated carveouts",
            Stage.SEGMENTS: "Failed to load program segments",
        }
        self.errno = error.errno
        self.log += [error.strerror] if error.strerror else []
        self.log += [f"{core[self.stage]}: -{error.errno}"] if self.stage in core else []

    def request(self) -> None:
        if not self.fw:
            raise FirmwareError

    def parse(self) -> None:
        self.table = memoryview(bytearray(rproc_elf_load_rsc_table(self.fw)))

    def handle_resources(self) -> None:
        self.carveouts: list[FwRscCarveout] = []
        for entry in iter_resources(self.table):
            view = entry.view(self.table)
            if view is None:
                self.log.append(entry.unsupported())
            elif isinstance(view, FwRscDevmem):
                raise FirmwareError
            elif isinstance(view, FwRscCarveout):
                self.add_carveout(view)
            elif isinstance(view, FwRscVdev):
                self.probe(view)

    def probe(self, vdev: FwRscVdev) -> None:
        """Errors of rproc-virtio's probe are logged, and end there."""
        try:
            for vring in vdev.vring:
                rproc_parse_vring(vring)
        except FirmwareError as error:
            self.log.append(error.strerror)

    def add_carveout(self, rsc: FwRscCarveout) -> None:
        if rsc.name in self.names:
            text = "Carveout already associated to resource table"
            raise FirmwareError(text, errno.ENOMEM)
        self.names.add(rsc.name)
        self.carveouts.append(rsc)

    def alloc_carveouts(self) -> None:
        for rsc in self.carveouts:
            if rsc.len > MAX_CARVEOUT:
                raise FirmwareError(f"Unable to allocate carveout {rsc.name}: -12", errno.ENOMEM)
            self.regions.append((rsc.da, memoryview(bytearray(rsc.len))))

    def da_to_va(self, da: int, size: int) -> memoryview | None:
        for base, memory in self.regions:
            if base <= da and da + size <= base + len(memory):
                return memory[da - base : da - base + size]
        return None
