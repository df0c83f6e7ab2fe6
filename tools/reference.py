"""Write docs/states.md and docs/errors.md from what the code says of itself.

Usage: reference.py [--write]; without it the pages go to standard output.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowport.model import errors, outcomes, states, undo
from rowport.model.errors import RowportError
from rowport.model.outcomes import RowErrorCode
from rowport.model.states import FINAL, TRANSITIONS, ImportState, Phase, Result
from rowport.model.undo import UndoFate, UndoState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from enum import Enum
    from types import ModuleType

DOCS: Final = Path(__file__).parents[1] / "docs"
MADE: Final = "<!-- Made by `python tools/reference.py --write` from src/rowport/model/{}. -->"
STATES_HEAD: Final = f"""\
# States of an import

{MADE.format("states.py and undo.py")}

An import is always in one state.
Partial success is a count, never a state: a completed import's result is computed from its counts.
The database holds the same table as CHECK constraints, and a test holds the two equal.
"""
ERRORS_HEAD: Final = f"""\
# Errors

{MADE.format("errors.py and outcomes.py")}

A fault of a row is a value that is kept with the row.
A fault of a request or of the system is an error with a code, an HTTP status and a sentence.
Codes are stable for ever; messages may change.
"""


def pages() -> dict[str, str]:
    """Give each page by the name of its file."""
    return {
        "states.md": page(
            STATES_HEAD, states_part(), diagram(), edges(), words_part(), undo_part()
        ),
        "errors.md": page(ERRORS_HEAD, row_errors(), system_errors()),
    }


def page(head: str, *parts: Iterator[str]) -> str:
    """Give a page, ending in one line end."""
    return "\n".join([head, *itertools.chain(*parts)]).rstrip() + "\n"


def states_part() -> Iterator[str]:
    """Say what each state means."""
    yield "| state | means | final |"
    yield "|---|---|---|"
    for state, sentence in sentences(ImportState).items():
        yield f"| `{state}` | {sentence} | {'yes' if ImportState(state) in FINAL else ''} |"
    yield ""


def diagram() -> Iterator[str]:
    """Draw the edges."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> draft"
    yield "    [*] --> receiving"
    yield "    [*] --> reading"
    for old, new in TRANSITIONS:
        yield f"    {old} --> {new}"
    for state in ImportState:
        if state in FINAL:
            yield f"    {state} --> [*]"
    yield "```"
    yield ""


def edges() -> Iterator[str]:
    """Say when each edge is taken."""
    yield "## Transitions"
    yield ""
    yield "What is not in this table is illegal."
    yield ""
    yield "| from | to | when |"
    yield "|---|---|---|"
    for (old, new), sentence in TRANSITIONS.items():
        yield f"| `{old}` | `{new}` | {sentence} |"
    yield ""


def words_part() -> Iterator[str]:
    """Say what phases and results mean."""
    for title, words in (("Phases", Phase), ("Results", Result)):
        yield f"## {title}"
        yield ""
        yield "| word | means |"
        yield "|---|---|"
        for word, sentence in sentences(words).items():
            yield f"| `{word}` | {sentence} |"
        yield ""


def undo_part() -> Iterator[str]:
    """Say what the undo of an import may be, and what it makes of rows."""
    yield "## Undo"
    yield ""
    yield "An import that is undone keeps its state; its undo has one of its own."
    for title, words in (("state", UndoState), ("of a row", UndoFate)):
        yield ""
        yield f"| {title} | means |"
        yield "|---|---|"
        for word, sentence in sentences(words, undo).items():
            yield f"| `{word}` | {sentence} |"
    yield ""


def row_errors() -> Iterator[str]:
    """Say why a row can fail."""
    yield "## Of rows"
    yield ""
    yield "| code | the row fails because |"
    yield "|---|---|"
    for code, sentence in sentences(RowErrorCode, outcomes).items():
        yield f"| `{code}` | {sentence} |"
    yield ""


def system_errors() -> Iterator[str]:
    """Say what else can go wrong."""
    yield "## Of requests and of the system"
    yield ""
    yield "Where the last column says so, the same call can succeed later without any mending."
    yield ""
    yield "| code | HTTP status | says | passes by itself |"
    yield "|---|---|---|---|"
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, RowportError):
            passes = "yes" if kind.transient else ""
            yield f"| `{kind.code}` | {kind.status} | {inspect.getdoc(kind)} | {passes} |"


def sentences(words: type[Enum], module: ModuleType = states) -> Mapping[str, str]:
    """Give each member's value with the sentence that stands below it in the code."""
    tree = ast.parse(inspect.getsource(module))
    [body] = [
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == words.__name__
    ]
    found = {}
    for member, sentence in itertools.pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(sentence, ast.Expr):
            name = ast.unparse(member.targets[0])
            value = words[name]
            word = str(getattr(value, "word", value.value))
            found[word] = " ".join(ast.literal_eval(sentence.value).split())
    return found


def main(arguments: Sequence[str]) -> None:
    """Print or write the pages."""
    for name, text in pages().items():
        if "--write" in arguments:
            (DOCS / name).write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
