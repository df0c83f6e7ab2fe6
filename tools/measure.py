"""Measure our own tree: sizes, cycles, annotations, exceptions to the rules.

Prints a table and exits with 1 if a hard limit is passed.  Usage: measure.py [--quiet] [FOLDER].
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import statistics
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grimp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_FILE_LINES: Final = 600
MAX_FUNCTION_LINES: Final = 60
MAX_CYCLES: Final = 0
DOCUMENTED_LAYERS: Final = ("model", "ports", "service", "engine")
"""Where every public thing needs a docstring."""

EXEMPTION: Final = re.compile(
    r"#\s*(?P<kind>noqa|type:\s*ignore)(?P<codes>:\s*[A-Z0-9, ]+|\[[^]]+\])?"
)
LINT_EXCEPTION: Final = re.compile(r'^ {4}"([A-Z]+[0-9]*)",[ ]*(#.+)?$', re.MULTILINE)
OPEN_END: Final = re.compile(r"#\s*(TODO|FIXME|XXX)\b(?!.*(#\d|issue))")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A file or a function with its length."""

    where: str
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A `noqa` or a `type: ignore` in the code."""

    where: str
    kind: str
    has_code: bool
    has_reason: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Python file, read and parsed."""

    path: Path
    where: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """Physical lines."""
        return self.text.count("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    point: str
    value: str
    limit: str
    is_good: bool
    is_hard: bool = False


def read(folder: Path, *parts: str) -> list[Source]:
    """Read every Python file below these parts of the checkout, in order of path."""
    paths = sorted(path for part in parts for path in (folder / part).rglob("*.py"))
    return [
        Source(
            path=path,
            where=path.relative_to(folder).as_posix(),
            text=(text := path.read_text(encoding="utf-8")),
            tree=ast.parse(text),
        )
        for path in paths
    ]


def functions(sources: Iterable[Source]) -> Iterator[tuple[Source, FunctionNode]]:
    """Give every function and method."""
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, FunctionNode):
                yield source, node


def function_sizes(sources: Iterable[Source]) -> list[Sized]:
    """Measure functions from `def` to their last line, without the docstring."""
    return [
        Sized(where=f"{source.where}:{node.lineno} {node.name}", lines=body_lines(node))
        for source, node in functions(sources)
    ]


