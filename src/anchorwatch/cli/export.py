"""`anchorwatch export`: configurations for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anchorwatch.cli.door import Door, shared
from anchorwatch.cli.exits import EPILOG, Verbs
from anchorwatch.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    cls=Verbs, no_args_is_help=True, epilog=EPILOG, help="Write configurations for other people's systems."
)

To = Annotated[Path, typer.Option(help="Folder for the files; made when it is not there.")]
Server = Annotated[str, typer.Option(help="Anchorwatch's server, as Prometheus reaches it.")]
Public = Annotated[str, typer.Option(help="Anchorwatch's pages, as people reach them; default: the server.")]
_SERVER = "http://localhost:8321"


@app.command(epilog=EPILOG)
@shared
def prometheus(
    door: Door,
    *,
    to: To = Path("prometheus"),
    server: Server = "",
    public: Public = "",
    alertmanager: Annotated[str, typer.Option(help="Alertmanager's host:port.")] = "localhost:9093",
    token_file: Annotated[
        str, typer.Option(help="File with a token that may read, as Prometheus sees it.")
    ] = "",
) -> None:
    """Write scrape configuration, recording and alerting rules, and tests of them, for the models of a watch."""
    from anchorwatch.app.exports import Site, prometheus_files, watched  # noqa: PLC0415 - heavy

    names = [item["name"] for item in door.query("models")]
    models = watched([door.query("model", name=name) for name in names])
    site = Site(
        server=server or door.url or _SERVER,
        public=public,
        alertmanager=alertmanager,
        token_file=token_file,
    )
    _write(to, prometheus_files(models, site))


@app.command(epilog=EPILOG)
def alertmanager(
    *,
    to: To = Path("alertmanager"),
    webhook: Annotated[
        str, typer.Option(help="Address that is told of every alert.")
    ] = "http://localhost:8080/alerts",
    mail_to: Annotated[str, typer.Option(help="Who gets mail of what pages.")] = "",
    mail_from: Annotated[str, typer.Option(help="Whose mail it is.")] = "anchorwatch@localhost",
    smarthost: Annotated[str, typer.Option(help="The mail server's host:port.")] = "localhost:25",
    smtp_tls: Annotated[bool, typer.Option(help="Whether the mail server must speak TLS.")] = True,
) -> None:
    """Write a sample configuration of Alertmanager for the exported rules."""
    from anchorwatch.app.exports import Receivers, alertmanager_files  # noqa: PLC0415 - heavy

    receivers = Receivers(
        webhook=webhook, mail_to=mail_to, mail_from=mail_from, smarthost=smarthost, smtp_tls=smtp_tls
    )
    _write(to, alertmanager_files(receivers))


@app.command(epilog=EPILOG)
def grafana(
    *,
    to: To = Path("grafana"),
    public: Public = _SERVER,
    prometheus: Annotated[
        str, typer.Option(help="Prometheus, as Grafana reaches it.")
    ] = "http://localhost:9090",
    folder: Annotated[
        str, typer.Option(help="Where Grafana will find the dashboards.")
    ] = "/var/lib/grafana/dashboards/anchorwatch",
) -> None:
    """Write dashboards (fleet, model, drift, service) and the files that provision them."""
    from anchorwatch.app.exports import Site, grafana_files  # noqa: PLC0415 - heavy

    _write(to, grafana_files(Site(public=public, prometheus=prometheus), folder))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Each file under `folder`; what was there is replaced, and each is named."""
    for name, text in files.items():
        place = folder / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        except OSError as problem:
            raise StoreError(f"{place}: cannot be written ({problem.strerror})") from None
        typer.echo(str(place))
