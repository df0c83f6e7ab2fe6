"""Our own tree stays within its limits, and the measure would notice if it did not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import measure


def test_no_hard_limit_is_passed(capsys: pytest.CaptureFixture[str]) -> None:
    status = measure.main(["--quiet"])
    assert (status, capsys.readouterr().out) == (0, "")


def test_the_tree_is_really_read() -> None:
    rows = {row.point: row.value for row in measure.measure(Path(__file__).parents[2])}
    assert not rows["code: file lines, median / p95 / max"].startswith("none")
    assert not rows["tests: function lines, median / p95 / max"].startswith("none")


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c", "a"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_cycles_are_found(graph: dict[str, set[str]], found: list[list[str]]) -> None:
    frozen = {module: frozenset(targets) for module, targets in graph.items()}
    assert sorted(measure.cycles(frozen)) == found


def test_the_import_graph_sees_imports_for_type_checking() -> None:
    graph = measure.import_graph()
    assert any(target.startswith("rowport.model") for target in graph["rowport.model.counts"])


def test_a_file_too_long_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "src" / "long.py").write_text("x = 1\n" * (measure.MAX_FILE_LINES + 1))
    assert measure.main([str(tmp_path), "--quiet"]) == 1
    assert "src/long.py" in capsys.readouterr().out


def test_a_function_too_long_fails(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "tools").mkdir()
    body = "    x = 1\n" * measure.MAX_FUNCTION_LINES
    (tmp_path / "tools" / "long.py").write_text(f"def long() -> None:\n{body}")
    assert measure.main([str(tmp_path), "--quiet"]) == 1


def test_a_docstring_is_no_length() -> None:
    tree = ast.parse('def f() -> int:\n    """One.\n\n    Two.\n    """\n    return 1\n')
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert measure.body_lines(function) == 2


@pytest.mark.parametrize(
    ("comment", "has_code_and_reason"),
    [
        ("# noqa", (False, False)),
        ("# noqa: S101", (True, False)),
        ("# noqa: S101, D100  said by nobody", (True, True)),
        ("# type: ignore", (False, False)),
        ("# type: ignore[misc]", (True, False)),
        ("# type: ignore[misc]  the stub lags", (True, True)),
    ],
)
def test_exemptions_need_a_code_and_a_reason(
    tmp_path: Path, comment: str, has_code_and_reason: tuple[bool, bool]
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one.py").write_text(f"x = 1  {comment}\n")
    [found] = measure.exemptions(measure.read(tmp_path, "src"))
    assert (found.has_code, found.has_reason) == has_code_and_reason


def test_an_unannotated_argument_is_noticed() -> None:
    tree = ast.parse("def f(a: int, *, b) -> None: ...\ndef g(self, *a: int) -> None: ...")
    verdicts = [measure.is_annotated(f) for f in tree.body if isinstance(f, ast.FunctionDef)]
    assert verdicts == [False, True]


def test_open_ends_and_bare_lint_exceptions_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    ends = "# TODO: some day\n# TODO(issue 7): soon\n"
    (tmp_path / "src" / "one.py").write_text(ends)
    (tmp_path / "pyproject.toml").write_text('    "D105",\n    "D107", # said\n')
    rows = {row.point: row.value for row in measure.measure(tmp_path)}
    assert rows["TODO without an issue"] == "1 (src/one.py:1)"
    assert rows["lint exceptions without a reason"] == "1 (D105)"
