"""No modules import each other in a circle, and every name in a table of strings is there."""

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TREES = {"rprocfs": ROOT, "rprocfs_fuse": ROOT / "mount", "rprocfs_labgrid": ROOT / "mount"}

#: "module:NAME": an entry of DRIVERS, MODULES or COMMANDS, or an entry point; pytest's has no NAME.
_ENTRY = re.compile(r"(rprocfs(?:_fuse|_labgrid)?(?:\.\w+)*)(?::(\w+))?")


def _modules():
    """Every module of ours: its name -> its file."""
    found = {}
    for package, above in TREES.items():
        for path in (above / package).rglob("*.py"):
            name = ".".join(path.relative_to(above).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = _modules()


def _targets(node, where):
    """The modules of ours that an import statement names, also under TYPE_CHECKING."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & set(MODULES)
    assert node.level == 0, f"{where}: relative import"
    names = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
    # `from package import module` needs the module; the package is only on the way to it.
    others = [alias for alias in node.names if f"{node.module}.{alias.name}" not in MODULES]
    return names | ({node.module} & set(MODULES) if others else set())


def _at_module_level(tree):
    """The statements that run, or are type-checked, when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        yield from _at_module_level(node)


def _named(tree):
    """The modules that strings of the form "module:NAME" name, wherever they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = _ENTRY.fullmatch(node.value)
            if found is not None and found[2]:
                yield found


def graph(modules):
    """module -> the modules it imports at its level, or names in a table of strings."""
    edges = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text())
        edges[name] = {found[1] for found in _named(tree)}
        for node in _at_module_level(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                edges[name] |= _targets(node, path)
        edges[name].discard(name)
    return edges


def circles(edges):
    """The strongly connected components of more than one module, by Tarjan's algorithm."""
    order, low, stack, found = {}, {}, [], []

    def visit(module):
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(edges.get(module, ())):
            if other not in order:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            circle = stack[stack.index(module) :]
            del stack[-len(circle) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in sorted(edges):
        if module not in order:
            visit(module)
    return found


def test_no_circles():
    assert circles(graph(MODULES)) == []


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_a_table_of_strings_counts(tmp_path):
    (tmp_path / "one.py").write_text('TABLE = {"x": "rprocfs.errors:Refused"}\n')
    assert graph({"one": tmp_path / "one.py"}) == {"one": {"rprocfs.errors"}}


def test_imports_for_the_type_checker_count(tmp_path):
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import rprocfs.kernel\n"
    (tmp_path / "one.py").write_text(text + "def f():\n    import rprocfs.errors\n")
    assert graph({"one": tmp_path / "one.py"}) == {"one": {"rprocfs.kernel"}}


def entries():
    """Every "module:NAME" in our code and in pyproject.toml, with its place."""
    for name, path in sorted(MODULES.items()):
        yield from ((name, found) for found in _named(ast.parse(path.read_text())))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tables = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    for value in (value for table in tables for value in table.values()):
        found = _ENTRY.fullmatch(value)
        assert found is not None, f"pyproject.toml: {value}"
        yield "pyproject.toml", found


@pytest.mark.parametrize(
    ("where", "entry"), [pytest.param(w, e, id=f"{w}-{e[0]}") for w, e in entries()]
)
def test_what_a_table_names_is_there(where, entry):
    assert entry[1] in MODULES, f"{where} names {entry[0]}: there is no such module"
    module = import_module(entry[1])
    assert entry[2] is None or hasattr(module, entry[2]), f"{where} names {entry[0]}"


def test_the_tables_are_seen():
    assert {"rprocfs.system", "rprocfs.cli", "pyproject.toml"} <= {where for where, _ in entries()}
