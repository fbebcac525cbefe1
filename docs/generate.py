"""The reference pages, from the code: commands, options, files and the kernel's complaints."""

import argparse
import inspect
import logging
import re
import tempfile
import time
from dataclasses import fields
from pathlib import Path

from rprocfs.board import schema
from rprocfs.check.explanations import EXPLANATIONS
from rprocfs.cli import parser
from rprocfs.fs.kernfs import Dir
from rprocfs.fs.sysfs import SysfsFile
from rprocfs.system import DRIVERS, System, find_driver
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import Userspace
from rprocfs_fuse.command.options import MEANING, Options

KINDS = {
    str: "string", int: "number", bool: "boolean", list: "strings", dict: "table", tuple: "tables",
}  # fmt: skip


def write(directory):
    """Write all pages into *directory*."""
    for name, text in (
        ("commands", commands()),
        ("options", options()),
        ("board", board()),
        ("files", files()),
        ("complaints", complaints()),
    ):
        (directory / f"{name}.md").write_text(text, "utf-8")


def commands():
    """Every command's ``--help``."""
    parts = ["# Commands\n"]
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                parts.append(f"## rprocfs {name}\n\n```text\n{command.format_help()}```\n")
    return "\n".join(parts)


def options():
    """The words behind ``-o``, what they do and their defaults."""
    lines = ["# Mount options", "", "| option | what | default |", "|---|---|---|"]
    for option in fields(Options):
        flag = isinstance(option.default, bool)
        value = "" if flag else f"={option.name.upper()}"
        default = "off" if flag else option.default
        what = MEANING[option.name]
        lines.append(f"| `{option.name}{value}` | {what} | {'' if default is None else default} |")
    return "\n".join([*lines, ""])


def board():
    """Every key of a board file."""
    lines = ["# Board files", ""]
    for header, keys in (
        ("The file itself", schema.TOP),
        ("`[[remoteproc]]`", schema.PROCESSOR),
        *(
            (f'`compatible = "{compatible}"`', find_driver(compatible).properties)
            for compatible in sorted(DRIVERS)
        ),
        ("`[[reserved-memory]]`", schema.REGION),
        ("`[soc]`", schema.SOC),
        ("`[[rule]]`", schema.RULE),
    ):
        lines += [f"## {header}", "", "| key | type | what it means |", "|---|---|---|"]
        for name, key in keys.items():
            lines.append(f"| `{name}` | {KINDS[key.kind]} | {key.meaning} |")
        lines.append("")
    return "\n".join(lines)


def files():
    """Every attribute of a board with a running processor, from the docstrings of its code."""
    rows = {}
    logging.getLogger("rprocfs").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as firmware:
        (Path(firmware) / "fw").write_bytes(IMAGES["good.elf"].make())
        with System(firmware=firmware) as system:
            system.add_processor(
                {"compatible": "rprocfs,sim", "services": "rpmsg-raw@1024 rpmsg-tty@1025"}
            )
            shell = Userspace(system.tree)
            shell.echo("/sys/class/remoteproc/remoteproc0/firmware", "fw")
            shell.echo("/sys/class/remoteproc/remoteproc0/state", "start")
            deadline = time.monotonic() + 10
            while not shell.exists("/dev/ttyRPMSG0") and time.monotonic() < deadline:
                time.sleep(0.01)
            for path, node in _walk(system.tree.root, ""):
                what = node.attr.show or node.attr.on_store
                rows.setdefault((node.attr.name, what), (path, node))
    lines = ["# Files", "", "The attributes of a simulated processor that runs, each once.", ""]
    for path, node in sorted(rows.values(), key=lambda row: row[0]):
        lines += [f"`{path}` ({node.mode & 0o777:04o})", f": {_describe(node.attr)}", ""]
    return "\n".join(lines)


def complaints():
    """What the kernel says of an image, what it means and what mends it."""
    lines = ["# Complaints about firmware", "", "As `rprocfs check` explains them.", ""]
    lines += [
        "Where the image tells more, it says more: for `bad phdr da`, the nearest memory and what "
        "is too much; for a table that is refused or not found, what the section or the table "
        "holds; for a device without memory, which memory. What it tells of an image that boots "
        "is in {doc}`check`.",
        "",
    ]
    for explanation in EXPLANATIONS:
        lines += [f"`{explanation.pattern}`", f": {explanation.meaning} {explanation.remedy}", ""]
    return "\n".join(lines)


def _walk(directory, path):
    for name, node in sorted(directory.children.items()):
        if isinstance(node, Dir):
            yield from _walk(node, f"{path}/{name}")
        elif isinstance(node, SysfsFile):
            yield f"{path}/{name}", node


def _describe(attr):
    texts = []
    for label, function in (("", attr.show), ("Write: ", attr.on_store)):
        text = inspect.getdoc(function) if function else None
        if text:
            texts.append(label + _markdown(text))
    return "\n\n".join(texts).replace("\n", "\n  ") or "(as in the kernel)"


def _markdown(text):
    return re.sub(":(class|func|meth|mod):", "", text.replace("``", "`"))
