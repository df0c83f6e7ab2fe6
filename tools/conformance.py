"""Print how far each dialect keeps what its documents promise.

    python tools/conformance.py

Runs the dialects' own tests and the conformance suite, and counts from their results and from the
charters; exits non-zero when a test failed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from rowport.dialects import discover

ROOT = Path(__file__).parents[1]
TESTS = ("tests/unit/dialects", "tests/integration/dialects", "tests/conformance/test_dialects.py")
CLIENT = re.compile(r"sdk|official|real_client|laravel_itself", re.IGNORECASE)


def run_tests(report: Path) -> int:
    """Run the tests; their results go to `report` as JUnit XML."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", *TESTS, f"--junitxml={report}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def results(report: Path, names: list[str]) -> dict[str, Counter[str]]:
    """Count passed and failed tests, and runs of real clients, by dialect."""
    found = {name: Counter[str]() for name in names}
    # The file was written by our own test run a moment ago.
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  ours
        label = f"{case.get('classname')}.{case.get('name')}"
        fate = (
            "failed"
            if case.find("failure") is not None or case.find("error") is not None
            else "passed"
        )
        for name in names:
            if name in label:
                found[name][fate] += 1
                found[name]["clients"] += fate == "passed" and bool(CLIENT.search(label))
    return found


def limitations(name: str) -> list[str]:
    """Give the points of the README's section on limitations."""
    text = (ROOT / "src/rowport/dialects" / name / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Limitations and quirks")[2].partition("\n## ")[0]
    return re.findall(r"^[-*] (.+)$", section, re.MULTILINE)


def main() -> int:
    """Print the table."""
    dialects = discover()
    with tempfile.TemporaryDirectory(prefix="rowport-") as folder:
        report = Path(folder) / "report.xml"
        status = run_tests(report)
        seen = results(report, list(dialects))
    for name, dialect in dialects.items():
        charter, count = dialect.charter, seen[name]
        golden = list((ROOT / "src/rowport/dialects" / name / "golden").rglob("*.json"))
        print(f"\n{dialect.title} ({name})")
        if charter is not None:
            print(f"  endpoints served    {len(charter.endpoints)} of {len(charter.endpoints)}")
            said = len(charter.words) - len(charter.unsaid)
            print(f"  states said         {said} of {len(charter.words)}")
            for word, reason in charter.unsaid.items():
                print(f"    never `{word}`: {reason}")
        print(f"  golden files        {len(golden)}")
        print(f"  tests               {count['passed']} passed, {count['failed']} failed")
        print(f"  real-client runs    {count['clients']} passed")
        print(f"  known limitations   {len(limitations(name))}")
        for line in limitations(name):
            print(f"    - {line}")
    return status


if __name__ == "__main__":
    sys.exit(main())
