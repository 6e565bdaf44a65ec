"""The browser front end in a real browser: upload, verdict, keyboard, downloads, no way out."""

import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tones
from numpy.typing import NDArray
from PIL import Image
from playwright import sync_api

NAME = "a <b>bold</b> *name* [x](http://evil.example).jpg"
VERDICT = ".unmask .verdict"
PATIENCE = 60_000  # ms: the first scan of a process loads libraries and weights

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The front end, started as a user starts it, from a folder that is not ours."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-m", "unmask.app.launch", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, server, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
    pytest.fail(f"the front end did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: "sync_api.Browser", address: str) -> Iterator["sync_api.Page"]:
    """The first page, in a browser that notes and blocks whatever would leave the machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    broken: list[str] = []

    def guard(route: "sync_api.Route") -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    page = context.new_page()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("websocket", lambda socket: asked.append(socket.url)
            if not socket.url.startswith(address.replace("http", "ws")) else None)  # fmt: skip
    page.goto(address)
    page.get_by_text("Is this picture, clip, recording or text").wait_for(timeout=PATIENCE)
    yield page
    context.close()
    assert asked == [], "something would have left this machine"
    assert broken == []


@pytest.fixture(scope="module")
def picture() -> bytes:
    rng = np.random.default_rng(11)
    return jpeg(rng.normal(128, 30, (96, 128, 3)).clip(0, 255).astype(np.uint8))


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def upload(page: "sync_api.Page", data: bytes, name: str = NAME) -> None:
    page.locator('[data-testid="stMain"] input[type=file]').set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": data}]
    )


def test_a_recording_is_drawn_and_can_be_played(page: "sync_api.Page") -> None:
    upload(page, tones.wav(tones.voice(4)), "speech.wav")
    page.locator(VERDICT).wait_for(timeout=PATIENCE)
    page.get_by_role("heading", name="The sound", exact=True).wait_for(timeout=PATIENCE)
    page.get_by_alt_text("Waveform and spectrogram").wait_for(timeout=PATIENCE)
    player = page.locator("audio")
    player.wait_for(timeout=PATIENCE)
    page.wait_for_function("document.querySelector('audio').duration > 3.9", timeout=PATIENCE)
    assert player.evaluate("player => player.error") is None


def test_upload_verdict_and_downloads(page: "sync_api.Page", picture: bytes) -> None:
    upload(page, picture)
    verdict = page.locator(VERDICT)
    verdict.wait_for(timeout=PATIENCE)
    badge = verdict.locator(".badge").inner_text().lower()
    assert re.search(r"[▲◆●?] (synthetic|manipulated|captured|inconclusive)", badge)
    assert NAME in verdict.inner_text(), "the name is text, neither HTML nor Markdown"
    digest = hashlib.sha256(picture).hexdigest()
    page.get_by_role("heading", name="The file and the run").wait_for(timeout=PATIENCE)
    assert page.get_by_text(digest).count() == 1

    document = json.loads(downloaded(page, "Report for programs (JSON)", f"{digest[:12]}.json"))
    assert document["file"]["sha256"] == digest
    assert document["file"]["name"] == NAME
    assert document["verdict"]["origin"] in badge
    html = downloaded(page, "Report for people (HTML)", f"{digest[:12]}.html").decode()
    assert digest in html
    assert document["verdict"]["headline"] in html


def downloaded(page: "sync_api.Page", button: str, ending: str) -> bytes:
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name=button).click()
    assert waiting.value.suggested_filename == f"unmask-{ending}"
    return Path(waiting.value.path()).read_bytes()


def test_the_keyboard_reaches_and_moves_everything(page: "sync_api.Page", picture: bytes) -> None:
    upload(page, picture)
    page.locator(VERDICT).wait_for(timeout=PATIENCE)
    page.get_by_role("heading", name="The file and the run").wait_for(timeout=PATIENCE)

    starting_point = page.get_by_role("slider").first
    assert starting_point.input_value() == "50"
    press_tab_until(page, "document.activeElement.type === 'range'")
    page.keyboard.press("ArrowLeft")
    sync_api.expect(starting_point).to_have_value("49")
    # The page is drawn anew for it: a button that is reached before that loses the focus.
    page.wait_for_timeout(500)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()

    press_tab_until(
        page,
        "document.activeElement.tagName === 'BUTTON' && "
        "document.activeElement.innerText.includes('Report for people')",
    )
    with page.expect_download(timeout=PATIENCE):
        page.keyboard.press("Enter")

    press_tab_until(page, "document.activeElement.tagName === 'SUMMARY'")
    opened = "document.activeElement.parentElement.open"
    before = page.evaluate(opened)
    page.keyboard.press("Enter")
    assert page.evaluate(opened) is not before


def press_tab_until(page: "sync_api.Page", condition: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(condition):
            return
    pytest.fail(f"the keyboard does not reach: {condition}")


def test_garbage_gets_a_message_and_no_traceback(page: "sync_api.Page") -> None:
    upload(page, bytes(range(256)) * 30)
    alert = page.locator('.unmask [role="alert"]')
    alert.wait_for(timeout=PATIENCE)
    assert "Not examined: not supported" in alert.inner_text()
    assert page.locator(VERDICT).count() == 0
    assert "Traceback" not in page.inner_text("body")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_is_legible(
    browser: "sync_api.Browser", address: str, picture: bytes, scheme: str
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto(address)
    page.get_by_text("Is this picture, clip, recording or text").wait_for(timeout=PATIENCE)
    upload(page, picture)
    page.get_by_role("heading", name="The file and the run").wait_for(timeout=PATIENCE)
    wide = "e => e.scrollWidth <= e.clientWidth + 1"
    assert page.locator('[data-testid="stMain"]').evaluate(wide)
    for part in (".badge", ".headline", ".likelihood", ".small"):
        assert contrast(page, f"{VERDICT} {part} >> nth=0") >= 4.5, f"{part} in {scheme}"
    context.close()


def contrast(page: "sync_api.Page", selector: str) -> float:
    """WCAG 2.2's contrast ratio of a text against the page."""
    colours = page.locator(selector).evaluate(
        "e => [getComputedStyle(e).color,"
        " getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor]"
    )
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    values = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
