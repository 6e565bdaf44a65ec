"""The command line. Each command is a thin layer over the Python API of the same name."""

import io
import os
import sys
import threading
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from unmask import __version__
from unmask.batch import Unread, files_below, scan_many
from unmask.errors import MediaError, OutputError, Reason, UnmaskError
from unmask.forensics.certificates import make_test_certificates
from unmask.forensics.signing import Identity, Mark, sign_file
from unmask.forensics.trust import read_anchors, refresh_trust_lists
from unmask.media import open_bytes, open_media
from unmask.registry import analysers, pick
from unmask.report.clean import clean
from unmask.report.html_report import to_html
from unmask.report.json_report import dumps, dumps_line, failure_to_json
from unmask.report.terminal import failure_line, render, render_line
from unmask.scan import Report, scan
from unmask.settings import Settings
from unmask.verdict import Origin

cli = typer.Typer(
    help="Is this picture, clip, recording or text synthetic or manipulated, and why?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out, err = Console(), Console(stderr=True)


class Exit(IntEnum):
    """Exit codes. Of several files, the highest counts."""

    CAPTURED = 0
    USAGE = 2  # typer's own
    INCONCLUSIVE = 3
    MANIPULATED = 4
    SYNTHETIC = 5
    UNREADABLE = 6


_EXIT = {
    Origin.CAPTURED: Exit.CAPTURED,
    Origin.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Origin.MANIPULATED: Exit.MANIPULATED,
    Origin.SYNTHETIC: Exit.SYNTHETIC,
}


@cli.command("scan")
def scan_command(
    target: Annotated[
        str, typer.Argument(metavar="FILE|FOLDER|-", help="- reads a file from standard input")
    ],
    json: Annotated[
        Path | None,
        typer.Option(help="write JSON here; a folder gives JSON Lines; - is standard output"),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="write an HTML report here; for a folder, a folder of them")
    ] = None,
    analyser: Annotated[
        list[str] | None, typer.Option("--analysers", "-a", help="only these: names with commas")
    ] = None,
    prior: Annotated[
        float, typer.Option(help="P(synthetic) before looking", min=0.0001, max=0.9999)
    ] = 0.5,
    anchors: Annotated[
        list[Path] | None,
        typer.Option(help="PEM file of C2PA roots that you trust", exists=True, dir_okay=False),
    ] = None,
    allow_network: Annotated[
        bool, typer.Option(help="fetch C2PA manifests that a file names by address")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps")] = "auto",
    jobs: Annotated[int | None, typer.Option(help="processes for a folder", min=1)] = None,
    exit_zero: Annotated[bool, typer.Option(help="exit 0 whatever the verdict")] = False,
) -> None:
    """Scan a file or a folder and print the verdict.

    Exit codes: 0 captured, 3 inconclusive, 4 manipulated, 5 synthetic, 6 a file could not be
    read; of several files the highest. 2 is a wrong call.
    """
    settings = Settings(
        prior=prior, user_anchors=tuple(anchors or ()), allow_network=allow_network, device=device
    )
    names = [n for group in analyser or [] for n in group.split(",") if n] or None
    try:
        if names:
            pick(names)
        read_anchors(settings.user_anchors)
        many = target not in ("", "-") and Path(target).is_dir()
        _check_outputs(json, None if many else html)
        if many:
            code = _folder(Path(target), json, html, names, settings, jobs)
        else:
            code = _file(target, json, html, names, settings)
    except MediaError as error:
        if json:
            _write(json, dumps(failure_to_json(target, error)) + "\n")
        err.print(f"[bold red]Not examined[/] ({error.reason}): {escape(clean(str(error)))}")
        code = Exit.UNREADABLE
    except UnmaskError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}")
        raise typer.Exit(Exit.USAGE) from error
    raise typer.Exit(0 if exit_zero else code)


