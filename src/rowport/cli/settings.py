"""The options that every command takes, before or after its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from rowport.model.errors import InvalidOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE: Final = "ROWPORT_HOME"
URL_VARIABLE: Final = "ROWPORT_DATABASE_URL"
SCHEMES: Final = frozenset({"postgresql", "postgres"})


@dataclass(slots=True, kw_only=True)
class Settings:
    """What the options said; one for each run, filled while the words are read."""

    home_given: Path | None = None
    database_url_given: str | None = None
    json: bool = False

    @property
    def home(self) -> Path:
        """Where the embedded database and the blobs are."""
        chosen = self.home_given or os.environ.get(HOME_VARIABLE)
        return Path(chosen).absolute() if chosen else default_home()

    @property
    def database_url(self) -> str | None:
        """The external PostgreSQL; None takes the embedded one.

        Raises:
            InvalidOptions: it is no URL of a PostgreSQL.
        """
        url = self.database_url_given or os.environ.get(URL_VARIABLE) or None
        if url is not None:
            _check_url(url)
        return url

    def repeat(self) -> str:
        """Give the words that make another command work on the same home."""
        return f" --home {_shell_word(str(self.home_given))}" if self.home_given else ""


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it checks it
        is_one = parts.scheme in SCHEMES and url.isprintable()
    except ValueError:
        is_one = False
    if not is_one:
        # The URL itself is not repeated: it may hold a password.
        raise InvalidOptions(
            "the database URL cannot be read; it looks like "
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        )


def default_home() -> Path:
    """Give the platform's folder for data of programs."""
    import platformdirs  # noqa: PLC0415  only needed where nobody said where

    return Path(platformdirs.user_data_dir("rowport", appauthor=False))


def _shell_word(word: str) -> str:
    import shlex  # noqa: PLC0415  only needed for a hint

    return shlex.quote(word)


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    settings = context.ensure_object(Settings)
    if not value:
        return
    match parameter.name:
        case "home":
            settings.home_given = Path(str(value))
        case "database_url":
            settings.database_url_given = str(value)
        case _:
            settings.json = True


def shared_options() -> list[click.Parameter]:
    """Make the options anew for one command."""
    return [
        click.Option(
            ["--home"],
            type=click.Path(file_okay=False),
            metavar="DIR",
            expose_value=False,
            callback=_keep,
            help=f"Folder of the embedded database and the files.  [env: {HOME_VARIABLE}]",
        ),
        click.Option(
            ["--database-url"],
            metavar="URL",
            expose_value=False,
            callback=_keep,
            help=f"A PostgreSQL of yours instead of the embedded one.  [env: {URL_VARIABLE}]",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Print JSON on stdout and nothing else there.",
        ),
    ]


class Command(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  click's own signature
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())


class LazyGroup(click.Group):
    """A group that imports a command's module when it is run, not when the group is listed.

    `--help` and the short commands stay fast, and a process that follows an import does not hold
    what only a server needs.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  click's own signature
        lazy: Mapping[str, tuple[str, str]],
        **kwargs: Any,  # noqa: ANN401  click's own signature
    ) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names, in the order of the table."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        import importlib  # noqa: PLC0415  beside its only use

        if cmd_name not in self._lazy:
            return None
        module, _, name = self._lazy[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"rowport.cli.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101  the table names commands only
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them; those without a text are hidden."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items() if text])
