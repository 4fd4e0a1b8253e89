"""`churn report`: the night as one file that holds all it needs, says what the views say, and is in the ledger."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from churn.cli import main
from churn.config import Settings
from churn.dashboard.pages import PAGES
from churn.dashboard.reading import read
from churn.dashboard.report_chapters import CHAPTERS
from churn.dashboard.source import Reader
from churn.errors import UsageError
from churn.reporting import nightly_report, write_report
from tests.alert_servers import mailbox
from tests.e2e.company import AS_OF, Office, night_of
from tests.e2e.conftest import MakeOffice

AT = night_of(AS_OF) + timedelta(hours=1)


class Parts(HTMLParser):
    """What a page refers to, and its inlined scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.addresses: list[str] = []
        self.policy = ""
        self.inlined: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.addresses += [named[name] or "" for name in ("src", "href", "action", "srcset", "data") if name in named]
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""
        is_data = named.get("type") == "application/json"
        self._open = tag if tag in self.inlined and not is_data else "data" if is_data else ""
        if self._open in self.inlined:
            self.inlined[self._open].append("")
        assert not [name for name in named if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inlined:
            self.inlined[self._open][-1] += data
        elif not self._open:
            self.text.append(data)


def parsed(page: str) -> Parts:
    found = Parts()
    found.feed(page)
    return found


@pytest.fixture(scope="module")
def page(published: Office, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(published.settings, None, path, at=AT)
    return path.read_text(encoding="utf-8")


def test_it_refers_to_nothing_outside(page: str) -> None:
    found = parsed(page)
    assert [address for address in found.addresses if not address.startswith("#")] == []
    assert "url(" not in "".join(found.inlined["style"])


def test_the_policy_allows_the_inlined_scripts_alone(page: str) -> None:
    found = parsed(page)
    rules = {rule.split()[0]: rule.split()[1:] for rule in found.policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in found.inlined["script"]
    ]
    assert rules["script-src"] == hashes
    assert "plotly.js v" in found.inlined["script"][0]
    assert not re.search(r"https?:|connect-src", found.policy)


def test_every_chapter_names_charts_and_blocks_that_its_page_has(published: Office) -> None:
    reader = Reader(published.settings, "report")
    try:
        with reader.moment() as connection:
            for chapter in CHAPTERS:
                page = next(one for one in PAGES if one.name == chapter.page)
                query = page.query()
                shown = page.shown(read(connection, page.asks(query)), query)
                assert set(chapter.blocks) <= {*shown["blocks"], *shown}
    finally:
        reader.close()


def test_its_figures_are_those_of_the_views(published: Office, page: str) -> None:
    text = " ".join(" ".join(parsed(page).text).split())
    listed = published.rows("select customer_id, reason_1 from bi.at_risk_customers order by priority_rank limit 50")
    for row in listed:
        assert row["customer_id"] in text
    beyond = published.rows("select customer_id from bi.at_risk_customers order by priority_rank offset 50 limit 1")
    assert beyond[0]["customer_id"] not in text
    assert "The first 50 of" in text
    for finding in published.column("select finding from bi.insights"):
        assert " ".join(finding.split()) in text
    for driver in published.column("select driver from bi.churn_drivers where segment = 'all'"):
        assert driver in text
    assert published.value("select max(model_version) from bi.customer_scores") in text


def test_it_is_in_the_ledger_so_that_forget_finds_it(make_office: MakeOffice, tmp_path: Path) -> None:
    office = make_office()
    path = tmp_path / "night.html"
    write_report(office.settings, AS_OF, path, at=AT)
    (row,) = office.rows("select * from ops.exports where format = 'html'")
    listed = office.value("select least(count(*), 50) from bi.at_risk_customers")
    assert (row["what"], row["as_of_date"], row["with_holdout"], row["rows"]) == ("at-risk", AS_OF, True, listed)
    assert (row["target"], row["sha256"]) == (str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_older_night_shows_what_is_kept_and_says_what_is_not(make_office: MakeOffice, tmp_path: Path) -> None:
    office = make_office()
    office.nightly(AS_OF + timedelta(days=1))
    path = tmp_path / "older.html"
    write_report(office.settings, AS_OF, path, at=AT)
    text = " ".join(" ".join(parsed(path.read_text(encoding="utf-8")).text).split())
    assert "An older night" in text
    assert "Do not contact anybody by it" in text
    first = office.value(
        "select customer_id from bi.customer_scores_history where as_of_date = :day and list_status = 'listed' "
        "order by expected_net_value desc nulls last, risk_percentile desc, customer_id limit 1",
        day=AS_OF,
    )
    assert first in text
    assert "Whom to contact first" not in text
    assert "Month of that night" in text
    assert ("It was scored with hindsight" in text) is office.value(
        "select bool_or(in_sample) from bi.customer_scores_history where as_of_date = :day", day=AS_OF
    )


def test_a_night_that_is_not_published_is_refused_with_what_there_is(published: Office, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"1 published nights, from {AS_OF} to {AS_OF}"):
        write_report(published.settings, AS_OF - timedelta(days=3), tmp_path / "x.html", at=AT)
    with pytest.raises(UsageError, match="is a folder"):
        write_report(published.settings, None, tmp_path, at=AT)
    with pytest.raises(UsageError, match="There is no folder"):
        write_report(published.settings, None, tmp_path / "none" / "x.html", at=AT)
    assert list(tmp_path.iterdir()) == []


def test_stdout_gets_the_whole_page(published: Office, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", "--output", "-", "--config", str(published.config)])
    assert ended.value.code == 0
    out = capfdbinary.readouterr().out
    assert out.startswith(b"<!doctype html>")
    assert out.rstrip().endswith(b"</html>")


# ---------------------------------------------------------------- after a night


def reporting(office: Office, **report: object) -> Settings:
    office.configure(**{f"report__{name}": value for name, value in report.items()})
    return office.settings


def test_a_night_writes_its_report_and_keeps_the_last_ones(make_office: MakeOffice, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    for name in ("report_2025-01-01.html", "report_2025-01-02.html", "mine.html"):
        (folder / name).touch()
    settings = reporting(make_office(), folder=str(folder), keep=2)
    (said,) = nightly_report(settings, AS_OF, lambda: AT)
    assert said == f"The report is in {folder / f'report_{AS_OF}.html'}. 1 older ones were deleted."
    assert sorted(file.name for file in folder.iterdir()) == [
        "mine.html",
        "report_2025-01-02.html",
        f"report_{AS_OF}.html",
    ]


def test_a_report_is_mailed_as_an_attachment(make_office: MakeOffice) -> None:
    office = make_office()
    with mailbox() as box:
        office.configure(
            report__mail=True,
            alerts__smtp_host="127.0.0.1",
            alerts__smtp_port=box.port,
            alerts__smtp_tls="none",
            alerts__mail_from="churn@example.com",
            alerts__mail_to=["desk@example.com"],
        )
        assert nightly_report(office.settings, AS_OF, lambda: AT) == ["The report was mailed to desk@example.com."]
    (attached,) = box.mails[0].iter_attachments()
    assert attached.get_filename() == f"report_{AS_OF}.html.gz"
    assert attached.get_content_type() == "application/gzip"


def test_what_goes_wrong_is_said_and_raises_nothing(published: Office, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert nightly_report(published.settings, AS_OF, lambda: AT) == []
    broken = published.settings.model_copy(
        update={"report": published.settings.report.model_copy(update={"folder": tmp_path / "file", "mail": True})}
    )
    written, mailed = nightly_report(broken, AS_OF, lambda: AT)
    assert f"The report of {AS_OF} was not made" in written
    assert "alerts.smtp_host is not set" in mailed
    (unknown,) = nightly_report(broken, AS_OF - timedelta(days=9), lambda: AT)
    assert "The night is published all the same" in unknown
