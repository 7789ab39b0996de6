"""Run a script: its settings as command-line flags, a user's mistake as one line, exit codes 0, 1 and 2."""

import contextlib
import dataclasses
import errno
import importlib.metadata
import io
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

Config = TypeVar("Config")
SEEDS = 2**32 - 1  # the highest: NumPy and Keras take no other
KINDS = {"INT": "a whole number", "FLOAT": "a number"}
# What tyro says, in its own words, and how we say it
SAYINGS = (
    (r"Error parsing (--\S+): .*(FLOAT|INT).*\['(.*)'\]", lambda m: f"{m[1]} {m[3]}: must be {KINDS[m[2]]}"),
    (r"Error parsing (--\S+): invalid literal for int.*'(.*)'", lambda m: f"{m[1]} {m[2]}: must be a whole number"),
    (r"Error parsing (--\S+): could not convert string to float: '(.*)'", lambda m: f"{m[1]} {m[2]}: must be a number"),
    (
        r"Error parsing (--\S+): Could not parse arguments \[(.*)\] into .*\[(int|float)",
        lambda m: f"{m[1]} {m[2].replace(chr(39), '').replace(',', '')}: must be numbers",
    ),
    (
        r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)",
        lambda m: f"{m[2]} {m[1]}: must be one of {m[3].strip(',').replace(chr(39), '')}",
    ),
    (
        r"Unrecognized options: (\S+?)(,.*?)?(?: Perhaps you meant: (--[\w-]+).*)?$",
        lambda m: f"{m[1]}: no such setting" + (f", did you mean {m[3]}?" if m[3] else ""),
    ),
    (
        r"Missing value for argument '(.*)'\. Expected (\d+)",
        lambda m: f"{m[1]}: needs " + ("a value" if m[2] == "1" else f"{m[2]} values"),
    ),
)


class UserError(Exception):
    """Something the user can mend: the message is one line that says what, where and what to do next."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code


listeners: list[Callable[[str], None]] = []  # who else is told what `say` prints: a page in the browser
_stderr = threading.RLock()  # stderr is the whole program's: see `quiet`


def say(message: str) -> None:
    """Print one line of progress or warning to stderr; stdout is for results."""
    with _stderr:
        print(message, file=sys.stderr, flush=True)
    for listener in listeners:
        listener(message)


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, as one says it: 1 photo, 2,000 photos."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def reason_of(error: Exception) -> str:
    """Return why something failed, in one line, without what only programmers say, such as [Errno 2]."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error).strip()
    return reason.partition("\n")[0] or type(error).__name__


def check_range(config, low: float, high: float, *names: str) -> None:
    """Raise UserError for one of the settings that is below `low` or above `high`."""
    for name in names:
        if not low <= getattr(config, name) <= high or math.isinf(getattr(config, name)):
            flag, span = f"--{name.replace('_', '-')} {getattr(config, name)}", f"{low} to {high}"
            raise UserError(f"{flag}: must be {span if high < math.inf else f'at least {low}'}", 2)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what C++ libraries print to stderr meanwhile; TensorFlow and LiteRT greet users with lines of no use.

    One thread at a time, and what another one has to say waits for its end.
    """
    with _stderr:
        sys.stderr.flush()
        kept = os.dup(2)
        try:
            with open(os.devnull, "w") as nothing:
                os.dup2(nothing.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


class _Signals(threading.local):
    """What each thread knows of signals. Python's handlers run in the main thread only: no other has to wait."""

    held = 0  # blocks of uninterrupted() around what runs now
    waiting: int | None = None  # the signal that came meanwhile