def body_lines(node: FunctionNode) -> int:
    """Count the lines of a function; prose in its docstring is not length."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is None:
        return whole
    first = node.body[0]
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def is_annotated(node: FunctionNode) -> bool:
    """Tell whether the return and every argument but self and cls have a type."""
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    rest = [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    return node.returns is not None and all(
        argument.annotation or argument.arg in {"self", "cls"} for argument in [*named, *rest]
    )


def exemptions(sources: Iterable[Source]) -> Iterator[Exemption]:
    """Give every comment that switches a check off; a reason is any word after the code."""
    for source in sources:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            found = EXEMPTION.search(token.string) if token.type == tokenize.COMMENT else None
            if found:
                rest = EXEMPTION.sub("", token.string).strip(" #")
                yield Exemption(
                    where=f"{source.where}:{token.start[0]}",
                    kind=found["kind"].split(":")[0],
                    has_code=bool(found["codes"]),
                    has_reason=bool(rest),
                )


def undocumented(sources: Iterable[Source]) -> Iterator[str]:
    """Give every public class and function of the documented layers without a docstring."""
    for source in sources:
        yield from undocumented_in(source.tree, source.where)


def undocumented_in(parent: ast.Module | ast.ClassDef, where: str) -> Iterator[str]:
    """Give the public things of one module or class that lack a docstring."""
    for node in parent.body:
        if not isinstance(node, FunctionNode | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{where}:{node.lineno} {node.name}"
        if isinstance(node, ast.ClassDef):
            yield from undocumented_in(node, where)


def import_graph() -> Mapping[str, frozenset[str]]:
    """Give who imports whom in rowport, imports for type checking included."""
    graph = grimp.build_graph("rowport", exclude_type_checking_imports=False, cache_dir=None)
    return {
        module: frozenset(graph.find_modules_directly_imported_by(module))
        for module in graph.modules
    }


def cycles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Give the groups of two or more modules that reach each other (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in sorted(graph.get(module, ())):
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            start = stack.index(module)
            group = sorted(stack[start:])
            del stack[start:]
            if len(group) > 1:
                found.append(group)

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return found


def spread(sizes: Sequence[Sized]) -> str:
    """Say median, 95th percentile and maximum, and where the maximum is."""
    if not sizes:
        return "none"
    lengths = sorted(size.lines for size in sizes)
    p95 = lengths[min(len(lengths) - 1, round(0.95 * len(lengths)))]
    longest = max(sizes, key=lambda size: size.lines)
    return f"{statistics.median(lengths):g} / {p95} / {longest.lines} ({longest.where})"


def size_row(point: str, sizes: Sequence[Sized], *, goal: str, limit: int) -> Row:
    """Judge lengths by their maximum."""
    worst = max((size.lines for size in sizes), default=0)
    return Row(point=point, value=spread(sizes), limit=goal, is_good=worst <= limit, is_hard=True)


def listed(names: Sequence[str]) -> str:
    """Say how many, and the first few."""
    shown = ", ".join(names[:3])
    return f"{len(names)}" + (f" ({shown}{', ...' if len(names) > 3 else ''})" if names else "")  # noqa: PLR2004  a taste


def size_rows(code: Sequence[Source], tests: Sequence[Source]) -> Iterator[Row]:
    """Judge the lengths of files and functions."""
    for name, sources in (("code", code), ("tests", tests)):
        files = [Sized(where=source.where, lines=source.lines) for source in sources]
        yield size_row(
            f"{name}: file lines, median / p95 / max",
            files,
            goal="<= 100 / 400 / 600",
            limit=MAX_FILE_LINES,
        )
        yield size_row(
            f"{name}: function lines, median / p95 / max",
            function_sizes(sources),
            goal="<= 8 / 35 / 60",
            limit=MAX_FUNCTION_LINES,
        )


def rule_rows(code: Sequence[Source], everything: Sequence[Source]) -> Iterator[Row]:
    """Judge annotations, exemptions and docstrings."""
    bare = [
        f"{s.where}:{f.lineno} {f.name}" for s, f in functions(everything) if not is_annotated(f)
    ]
    yield Row(point="functions not annotated", value=listed(bare), limit="0", is_good=not bare)

    found = list(exemptions(everything))
    for kind in ("type", "noqa"):
        count = sum(exemption.kind == kind for exemption in found)
        thousands = sum(source.lines for source in everything) / 1000
        rate = count / thousands if thousands else 0.0
        name = "type: ignore" if kind == "type" else kind
        yield Row(
            point=f"{name}, per 1,000 lines",
            value=f"{count}, {rate:.2f}",
            limit="<= 0.5" if kind == "type" else "few",
            is_good=kind == "noqa" or rate <= 0.5,  # noqa: PLR2004  kopf's rate
        )
    unexplained = [item.where for item in found if not (item.has_code and item.has_reason)]
    yield Row(
        point="of these without code and reason",
        value=listed(unexplained),
        limit="0",
        is_good=not unexplained,
    )

    rooms = tuple(f"src/rowport/{layer}" for layer in DOCUMENTED_LAYERS)
    missing = list(undocumented(source for source in code if source.where.startswith(rooms)))
    yield Row(
        point="public things without a docstring in " + ", ".join(DOCUMENTED_LAYERS),
        value=listed(missing),
        limit="0",
        is_good=not missing,
    )


def habit_rows(folder: Path, everything: Sequence[Source]) -> Iterator[Row]:
    """Judge what pyproject.toml allows, twins and open ends."""
    project = (folder / "pyproject.toml").read_text(encoding="utf-8")
    contracts = project.count("[[tool.importlinter.contracts]]")
    ignored = len(re.findall(r"^ignore_imports", project, re.MULTILINE))
    yield Row(
        point="import contracts / ignore_imports lines",
        value=f"{contracts} / {ignored}",
        limit=">= 7 / 0",
        is_good=contracts >= 7 and not ignored,  # noqa: PLR2004  the goal
    )
    bare = [code for code, reason in LINT_EXCEPTION.findall(project) if not reason]
    yield Row(
        point="lint exceptions without a reason",
        value=listed(bare),
        limit="0",
        is_good=not bare,
    )
    names = {node.name for _, node in functions(everything)}
    twins = sorted(name for name in names if name.endswith("_async") and name[:-6] in names)
    yield Row(
        point="twins, sync and async of the same",
        value=listed(twins),
        limit="0",
        is_good=not twins,
    )
    open_ends = [
        f"{source.where}:{number}"
        for source in everything
        for number, line in enumerate(source.text.splitlines(), start=1)
        if OPEN_END.search(line)
    ]
    yield Row(
        point="TODO without an issue",
        value=listed(open_ends),
        limit="0",
        is_good=not open_ends,
    )


def measure(folder: Path) -> list[Row]:
    """Measure the checkout in `folder`."""
    code, tests = read(folder, "src"), read(folder, "tests")
    others = read(folder, "tools", "bench")
    groups = cycles(import_graph())
    code_lines, test_lines = (sum(s.lines for s in part) for part in (code, tests))
    ratio = test_lines / code_lines if code_lines else 0.0
    return [
        *size_rows([*code, *others], tests),
        Row(
            point="import cycles, TYPE_CHECKING included",
            value=listed([" <-> ".join(group) for group in groups]),
            limit="0",
            is_good=len(groups) <= MAX_CYCLES,
            is_hard=True,
        ),
        *rule_rows(code, [*code, *others, *tests]),
        *habit_rows(folder, [*code, *others, *tests]),
        Row(
            point="test lines per code line",
            value=f"{ratio:.2f} ({test_lines:,} / {code_lines:,})",
            limit="1.3 to 2.0",
            is_good=1.3 <= ratio <= 2.0,  # noqa: PLR2004  the span of the codebases we admire
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a hard limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--quiet", action="store_true", help="print only what passes a hard limit")
    options = parser.parse_args(arguments)
    rows = measure(options.folder)
    for row in rows:
        broken = row.is_hard and not row.is_good
        if broken or not options.quiet:
            mark = "FAIL" if broken else "ok" if row.is_good else "look"
            print(f"{mark:<5}{row.point}: {row.value}  [{row.limit}]")
    return int(any(row.is_hard and not row.is_good for row in rows))


if __name__ == "__main__":
    sys.exit(main())
