"""Start the browser front end: `python -m unmask.app.launch`.

Everything is set by flags rather than by a configuration file, so that an installed wheel starts
the same program as a checkout, whatever folder it is started from.
"""

import argparse
from pathlib import Path

from streamlit.web import cli as streamlit_command

PORT = 8501
ADDRESS = "127.0.0.1"  # this machine alone
UPLOAD_MB = 500


def arguments(port: int = PORT, address: str = ADDRESS) -> list[str]:
    """The call of the `streamlit` command that serves the front end at `address`:`port`."""
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": "true",  # else the first start asks for an e-mail address
        "server.maxUploadSize": UPLOAD_MB,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "runner.magicEnabled": "false",  # a bare expression must not find its way onto the page
        "theme.light.primaryColor": "#1b4f9c",  # the default, red, is the colour of an alarm
        "theme.dark.primaryColor": "#8db8ff",
    }
    main = str(Path(__file__).with_name("main.py"))
    return ["run", main, *(f"--{name}={value}" for name, value in options.items())]


def launch(port: int = PORT, address: str = ADDRESS) -> None:
    """Serve the front end until interrupted.

    An `address` other than this machine's own lets others in: whoever can reach it can upload.
    """
    streamlit_command.main(arguments(port, address), prog_name="streamlit")


def _main() -> None:
    parser = argparse.ArgumentParser(prog="unmask app", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--address", default=ADDRESS, help="default: this machine alone")
    chosen = parser.parse_args()
    launch(chosen.port, chosen.address)


if __name__ == "__main__":
    _main()
