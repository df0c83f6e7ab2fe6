"""The commands, and what becomes of their errors."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from rowport import __version__
from rowport.cli.exits import Exit, exit_of_error
from rowport.cli.settings import LazyGroup, Settings
from rowport.cli.speech import complain, emit, prepare_streams
from rowport.model.errors import RowportError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "import": ("importing:import_file", "Import a file and follow it to its end."),
    "read": ("reading:read", "Tell how a file is read, and why; write it as understood."),
    "validate": ("validating:validate", "Tell every error of a file; no database is touched."),
    "status": ("looking:status", "Show one import, or the newest."),
    "list": ("looking:list_imports", "List imports, the newest first."),
    "rows": ("rows:rows", "Tell what became of each row of an import."),
    "errors": ("rows:errors", "Tell all errors of an import by kind, with examples."),
    "failed-rows": ("failed_rows:failed_rows", "Write the failed rows to a file, with reasons."),
    "pause": ("controlling:pause", "Stop an import until it is resumed."),
    "resume": ("controlling:resume", "Let a paused import go on."),
    "retry": ("rounds:retry", "Try again what failed or was never processed."),
    "fix": ("rounds:fix", "Try failed rows again as they stand in a mended file."),
    "undo": ("undoing:undo", "Give back what was before an import."),
    "priority": ("controlling:set_priority", "Say how urgent an import is."),
    "cancel": ("controlling:cancel", "End an import; what is loaded stays."),
    "type": ("app:type_group", "Say what can be imported."),
    "feed": ("app:feed_group", "Import files that arrive by themselves."),
    "webhook": ("app:webhook_group", "Tell other programs how imports go."),
    "org": ("app:org_group", "Keep organizations apart."),
    "token": ("app:token_group", "Let others use the API."),
    "retention": ("app:retention_group", "Say how long uploads and results are kept."),
    "serve": ("serving:serve", "Run everything: database, API and workers."),
    "worker": ("working:worker", "Run one more worker."),
    "dialects": ("app:dialects_group", "Look after the foreign APIs."),
    "db": ("app:db_group", "Look after the database."),
    "api": ("api_process:api", ""),
}
TYPE_COMMANDS: Final = {
    "put": ("record_types:put", "Make a record type, or change it, from a Table Schema."),
    "list": ("record_types:list_types", "List the record types."),
    "show": ("record_types:show", "Show a record type."),
    "infer": ("inferring:infer_type", "Propose a Table Schema from a file."),
    "template": ("templates:template", "Write an empty file to fill in."),
}
FEED_COMMANDS: Final = {
    "put": ("feeds:put", "Make a feed, or change it, as a JSON file says."),
    "list": ("feeds:list_feeds", "List the feeds."),
    "show": ("feeds:show", "Show a feed, its runs, and what they decided."),
    "run": ("feeds:run_now", "Let a feed run now."),
    "pause": ("feeds:pause", "Let a feed run by hand only."),
    "resume": ("feeds:resume", "Let a feed be due again."),
    "archive": ("feeds:archive", "End a feed; its imports stay."),
}
WEBHOOK_COMMANDS: Final = {
    "put": ("webhooks:put", "Make a webhook, or change and enable it."),
    "list": ("webhooks:list_webhooks", "List the webhooks."),
    "show": ("webhooks:show", "Show a webhook."),
    "delete": ("webhooks:delete", "Forget a webhook."),
    "deliveries": ("webhooks:deliveries", "List what was sent, and what came of it."),
    "replay": ("webhooks:replay", "Send again what failed."),
    "test": ("webhooks:test", "Send a test event now."),
}
ORG_COMMANDS: Final = {
    "create": ("organizations:create", "Make an organization."),
    "list": ("organizations:list_organizations", "List the organizations."),
    "show": ("organizations:show", "Show an organization."),
    "set": ("organizations:set_shares", "Say how much of the workers it may have."),
}
TOKEN_COMMANDS: Final = {
    "create": ("tokens:create", "Make a token, and print its secret once."),
    "list": ("tokens:list_tokens", "List the tokens."),
    "revoke": ("tokens:revoke", "End a token."),
}
RETENTION_COMMANDS: Final = {
    "set": ("retention:set_rule", "Keep something for so many days."),
    "show": ("retention:show", "Show how long each kind is kept."),
    "run": ("retention:run", "Let go now of what is kept no more."),
}
DIALECT_COMMANDS: Final = {
    "setup": ("dialects:setup", "Make what each dialect needs, and fresh credentials."),
}
DB_COMMANDS: Final = {
    "migrate": ("database:migrate", "Bring the database to this version's schema."),
    "url": ("database:url", "Print the address of the database, for psql."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="rowport %(version)s")
def root() -> None:
    """Import any file into PostgreSQL, and know for ever what became of every row."""


@click.group(cls=LazyGroup, lazy=TYPE_COMMANDS)
def type_group() -> None:
    """Say what can be imported."""


@click.group(cls=LazyGroup, lazy=FEED_COMMANDS)
def feed_group() -> None:
    """Import files that arrive by themselves."""


@click.group(cls=LazyGroup, lazy=WEBHOOK_COMMANDS)
def webhook_group() -> None:
    """Tell other programs how imports go."""


@click.group(cls=LazyGroup, lazy=ORG_COMMANDS)
def org_group() -> None:
    """Keep organizations apart."""


@click.group(cls=LazyGroup, lazy=TOKEN_COMMANDS)
def token_group() -> None:
    """Let others use the API."""


@click.group(cls=LazyGroup, lazy=RETENTION_COMMANDS)
def retention_group() -> None:
    """Say how long uploads and results are kept."""


@click.group(cls=LazyGroup, lazy=DIALECT_COMMANDS)
def dialects_group() -> None:
    """Look after the foreign APIs."""


@click.group(cls=LazyGroup, lazy=DB_COMMANDS)
def db_group() -> None:
    """Look after the database."""


def run(words: Sequence[str]) -> int:
    """Run the command that the words say; give the exit status."""
    prepare_streams()
    settings = Settings(json="--json" in words)  # known even if the words cannot be read
    try:
        answer = root.main(list(words), prog_name="rowport", standalone_mode=False, obj=settings)
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        return _leave_quietly()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the outermost handler
        return _fail(settings, *_diagnose(settings, error))
    return answer if isinstance(answer, int) else Exit.FINE


def _fail(settings: Settings, code: str, message: str, status: Exit) -> int:
    """Say what went wrong, on stderr and, where JSON was asked for, on stdout."""
    complain(message)
    if settings.json:
        emit({"error": {"code": code, "message": message}})
    return status


def _diagnose(settings: Settings, error: BaseException) -> tuple[str, str, Exit]:
    """Give the code, the words and the exit status of an error."""
    match error:
        case RowportError():
            return error.code, error.message, exit_of_error(error)
        case click.ClickException():
            return "usage", _usage_words(error), Exit.USAGE
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", "interrupted", Exit.CANCELED
        case OSError():
            return "os_error", _os_words(error), Exit.FAILED
        case _:
            return "internal", _unforeseen_words(settings, error), Exit.BUG


def _usage_words(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"say what to do\n{message}"
    if isinstance(error, click.UsageError) and error.ctx:
        message += f"  (see `{error.ctx.command_path} --help`)"
    return message


def _os_words(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename else what


def _leave_quietly() -> int:
    """Whoever read our output has gone (`| head`): end as other programs do, without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _unforeseen_words(settings: Settings, error: BaseException) -> str:
    import traceback  # noqa: PLC0415  only needed when something went wrong

    log = settings.home / "logs" / "errors.log"
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as lines:
            traceback.print_exception(error, file=lines)
        where = f"the details are in {log}"
    except OSError:
        where = f"no log could be written; it says: {error}"
    return f"something unforeseen happened ({type(error).__name__}); {where}"
