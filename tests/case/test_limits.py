"""How large a case may be, and that the work of reading one grows no faster than the case."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from phasefield.case.file import read_case
from phasefield.case.file.limits import LONGEST_FILE, MOST_FILES, MOST_KEYS
from phasefield.errors import CaseError
from phasefield.files.toml import DEEPEST

HEAD = 'extends = "planar.toml"\n'
GROWING = {
    "keys at the top": "{head}{keys}",
    "keys of a table": "{head}[grid]\n{keys}",
    "tables": "{head}{tables}",
    "a list": "{head}x = [{numbers}]\n",
    "steps": "{head}[protocol]\nsteps = [{steps}]\n",
    "a deep list": "{head}x = {open}{numbers}{close}\n",
}


def text_of(sort: str, n: int) -> str:
    deep = DEEPEST - 3
    return GROWING[sort].format(
        head=HEAD,
        keys="".join(f"k{k} = {k}\n" for k in range(n)),
        tables="".join(f"[t{k}]\n" for k in range(n)),
        numbers=",".join("1" for _ in range(n)),
        steps=",".join('{ current = "1 A/m^2", duration = "1 h" }' for _ in range(n // 4)),
        open="[" * deep,
        close="]" * deep,
    )


def work(path: Path) -> int:
    """Return how many calls reading a case takes, and how many turns its generators make."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        read_case(path)
    except CaseError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("sort", GROWING)
def test_work_grows_no_faster_than_the_case(sort: str, tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    counts = []
    for n in (8, 8, 400, 800):  # the first fills what is kept from case to case
        path.write_text(text_of(sort, n))
        counts.append(work(path))
    _, few, some, many = counts
    # Twice the entries take twice the work at most: calls that come once are in both.
    assert few < some < many <= 2 * some, counts


def refusal(path: Path) -> str:
    with pytest.raises(CaseError) as caught:
        read_case(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_case_is_refused_above_each_limit(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    for text, words in (
        ("#" * (LONGEST_FILE + 1), "larger than 500 kB"),
        (f"{HEAD}x = [{','.join('1' * MOST_KEYS)}]", f"case.toml:2: x: more than {MOST_KEYS} keys"),
        (f"{HEAD}x = {'[' * DEEPEST}{']' * DEEPEST}", "case.toml:2: x[0][0][0]: lists or tables are nested too deeply"),
        (f"{HEAD}x = {'{ a = ' * 200}1{'}' * 200}", "case.toml:2: x.a.a.a: lists or tables are nested too deeply"),
        ("extends = [" + '"planar.toml",' * MOST_FILES + "]", f"more than {MOST_FILES} files"),
    ):
        path.write_text(text)
        assert words in refusal(path)


def test_a_case_and_its_bases_are_limited_together(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("#" * (LONGEST_FILE // 2) + "\n" + HEAD)
    path = tmp_path / "case.toml"
    path.write_text('extends = "base.toml"\n')
    assert read_case(path)
    path.write_text('extends = ["base.toml", "base.toml"]\n')
    assert "with its bases larger than 500 kB" in refusal(path)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for name, words in (
        (tmp_path / "pipe.toml", "no regular file"), (Path("/dev/zero"), "no regular file"), (tmp_path, "a folder"),
    ):  # fmt: skip
        assert words in refusal(name)
        path = tmp_path / "case.toml"
        path.write_text(f'extends = "{name}"\n')
        assert "no file" in refusal(path)


@pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="no /proc")
def test_a_file_that_states_no_size_is_read_up_to_the_limit() -> None:
    """The length of /proc/self/pagemap is 0 as stated, and it holds billions of bytes."""
    assert "larger than" in refusal(Path("/proc/self/pagemap"))
