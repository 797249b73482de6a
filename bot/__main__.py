"""The command line: `gamekeeper run`, `demo`, `server`, `export`. What each needs is imported when it is wanted."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bot.settings import ENV_FILE, EX_CONFIG, SettingsError, load_settings
from monitor.errors import GamekeeperError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""As a shell gives it for a program that Ctrl+C has ended."""
MAX_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit code: 0 done, 1 failed, 2 wrong usage, 78 wrong settings."""
    _print_anything()
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.run is None:
        parser.print_help()
        return USAGE
    try:
        code: int = chosen.run(chosen)
    except SettingsError as wrong:
        print(wrong, _whence(Path(ENV_FILE)), sep="\n", file=sys.stderr)
        return EX_CONFIG
    except GamekeeperError as failure:
        from bot.failures import explain  # noqa: PLC0415

        print(f"gamekeeper: {explain(failure)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _whence(env_file: Path) -> str:
    """Say where settings are put: in the folder of whoever typed the command, which not everybody knows."""
    if env_file.exists():
        return f"They are read from {env_file.absolute()}; .env.example explains each."
    return f"{env_file.absolute()} is not there: copy .env.example to it, or change to the folder that has yours."


def _print_anything() -> None:
    """Let no name fail a command: what the terminal has no letters for is printed as its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gamekeeper", description="A Discord bot that looks after game servers.")
    parser.add_argument("--version", action="version", version=f"gamekeeper {version('gamekeeper')}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    run = commands.add_parser("run", help="run the bot", description="Run the bot until Ctrl+C. Games run on.")
    run.set_defaults(run=_run)

    demo = commands.add_parser(
        "demo",
        help="try it without a token, in the browser",
        description="Run the whole bot in a local page, with a small game server. Ctrl+C leaves nothing behind.",
    )
    demo.add_argument("--port", type=_port, default=0, help="where the page is served; any free port if left out")
    demo.add_argument("--no-browser", action="store_true", help="only print the page's address")
    demo.set_defaults(run=_demo)

    backup = commands.add_parser(
        "backup-db",
        help="copy the database",
        description="Copy the database now, also beside a running bot, and check the copy.",
    )
    backup.set_defaults(run=_back_up)

    server = commands.add_parser(
        "server", help="the servers it looks after", description="Say which servers it looks after."
    )
    servers = server.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_add(servers)
    take = servers.add_parser(
        "import", help="take servers from a file", description="Take all servers of a file, or none if any is wrong."
    )
    take.add_argument("file", type=Path, help="a TOML or JSON file; servers.example.toml explains it")
    take.set_defaults(run=_import)
    show = servers.add_parser(
        "list", help="list them", description="List the servers it looks after: id, game, folder, command."
    )
    show.set_defaults(run=_list)
    _add_export(commands)
    return parser


def _add_add(servers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add = servers.add_parser(
        "add",
        help="take one new server",
        description="Take one new server: what its game's own files say of it is found out.",
    )
    add.add_argument("--folder", type=_folder, help="where it runs (default: where its program is)")
    add.add_argument("--game", default="", help="which game it is (default: what the folder tells, else generic)")
    add.add_argument("--autostart", action="store_true", help="start it when gamekeeper starts")
    add.add_argument("name", help="what people see")
    add.add_argument("program", help="a path, or a name such as java")
    add.add_argument("arguments", nargs=argparse.REMAINDER, help="handed to the program as they are")
    add.set_defaults(run=_add)


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = commands.add_parser(
        "export",
        help="write measurements to a file",
        description="Write the measurements of servers, one row each.",
    )
    export.add_argument("server", nargs="+", help="the server's id; several are put into one file")
    export.add_argument(
        "--range", type=_range, default="24h", help="how far back, 168h at most, such as 90m or 7d (default: 24h)"
    )
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="(default: jsonl)")
    export.add_argument(
        "--fields", type=_fields, default="", help="what to write, such as cpu,memory,players (default: everything)"
    )
    export.add_argument("--output", default="-", metavar="FILE", help="where to; - is standard output (default: -)")
    export.set_defaults(run=_export)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 0 to {MAX_PORT}")
    return int(text)


def _folder(text: str) -> str:
    return str(Path(text).expanduser().absolute())


def _range(text: str) -> str:
    from bot.export import understand  # noqa: PLC0415

    return understand(text, span=text)


def _fields(text: str) -> str:
    from bot.export import understand  # noqa: PLC0415

    return understand(text, fields=text)


def _run(_chosen: argparse.Namespace) -> int:
    from bot.run import run  # noqa: PLC0415

    run(load_settings())
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from bot.demo.run import demo  # noqa: PLC0415

    return demo(port=chosen.port, open_browser=not chosen.no_browser)


def _add(chosen: argparse.Namespace) -> int:
    from bot.servers import add_server  # noqa: PLC0415
    from monitor.drafting import Draft  # noqa: PLC0415

    folder = chosen.folder or ("" if Path(chosen.program).is_absolute() else str(Path.cwd()))
    draft = Draft(chosen.name, chosen.program, tuple(chosen.arguments), folder, chosen.game, chosen.autostart)
    return add_server(load_settings(), draft)


def _import(chosen: argparse.Namespace) -> int:
    from bot.servers import import_servers  # noqa: PLC0415

    return import_servers(load_settings(), chosen.file)


def _back_up(_chosen: argparse.Namespace) -> int:
    from bot.backup import back_up  # noqa: PLC0415

    return back_up(load_settings())


def _list(_chosen: argparse.Namespace) -> int:
    from bot.servers import list_servers  # noqa: PLC0415

    return list_servers(load_settings())


def _export(chosen: argparse.Namespace) -> int:
    from bot.export import Asked, export  # noqa: PLC0415
    from storage.export_file import Format  # noqa: PLC0415

    asked = Asked(chosen.server, chosen.range, chosen.fields, Format(chosen.format), chosen.output)
    return export(load_settings(), asked)


if __name__ == "__main__":
    sys.exit(main())
