"""Which module of mien imports which, read from the source without running any of it."""

import ast
import re
from collections.abc import Container, Iterable, Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "mien"
FILES = sorted(SOURCE.rglob("*.py"))

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def module(path: Path) -> str:
    """Give a file's module without ``mien.``; "" is mien itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


def package(name: str) -> str:
    """Give the package, or the module beside the packages, that a module belongs to."""
    return name.partition(".")[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def statements(node: ast.AST, *, eager: bool, types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Give the imports in a tree.

    With `eager` those alone that run when the module is imported; without `types` none that are for
    the type checker alone.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not (eager and _is_function(child)) and (types or not _is_for_types(child)):
            yield from statements(child, eager=eager, types=types)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.Lambda)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def imported(path: Path, *, eager: bool = False, types: bool = True) -> frozenset[str]:
    """Name what a file imports: of ``from a.b import c`` both ``a.b`` and, if a module, ``a.b.c``.

    A package of mien that is only the way to a module within is left out.
    """
    found: set[str] = set()
    for node in statements(tree(path), eager=eager, types=types and not eager):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            within = {name for name in names if name.removeprefix("mien.") in MODULES}
            found |= within if within == names else within | {node.module}
    return frozenset(found)


def imports(name: str, *, eager: bool = False, types: bool = True) -> set[str]:
    """Name the modules of mien that one of them imports."""
    found = {i.removeprefix("mien.") for i in imported(MODULES[name], eager=eager, types=types)}
    return found & MODULES.keys() - {name}


def outside(name: str) -> set[str]:
    """Name the packages of others, and of Python, that a module imports."""
    return {i.partition(".")[0] for i in imported(MODULES[name])} - {"mien"}


def closure(names: Iterable[str]) -> set[str]:
    """Name modules and all of mien that is imported with them, the packages around it, too."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [*imports(name, eager=True), *_around(name)]
    return found


def _around(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def packages(but: Container[tuple[str, str]] = ()) -> dict[str, set[str]]:
    """Give for each package, and each module beside them, those that it imports.

    Imports of one module by another that are in `but` do not count.
    """
    found: dict[str, set[str]] = {package(name): set() for name in MODULES if name}
    for name in filter(None, MODULES):
        known = {other for other in imports(name) if other and (name, other) not in but}
        found[package(name)] |= set(map(package, known)) - {package(name)}
    return found


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Give a way round a graph back to where it began, or an empty list."""
    done: set[str] = set()

    def search(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := search(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := search(name, []))), [])


def prints(name: str) -> bool:
    """Tell whether a module prints."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(tree(MODULES[name]))
    )


def flags(name: str) -> set[str]:
    """Name what looks like a flag of a command in a module's texts, docstrings aside."""
    spoken: set[str] = set()
    docs = {id(node.value) for node in ast.walk(tree(MODULES[name])) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(MODULES[name])):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            spoken.update(_FLAG.findall(node.value))
    return spoken
