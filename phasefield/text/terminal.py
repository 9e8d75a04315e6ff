"""The console of the commands: no text becomes rich's markup, an emoji or a control character of the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.styled import Styled
from rich.text import Text

from phasefield.errors import visible

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task


class PlainConsole(Console):
    """A console that shows texts as they are. A style is given beside a text (`Styled`), never in it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **given: Any) -> Text:
        """Return one line of visible characters: all texts in prints and tables come by here."""
        return super().render_str(visible(text), **{**given, "markup": False, "emoji": False})


def words_column(words: Callable[[Task], str], style: str = "") -> ProgressColumn:
    """Return a column of a progress bar that shows what `words` says of each task."""
    from rich.progress import ProgressColumn

    class Words(ProgressColumn):
        def render(self, task: Task) -> RenderableType:
            return Styled(words(task), style)

    return Words()
