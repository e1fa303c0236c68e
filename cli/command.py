"""The command line: `derive solve`, `report`, `audit`, `list` and `demo`.

Exit status: 0 right, 1 a check failed, 2 bad input, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from cli.terminal import is_terminal, survive_encoding
from cli.words.scanner import WordError, nearest

# name -> what `derive --help` says; a command is imported when it is called, since JAX takes seconds.
COMMANDS = {
    "solve": "Every equivariant linear map, its proof, and the code that uses it.",
    "report": "The same as one self-contained HTML page.",
    "audit": "Which layer of a model loses which symmetry.",
    "list": "The symmetries that have a word, a line and a picture each.",
    "demo": "Derive the convolution, run it on a photograph and check everything.",
}
OPS = ("audit", "demo")  # commands that run kernels
EXPECTED = ("DeriveError", "KernelError", "WordError")


class _Ended(Exception):
    """What click would end in its own way: the error that it must not see."""


class _Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "kernels must be", RuntimeWarning)  # said here on one line
            command: click.Command = import_module(f"cli.commands.{cmd_name}").command
            complaint = import_module("derive.namesakes").complaint()
        if complaint is not None and cmd_name in OPS:
            raise click.ClickException(complaint)
        if complaint is not None:
            _say(complaint)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise _Ended from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = nearest(args[0], COMMANDS) or ", ".join(COMMANDS)
            raise click.UsageError(f"there is no command {args[0]!r}; the commands are {near}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="'derive COMMAND --help' has examples.",
)
@click.version_option(package_name="equiderive", prog_name="derive")
def cli() -> None:
    """State the symmetry; get the proof, and the jitted op.

    \b
    derive solve --symmetry p4m --in "3 trivial" --out "16 regular" --kernel 5
    derive list
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went right, 1 if a check failed, 2 if it could not start, 130 if stopped."""
    survive_encoding()
    given = None if arguments is None else list(arguments)
    try:
        status = cli.main(args=given, prog_name="derive", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        return _complain(" ".join(error.format_message().split()), 2)
    except (_Ended, click.Abort, KeyboardInterrupt, BrokenPipeError) as error:
        if isinstance(error.__cause__ or error, BrokenPipeError):  # whoever read this has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return _complain("stopped", 130)
    except OSError as error:
        return _complain(
            f"{error.filename or 'a file'} cannot be used: {(error.strerror or str(error)).lower()}", 2
        )
    except MemoryError:
        return _complain("this does not fit in memory; ask for something smaller", 2)
    except ValueError as error:
        if not {kind.__name__ for kind in type(error).__mro__} & set(EXPECTED):
            raise
        status = _complain(str(error), 2)
        if isinstance(error, WordError) and is_terminal(sys.stderr):
            click.echo(error.caret, err=True)
    return int(status or 0)


def _complain(line: str, status: int) -> int:
    """One line on stderr."""
    _say(line)
    return status


def _say(line: str) -> None:
    print(f"derive: {line}", file=sys.stderr)