_signals = _Signals()


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and its like wait for the end of the block. Around one call of OpenCV, for nothing stops it meanwhile.

    Needed where an OpenCV function has several forms and the first is not meant: text in a FontFace, a turned ellipse,
    VideoCapture, VideoWriter. OpenCV asks Python why the first did not fit, which is where Python lets a signal's
    handler raise; OpenCV 5.0 then follows a null pointer, and the crash would take the recording with it.
    """
    _signals.held += 1
    try:
        yield
    finally:
        _signals.held -= 1
        if _signals.waiting and not _signals.held:
            _stop(_signals.waiting)


def _stop(number: int, _frame: object = None) -> None:
    """Handle a signal: raise what ends the script and lets it finish a recording, now or after uninterrupted()."""
    if _signals.held:
        _signals.waiting = number
        return
    _signals.waiting = None
    if number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        sys.exit(128 + number)
    raise KeyboardInterrupt


def _program() -> str:
    """Return what a script is called, as one types it: its folder and its name."""
    return "/".join(Path(sys.argv[0]).parts[-2:])


def _parse(config: type[Config], description: str | None, default: Config | None = None) -> Config:
    """Return the settings that the command line says; raise UserError, in one line, for what it cannot say.

    `default`: what holds where it says nothing.
    """
    import tyro

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(
                _without_none(config),
                prog=_program(),
                description=description,
                config=(tyro.conf.DisallowNone,),
                **({} if default is None else {"default": default}),
            )
    except SystemExit as end:
        if end.code in (0, None):
            raise
    raise UserError(f"{one_line(said.getvalue())} (see {_program()} --help)", 2)


def _without_none(config: type[Config]) -> type[Config]:
    """Have the help of a class of settings not tell of defaults that are nothing."""
    import tyro

    for field in dataclasses.fields(config):
        hint = tyro.conf.arg(help_behavior_hint=_hint)
        if hint not in getattr(config.__annotations__.get(field.name), "__metadata__", ()):
            config.__annotations__[field.name] = Annotated[field.type, hint]
    return config


def _hint(default: str) -> str:
    shown = default.removeprefix(f"{Path(__file__).resolve().parent.parent}{os.sep}")  # of what lies in this collection
    return f"(default: {shown})" if shown not in ("None", "") else ""


def one_line(said: str) -> str:
    """Return what tyro says in a box, in one line: what is wrong, and which settings it thinks were meant."""
    lines = [line.strip("│|╭╰╮╯ ") for line in said.splitlines()]
    lines = [line for line in lines if line]
    text = " ".join(line for line in lines[1:] if set(line) - set("─-"))
    text = text.partition(" For full helptext")[0].partition(" Argument helptext:")[0].partition(" Got errors:")[0]
    for pattern, say in SAYINGS:
        if found := re.search(pattern, text):
            return say(found)
    return text or "no command line of this script"


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(
    main: Callable,
    config: type[Config],
    description: str | None,
    recipe: Callable[[Config], Config | list[Config]] | None = None,
) -> None:
    """Parse the command line into `config`, run `main` and exit: 0 all done, 1 some input failed, 2 wrong usage.

    `recipe`: returns the defaults that go with what the user chose, or several for as many runs, which `main` then gets
    as a list; what the user says himself holds for all.
    """
    try:
        if "--version" in sys.argv[1:]:
            print("recognition-scripts", importlib.metadata.version("recognition-scripts"), flush=True)
            sys.exit(0)
        settings = _parse(config, description)
        if recipe:
            defaults = recipe(settings)
            several = defaults if isinstance(defaults, list) else [defaults]
            runs = [_parse(config, description, default) for default in several]
            settings = runs if several is defaults else runs[0]
        if hasattr(config, "seed"):
            for one in settings if isinstance(settings, list) else [settings]:
                check_range(one, 0, SEEDS, "seed")
    except UserError as error:
        say(f"error: {error}")
        sys.exit(error.code)
    except BrokenPipeError:  # of --help | head
        _drop_output()
        sys.exit(0)
    for one in settings if isinstance(settings, list) else [settings]:
        for name, value in vars(one).items():
            if str(value).startswith("~"):  # one's home, in a path: not every shell knows it
                setattr(one, name, type(value)(os.path.expanduser(value)))
    sys.stdout.reconfigure(errors="backslashreplace")  # a file name that the terminal has no characters for
    signal.signal(signal.SIGTERM, _stop)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # the terminal was closed
        signal.signal(signal.SIGHUP, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job may be deaf to it
        signal.signal(signal.SIGINT, _stop)
    try:
        code = main(settings) or 0
        sys.stdout.flush()
    except UserError as error:
        say(f"error: {error}")
        code = error.code
    except KeyboardInterrupt:
        say("stopped")
        code = 130
    except BrokenPipeError:  # `| head` has read enough
        _drop_output()
        code = 0
    except OSError as error:
        full = ": free some space" if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)) else ""
        say(f"error: {error.filename or 'output'}: {error.strerror or error}{full}")
        code = 1
    sys.exit(code)
