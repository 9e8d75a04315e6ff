"""Signals as in a terminal: a test run that a shell starts in the background, or under nohup, ignores some of them."""

from __future__ import annotations

import signal

for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:  # the commands that the tests start would ignore it, too
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)
