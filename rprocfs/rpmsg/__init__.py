"""The rpmsg bus: channels, endpoints, name service, character devices."""

from rprocfs.rpmsg.subsystem import Rpmsg

__all__ = ["Rpmsg"]
