"""Texts that somebody may put into a case, a study, a profile or a name of a file, and what must not come of them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from storing import SHAPE, create, record

from phasefield.results.writer import write_summary

MARKUP = (
    "<img src=x onerror=window.bad=1>",
    "</script><script>window.bad=1</script>",
    "</pre></td></table></title><script>window.bad=1</script>",
    "<!--<script>window.bad=1//",
    "--><svg onload=window.bad=1>",
    "]]><a href='javascript:window.bad=1'>",
    "\"><iframe srcdoc='<script>parent.bad=1</script>'>",
    "' onmouseover='window.bad=1",
    "<style>body{display:none}</style>",
    "<b>bold</b> &lt;i&gt; &amp; &#60;u&#62;",
    "<!--title-->",
    "/*data*/",
    "/*plotly*/",
    "{{ 7*7 }}",
    "{{ constructor.constructor('window.bad=1')() }}",
    "{% for x in range(9) %}",
    "{# note #}",
    "${7*7} `x`",
    "<div v-html='1' v-on:click='window.bad=1'>",
)
RICH = (
    "CE [a] vs [/b]", "[bold red]red[/]", "[/]", "[link=file:///etc]x[/link]", ":smile: :bomb:", "\\[x]", "[@click=f]",
)  # fmt: skip
CONTROLS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://a.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x9b31m and \x9d0;x\x9c",
    "gone\rhere",
    "abc\b\b\bxyz",
    "ring\x07, \x0b, \x0c and \x7f",
    "two\nlines: valid",
    "tab\tstop",
    "\u202etxt.exe\u202c",
    "\u2066isolate\u2069 \u200f\u061c",
    "line\u2028end\u2029",
    "zero\u200bwidth\ufeff",
)
FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+SUM(A1:A9)",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "'=1+1",
    "\uff1d1+1",
    "a;=1+1;b",
    'x",=1+1,"',
    "a,=1+1",
)
LETTERS = (
    r"$\frac{$",
    "$x_1$ and 5 $",
    r"\$5 $\undefined$",
    "100 % #1 _a_ ^b^ ~c~ *d* **e**",
    "[a](javascript:alert(1)) ![b](c.png) | d | `e`",
    "a|b|c",
    "_hidden",
    "; rm -rf / #",
    "x" * 5000,
)
TEXTS = (*MARKUP, *RICH, *CONTROLS, *FORMULAS, *LETTERS)
FORBIDDEN = frozenset(
    [chr(k) for k in (*range(0x20), *range(0x7F, 0xA0))] + [*"\u061c\u200b\u200e\u200f\u2028\u2029\ufeff"]
    + [chr(k) for k in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))]
)  # fmt: skip
"""What a terminal, or the eye, would take for something other than a letter."""


def unseen(text: str, allowed: str = "\n") -> set[str]:
    """Return the forbidden characters of a text."""
    return {c for c in text if c in FORBIDDEN and c not in allowed}


def letters(text: str) -> str:
    """Return a text without its forbidden characters, blanks, and what escapes them: what must be seen of it."""
    return "".join(c for c in text if c not in FORBIDDEN and not c.isspace())


class Outline(HTMLParser):
    """The tags of a page with their attributes, its texts, and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and the names of its attributes."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a tag."""
        self.tags.append((f"/{tag}", ()))
        self.inside = ""

    def handle_comment(self, data: str) -> None:
        """Note a comment: the pages have none."""
        self.tags.append(("comment", ()))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        (self.scripts if self.inside == "script" else self.texts).append(data)


def store_run(folder: Path, title: str, texts: tuple[str, ...] = ()) -> Path:
    """Store a run of a few steps whose title, sources, statuses, versions, events and ending are these texts."""
    quoted = [json.dumps(text) for text in texts]
    rows = [f"{one} = {{ value = {one}, status = {one}, source = {one} }}" for one in quoted]
    rows += [f'{json.dumps("c" + text)} = {{ value = {json.dumps(text)}, status = "calibrated" }}' for text in texts]
    record(
        create(
            folder, SHAPE, case_text="\n".join(texts), resolved_case="\n".join(rows),
            versions={text: text for text in texts}, attrs={"title": title},
        ), 0, 6, every=3,
    )  # fmt: skip
    said = " ".join(texts)
    write_summary(folder, {
        "title": title, "finished": True, "reason": said, "text": said, "steps": 6, "wall_time": 1.0,
        "seconds_per_step": 0.1, "peak_memory": 1e6, "event_counts": {},
        "events": [{"event": text, "time": 1.0, "end": None} for text in texts],
    })  # fmt: skip
    return folder