def _file(
    target: str, json: Path | None, html: Path | None, names: list[str] | None, settings: Settings
) -> Exit:
    # Loading torch takes seconds; a clip is decoded by another process meanwhile.
    threading.Thread(target=analysers, daemon=True).start()
    if target == "-":
        data = sys.stdin.buffer.read(settings.limits.bytes + 1)
        media = open_bytes(data, "standard input", limits=settings.limits)
    else:
        media = open_media(target, settings.limits)
    with err.status("examining ..."):
        report = scan(media, names, settings)
    if json:
        _write(json, dumps(report) + "\n")
    if html:
        _write(html, to_html(report))
    if str(json) != "-" and str(html) != "-":
        out.print(render(report))
    return _EXIT[report.verdict.origin]


def _folder(
    folder: Path,
    json: Path | None,
    html: Path | None,
    names: list[str] | None,
    settings: Settings,
    jobs: int | None,
) -> Exit:
    paths = files_below(folder)
    if not paths:
        raise MediaError(Reason.EMPTY, f"There is no file in {folder}.")
    if html:
        html.mkdir(parents=True, exist_ok=True)
    worst = Exit.CAPTURED
    quiet = str(json) == "-"
    if json and not quiet:
        _write(json, "")
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("scanning", total=len(paths))
        for path, answer in scan_many(paths, names, settings, jobs):
            progress.advance(task)
            name = str(path.relative_to(folder))
            code = Exit.UNREADABLE if isinstance(answer, Unread) else _EXIT[answer.verdict.origin]
            worst = max(worst, code)
            if json:
                _write(json, _json_line(name, answer) + "\n", "a")
            if html and isinstance(answer, Report):
                # Two files of one name in two folders must not overwrite each other's report.
                _write(html / (name.replace(os.sep, "__") + ".html"), to_html(answer))
            if not quiet:
                out.print(_line(name, answer), soft_wrap=True)
    return worst


def _json_line(name: str, answer: Report | Unread) -> str:
    if isinstance(answer, Report):
        return dumps_line(answer, name=name)
    return dumps_line(failure_to_json(name, MediaError(answer.reason, answer.text)))


def _line(name: str, answer: Report | Unread) -> Text:
    if isinstance(answer, Report):
        return render_line(answer, name=name)
    return failure_line(name, MediaError(answer.reason, answer.text))


def _check_outputs(*paths: Path | None) -> None:
    """Raises OutputError before the work, not after it, where a file cannot be made."""
    for path in paths:
        if path is None or str(path) == "-":
            continue
        if os.path.isdir(path):  # unlike Path.is_dir it takes a name that is too long
            raise OutputError(f"{path} is a folder; name a file to write to.")
        if not path.parent.is_dir():
            raise OutputError(f"There is no folder {path.parent} to write {path.name} to.")


def _write(path: Path, text: str, mode: str = "w") -> None:
    if str(path) == "-":
        sys.stdout.write(text)
        return
    with path.open(mode, encoding="utf-8") as file:
        file.write(text)


@cli.command("analysers")
def analysers_command() -> None:
    """List the analysers: what each reads, what to look for, what to ignore."""
    for one in analysers():
        out.print(f"[bold]{one.name}[/] ({', '.join(sorted(one.kinds))})", highlight=False)
        table = Table.grid(padding=(0, 2))
        for label, text in (
            ("reads", one.reads),
            ("look for", one.look_for),
            ("ignore", one.ignore),
            ("paper", one.paper),
        ):
            table.add_row(f"  {label}", escape(text))
        out.print(table, "")


