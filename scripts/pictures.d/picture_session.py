"""A session under ``rprocfs run``: typed as a user would, each output shown at once."""

import re
import subprocess
import sys
from io import StringIO

from rich.console import Console
from rich.text import Text

#: What is typed, and what the recorder waits for before it goes on.
COMMANDS = (
    ("cd /sys/class/remoteproc/remoteproc0", "true"),
    ("cat name state", "true"),
    (
        "echo echo.elf > firmware; echo start > state; cat state",
        "[ -e /sys/bus/rpmsg/devices/virtio0.rpmsg-echo.-1.1025 ]",
    ),
    ("ls /sys/bus/rpmsg/devices", "[ -e /dev/rpmsg0 ]"),
    ('exec 3<> /dev/rpmsg0; echo "hello, M4" >&3; head -n 1 <&3', "true"),
    ("cat /sys/kernel/debug/remoteproc/remoteproc0/trace0", "true"),
    (
        "echo 1 > /sys/kernel/debug/remoteproc/remoteproc0/crash",
        "[ $(dmesg | grep -c 'is now up') = 2 ]",
    ),
    ("dmesg | grep 'remoteproc0:' | tail -n 5", "true"),
)
START = "rprocfs run -- bash"
COLUMNS = 76
#: Seconds that a character takes, an output is waited for, it is read, and the end is shown.
TYPED, WAITED, READ, SHOWN = 0.018, 0.15, 0.35, 3.5
PROMPT = {True: "$ ", False: "# "}
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-size: {char_height}px; white-space: pre;
font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def record() -> list[tuple[str, list[str]]]:
    """Run the session: each command with the lines that it printed."""
    script = "exec 2>&1\n" + "".join(
        f"{command}\nuntil {condition}; do sleep 0.05; done\nprintf '\\001'\n"
        for command, condition in COMMANDS
    )
    done = subprocess.run(
        [sys.executable, "-m", "rprocfs", "run", "--", "bash", "-c", script],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    outputs = [output.splitlines() for output in done.stdout.split("\1")]
    typed = [command for command, _ in COMMANDS]
    return [(START, []), *zip(typed, outputs, strict=False)]


def draw() -> str:
    """The session as SVG that moves; where nothing moves, it shows the end."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    times: list[tuple[float, int]] = []  # of each line, when it comes, and how much is typed
    now = 0.5
    for command, output in record():
        prompt = PROMPT[command == START]
        console.print(Text.assemble((prompt, "green"), (command, "bold")), no_wrap=True)
        times.append((now, len(command)))
        now += TYPED * len(command) + WAITED
        for line in output:
            console.print(Text(line), no_wrap=True, overflow="ellipsis")
            times.append((now, 0))
        now += READ
    picture = console.export_svg(title="rprocfs", code_format=TEMPLATE, unique_id="session")
    return animate(_tidy(picture), times, now + SHOWN)


def _tidy(picture: str) -> str:
    """Without the segments that are the ends of lines."""
    picture = re.sub(r"<text [^>]*>\s*</text>", "", picture)
    return "\n".join(line.rstrip() for line in picture.splitlines() if line.strip()) + "\n"


def animate(picture: str, times: list[tuple[float, int]], length: float) -> str:
    """Let each line of *picture* appear at its time: its clip rectangle grows."""

    def moving(match: re.Match[str]) -> str:
        number, rectangle, full = int(match[1]), match[2], float(match[3])
        if number >= len(times):
            return match[0]
        at, typed = times[number]
        cell = full / COLUMNS
        steps = [(0.0, 0.0), (at, 2 * cell if typed else full)]
        steps += [(at + TYPED * n, (2 + n) * cell) for n in range(1, typed)]
        steps += [(at + TYPED * typed, full)] if typed else []
        moments = ";".join(f"{when / length:.4f}" for when, _ in steps)
        widths = ";".join(f"{width:.0f}" for _, width in steps)
        return (
            f'<clipPath id="session-line-{number}"><{rectangle}><animate attributeName="width" '
            f'dur="{length:.1f}s" repeatCount="indefinite" calcMode="discrete" '
            f'keyTimes="{moments}" values="{widths}"/></rect></clipPath>'
        )

    line = (
        r'<clipPath id="session-line-(\d+)">\s*<(rect [^>]*width="([\d.]+)"[^>]*)/>\s*</clipPath>'
    )
    return re.sub(line, moving, picture)
