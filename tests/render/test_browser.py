# SPDX-License-Identifier: Apache-2.0
"""Pages in a real browser. Chromium is large, no set-up installs it: where it is missing this is skipped."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bundlefmt.render.html_page import page
from tests.render.hostile import HOSTILE, bundle
from tests.render.page_reading import tree
from tests.render.test_page import judged, written

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: some 300 MB, which set-ups do not install, also not with CI=true"
)
# what of a page's text stands folded until it is opened, and shows on paper all the same
FOLDED = "An identity or a key that the TPM's statement does not cover can be exchanged"


def chromium(profile: Path, *words: str) -> str:
    """What it prints, with a profile of its own and without the network."""
    command = [str(CHROMIUM), "--headless", "--disable-gpu", "--no-sandbox", "--no-first-run"]
    command += [f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def tags_of_a_browser(dumped: str) -> list[str]:
    """The names of the elements in its order."""
    return re.findall(
        r"<([a-zA-Z][a-zA-Z0-9]*)[ >]", re.sub(r"<style>.*?</style>", "<style>", dumped, flags=re.DOTALL)
    )


@pytest.mark.parametrize("text", [None, *HOSTILE[:6]], ids=range(7))
def test_a_browser_reads_the_elements_that_were_written(text: str | None, tmp_path: Path) -> None:
    """Nothing is mended: what HTML would close, move or leave out is not where it would."""
    source = written("log_firmware")[0] if text is None else page(judged(bundle(text)))
    (tmp_path / "r.html").write_text(source, encoding="utf-8")
    dumped = chromium(tmp_path / "profile", "--dump-dom", (tmp_path / "r.html").as_uri())
    assert tags_of_a_browser(dumped) == [each.tag for each in tree(source).iter()]


def test_a_browser_obeys_the_policy_of_the_page(tmp_path: Path) -> None:
    """Even if something came through the gate: a script beside the page's own elements does not run."""
    source = written("activation_whole")[0]
    for name, wrong in (("kept", source), ("taken", re.sub("<meta http-equiv[^>]*>", "", source))):
        added = "<script>document.title='it ran'</script></body>"
        (tmp_path / f"{name}.html").write_text(wrong.replace("</body>", added), encoding="utf-8")
    files = [(tmp_path / f"{name}.html").as_uri() for name in ("kept", "taken")]
    kept, taken = (chromium(tmp_path / "profile", "--dump-dom", file) for file in files)
    assert "<title>it ran</title>" in taken
    assert "<title>it ran</title>" not in kept


def test_it_reads_other_elements_where_html_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("<!DOCTYPE html><html><head></head><body><p><ul></ul></p></body></html>")
    dumped = chromium(tmp_path / "profile", "--dump-dom", (tmp_path / "r.html").as_uri())
    wrong = ElementTree.Element("p")
    assert tags_of_a_browser(dumped).count(wrong.tag) == 2


def test_on_paper_nothing_is_folded(tmp_path: Path) -> None:
    """The printed page has more sheets than one on which what is folded stays so."""
    source = written("activation_whole")[0]
    assert FOLDED in unescape(source)
    folded = source.replace("details::details-content", "details::no-such-part")
    sheets = {}
    for name, text in (("unfolded", source), ("folded", _with_its_style(folded))):
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        target = tmp_path / f"{name}.pdf"
        chromium(tmp_path / "profile", f"--print-to-pdf={target}", (tmp_path / f"{name}.html").as_uri())
        sheets[name] = len(re.findall(rb"/Type\s*/Page\b", target.read_bytes()))
    assert sheets["unfolded"] > 2 * sheets["folded"] > 4


def _with_its_style(source: str) -> str:
    """A page whose style was changed, allowed to apply it."""
    return re.sub("<meta http-equiv[^>]*>", "", source)


@pytest.mark.parametrize("width", [320, 360, 800, 1600])
@pytest.mark.parametrize("text", [None, HOSTILE[10]], ids=["usual", "long"])
def test_nothing_makes_the_page_wider_than_the_window(width: int, text: str | None, tmp_path: Path) -> None:
    """WCAG 2.2, 1.4.10: what is wide is scrolled by itself."""
    source = written("log_firmware")[0] if text is None else page(judged(bundle(text)))
    asked = "<script>parent.postMessage(document.documentElement.scrollWidth, '*')</script></body>"
    (tmp_path / "r.html").write_text(_with_its_style(source).replace("</body>", asked), encoding="utf-8")
    around = "<script>onmessage = event => document.title = event.data</script>"
    frame = f"{around}<iframe src='r.html' style='border:0;width:{width}px;height:9000px'></iframe>"
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><title></title>{frame}", encoding="utf-8")
    waiting = ("--virtual-time-budget=4000", "--dump-dom")
    dumped = chromium(tmp_path / "profile", *waiting, (tmp_path / "frame.html").as_uri())
    (found,) = re.findall(r"<title>(\d+)</title>", dumped)
    assert int(found) <= width