@cli.command(
    "evaluate",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def evaluate_command(context: typer.Context) -> None:
    """Measure detectors on labelled pictures, texts or speech, with intervals and leak probes."""
    # Its options stand with it: torch loads with that module, and a scan must not wait for it.
    from unmask.detect.evaluation.command import main as evaluate

    evaluate(context.args)


@cli.command(
    "train",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def train_command(context: typer.Context) -> None:
    """Train the parts of unmask again: `unmask train detector`."""
    from unmask.detect.train_command import main as train

    train(context.args)


@cli.command(
    "generate",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def generate_command(context: typer.Context) -> None:
    """Train GANs and make pictures with them, marked as generated: `unmask generate list`."""
    from unmask.forensics.marking import marker, text_marker
    from unmask.generate.command import main as generate

    generate(context.args, marker, text_marker)


@cli.command("app")
def app_command(
    port: Annotated[int, typer.Option(help="of this machine", min=1, max=65535)] = 8501,
) -> None:
    """Open the browser front end, on this machine alone."""
    try:
        from unmask.app.launch import launch  # Streamlit is an extra
    except ImportError as error:
        err.print("The page needs the extra: pip install 'unmask[app]'", markup=False)
        raise typer.Exit(1) from error
    launch(port=port)


@cli.command("sign")
def sign_command(
    source: Annotated[Path, typer.Argument(help="the file to mark")],
    target: Annotated[
        Path, typer.Argument(help="where the signed copy goes; a .c2pa name makes a sidecar")
    ],
    mark: Annotated[Mark, typer.Option("--as", help="what you declare")],
    chain: Annotated[Path, typer.Option(help="PEM file: your certificate first, then its issuers")],
    key: Annotated[Path, typer.Option(help="PEM file: the certificate's private key")],
    password_env: Annotated[
        str | None, typer.Option(help="environment variable with the key's password")
    ] = None,
    original: Annotated[
        Path | None, typer.Option(help="the file that an edit started from")
    ] = None,
    time_authority: Annotated[
        str, typer.Option(help="address of a time-stamp authority; this goes over the network")
    ] = "",
) -> None:
    """Mark a file as made by AI, edited with AI or captured, with your own certificate (C2PA)."""
    try:
        password = os.environ[password_env].encode() if password_env else None
        identity = Identity(
            certificates=chain.read_bytes(), key=key.read_bytes(), password=password
        )
        sidecar = target.suffix == ".c2pa"
        sign_file(
            source, target, mark, identity,
            original=original, sidecar=sidecar, time_authority=time_authority,
        )  # fmt: skip
    except KeyError as error:
        raise typer.BadParameter(f"there is no environment variable {error}") from error
    except OSError as error:
        raise typer.BadParameter(str(error)) from error
    except UnmaskError as error:
        err.print(f"[bold red]Not signed:[/] {escape(clean(str(error)))}")
        raise typer.Exit(1) from error
    out.print(f"Signed as {mark}: {escape(str(target))}")


@cli.command("make-test-certs")
def make_test_certs_command(
    folder: Annotated[Path, typer.Argument(help="gets root.pem, chain.pem and key.pem")],
) -> None:
    """Make a certificate chain to try `sign` with. Nobody trusts it but who names its root."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = make_test_certificates(folder)
    except (UnmaskError, OSError) as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    out.print(f"Made {made.root}, {made.chain} and {made.key}.", soft_wrap=True)
    out.print(
        f"unmask sign IN OUT --as ai-made --chain {made.chain} --key {made.key}", soft_wrap=True
    )
    out.print(f"unmask scan OUT --anchors {made.root}", soft_wrap=True)


@cli.command("refresh-trust-lists")
def refresh_trust_lists_command() -> None:
    """Download the C2PA trust lists anew (the only command that calls on a server by itself)."""
    try:
        counts = refresh_trust_lists()
    except UnmaskError as error:
        err.print(f"[bold red]Nothing was changed:[/] {escape(clean(str(error)))}")
        raise typer.Exit(1) from error
    for name, count in counts.items():
        out.print(f"{name}: {count} certificates")


@cli.command("version")
def version_command() -> None:
    """Print the version."""
    out.print(__version__)


def main() -> None:
    """Entry point of the `unmask` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Unicode gets its verdict too
            stream.reconfigure(errors="backslashreplace")
    try:
        cli()
    except OSError as error:
        if error.filename is None:
            raise
        # A folder that is a file, a right that is missing, a full disk: no matter of ours.
        err.print(f"[bold red]Error:[/] {escape(clean(f'{error.filename}: {error.strerror}'))}.")
        sys.exit(Exit.USAGE)
