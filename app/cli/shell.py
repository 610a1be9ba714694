"""`flask shell`, as Flask's own, with `-c` for one command.

Registered as an entry point in `flask.commands`: a command added to the application does not replace the built-in one.
"""

from __future__ import annotations

from typing import Any

import click
from flask import current_app
from flask.cli import shell_command, with_appcontext


@click.command("shell")
@click.option("-c", "code", metavar="CODE", help="Run CODE and leave.")
@click.pass_context
@with_appcontext
def shell(ctx: click.Context, code: str | None) -> None:
    """Open an interactive Python shell with the application at hand, or run one command in it."""
    if code is None:
        ctx.invoke(shell_command)
        return
    namespace: dict[str, Any] = {"__name__": "__main__", **current_app.make_shell_context()}
    exec(compile(code, "<command>", "exec", dont_inherit=True), namespace)  # noqa: S102  # running code is what a shell is for
