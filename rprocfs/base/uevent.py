"""Events to userspace -- lib/kobject_uevent.c."""

from __future__ import annotations

import errno
import re

from rprocfs.fs.kernfs import error

ACTIONS = ("add", "remove", "change", "move", "online", "offline", "bind", "unbind")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ARGUMENT = re.compile(r"([A-Za-z0-9]+)=([A-Za-z0-9]*)")


class UnknownAction(OSError):
    """A synthetic event whose action is none of :data:`ACTIONS` (EINVAL)."""


def parse_synthetic(buf: str) -> tuple[str, dict[str, str]]:
    """kobject_synth_uevent(): ``ACTION [UUID [KEY=VALUE ...]]`` to action and extra keys.

    EINVAL for anything else.
    """
    action, _, rest = buf.removesuffix("\n").partition(" ")
    if action not in ACTIONS:
        raise UnknownAction(errno.EINVAL, "unknown uevent action string")
    if not rest:
        return action, {"SYNTH_UUID": "0"}
    uuid, *words = rest.split(" ")
    if not _UUID.fullmatch(uuid):
        raise error(errno.EINVAL)
    env = {"SYNTH_UUID": uuid}
    for word in words:
        argument = _ARGUMENT.fullmatch(word)
        if argument is None:
            raise error(errno.EINVAL)
        env[f"SYNTH_ARG_{argument[1]}"] = argument[2]
    return action, env
