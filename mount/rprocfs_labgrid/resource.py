"""The resources: a board that this machine makes, and one that an exporter makes."""

from __future__ import annotations

import attr
from attr.validators import instance_of, optional
from labgrid.factory import target_factory
from labgrid.resource.common import ManagedResource, NetworkResource, Resource
from labgrid.resource.remote import RemotePlaceManager


@target_factory.reg_resource
@attr.s(eq=False)
class RprocfsBoard(Resource):
    """A board that ``rprocfs run`` makes on this machine, once its power is on.

    Args:
        board (str): a ready board (``rprocfs board list``) or a file; the default one if empty
        firmware (str): the directory of its images; its own images if empty
        options (str): more words for ``-o``, with commas between them
        uevents (bool): send the events of devices; commands then have no network
    """

    board: str = attr.ib(default="", validator=instance_of(str))
    firmware: str = attr.ib(default="", validator=instance_of(str))
    options: str = attr.ib(default="", validator=instance_of(str))
    uevents: bool = attr.ib(default=False, validator=instance_of(bool))

    def words(self) -> list[str]:
        """The arguments of ``rprocfs run`` that it stands for."""
        words = ["--board", self.board] if self.board else []
        if self.firmware:
            words += ["-o", f"firmware={self.firmware}"]
        if self.options:
            words += ["-o", self.options]
        return [*words, "--uevents"] if self.uevents else words


@target_factory.reg_resource
@attr.s(eq=False)
class NetworkRprocfsBoard(NetworkResource, ManagedResource):
    """A board that an exporter makes; what a client knows of it comes from the coordinator.

    Args:
        host (str): the machine of the exporter, for ssh
        board (str): what the exporter was told to make
        door (str): the command that reaches the board there, as words of a shell; None unless its
            place is acquired
    """

    manager_cls = RemotePlaceManager

    board: str = attr.ib(default="", validator=instance_of(str))
    door: str | None = attr.ib(default=None, validator=optional(instance_of(str)))

    def __attrs_post_init__(self) -> None:
        """Wait a while for an exporter that comes back, as resources of USB do."""
        self.timeout = 10.0
        super().__attrs_post_init__()
