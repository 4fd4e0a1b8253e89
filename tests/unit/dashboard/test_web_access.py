"""Who may look: binding, host names, tokens, sessions, reverse proxies, limits."""

from __future__ import annotations

import threading
import time

import pytest
from limits.storage import MemoryStorage
from pydantic import ValidationError

from churn.config.dashboard import DashboardSection
from churn.dashboard.web.access import COOKIE
from churn.dashboard.web.limits import WRONG_TOKENS_PER_MINUTE, Limits
from churn.dashboard.web.pages import way_back
from churn.dashboard.web.proxies import address_of
from churn.errors import ConfigError
from tests.unit.dashboard.web import TOKEN, Hands, Web

BEARER = {"Authorization": f"Bearer {TOKEN}"}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused
LET_IN = 503  # the warehouse is away: whoever is told so was let in


def bearer(token: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


@pytest.mark.parametrize("address", [EVERYWHERE, "::", "10.1.2.3"])
def test_an_address_that_others_reach_needs_a_token_or_a_proxy(address):
    with pytest.raises(ConfigError, match=r"could read every customer") as refused:
        Web(address=address)
    assert (refused.value.exit_code, "dashboard.token" in refused.value.hint) == (10, True)
    Web(address=address, token=TOKEN)
    Web(address=address, user_header="X-Forwarded-User")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_this_machine_needs_nothing(address):
    assert Web(address=address).get("/").status_code == LET_IN


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8050", LET_IN),
        ("127.0.0.1", LET_IN),
        ("[::1]:8050", LET_IN),
        ("churn.example.com", LET_IN),
        ("CHURN.example.com:443", LET_IN),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("", 400),
        ("a b", 400),
    ],
)
def test_only_our_own_names_are_answered(host, status):
    web = Web(hosts=("churn.example.com",))
    for path in ("/", "/api/v1/overview"):
        assert web.get(path, headers={"Host": host}).status_code == status
    assert web.get("/healthz", headers={"Host": host}).status_code == 200


def test_without_the_token_nothing_is_shown():
    web = Web(token=TOKEN)
    for path in ("/", "/overview", "/nothing", "/download/overview/kpis.csv", "/api/v1/overview", "/api/v1/nothing"):
        answer = web.get(path)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="churn"'), path
    assert b'name="token"' in web.get("/overview?x=1").data
    assert web.get("/api/v1/overview").mimetype == "application/problem+json"
    assert web.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer Ä",
        "Bearer " + "x" * 3000,
    ],
)
def test_only_the_right_token_lets_in(header):
    web = Web(token=TOKEN)
    assert web.get("/", headers={"Authorization": header}).status_code == 401
    assert web.get("/", headers=BEARER).status_code == LET_IN


def test_guessing_is_stopped_wherever_it_comes_from():
    web = Web(token=TOKEN)
    for _ in range(WRONG_TOKENS_PER_MINUTE):
        assert web.get("/", **bearer("wrong")).status_code == 401
    stopped = web.get("/", **bearer("wrong"))
    assert stopped.status_code == 429
    assert 1 <= int(stopped.headers["Retry-After"]) <= 60
    assert web.get("/", headers=BEARER).status_code == LET_IN
    assert web.get("/", headers=BEARER, environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == LET_IN
    form = web.client().post("/login", base_url="http://127.0.0.1", data={"token": "wrong"})
    assert (form.status_code, "Retry-After" in form.headers) == (429, True)


def test_the_login_form_gives_a_session_that_ends():
    web = Web(token=TOKEN)
    browser = web.client()
    wrong = browser.post("/login", base_url="http://127.0.0.1", data={"token": "wrong", "next": "/drivers?x=1"})
    assert (wrong.status_code, b"That is not the token" in wrong.data) == (401, True)
    assert b'value="/drivers?x=1"' in wrong.data
    right = browser.post("/login", base_url="http://127.0.0.1", data={"token": TOKEN, "next": "/drivers?x=1"})
    assert (right.status_code, right.headers["Location"]) == (303, "/drivers?x=1")
    cookie = right.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"))
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    assert browser.get("/", base_url="http://127.0.0.1").status_code == LET_IN
    web.clock.pass_by(hours=11.9)
    assert browser.get("/", base_url="http://127.0.0.1").status_code == LET_IN
    web.clock.pass_by(hours=0.2)
    assert browser.get("/", base_url="http://127.0.0.1").status_code == 401


def test_logging_out_ends_the_session():
    browser = Web(token=TOKEN).client()
    browser.post("/login", base_url="http://127.0.0.1", data={"token": TOKEN})
    assert b"Log out" in browser.get("/login", base_url="http://127.0.0.1").data
    assert browser.post("/logout", base_url="http://127.0.0.1").status_code == 303
    assert browser.get("/", base_url="http://127.0.0.1").status_code == 401


def test_a_cookie_of_another_token_or_a_later_end_is_none():
    web = Web(token=TOKEN)
    given = web.client().post("/login", base_url="http://127.0.0.1", data={"token": TOKEN}).headers["Set-Cookie"]
    value = given.split(";")[0].removeprefix(f"{COOKIE}=")
    until, seal = value.split(".")
    tried = {value: LET_IN, f"{int(until) + 1}.{seal}": 401, until: 401, f"{until}.": 401, "": 401, "x.y": 401}
    for cookie, status in tried.items():
        assert web.get("/", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == status, cookie
    other = Web(token=TOKEN[::-1])
    assert other.get("/", headers={"Cookie": f"{COOKIE}={value}"}).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_a_form_of_another_site_is_not_taken(headers):
    browser = Web(token=TOKEN).client()
    for path in ("/login", "/logout"):
        answer = browser.post(path, base_url="http://127.0.0.1", data={"token": TOKEN}, headers=headers)
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)


def test_browsers_may_say_that_our_own_form_is_ours_over_plain_http():
    web = Web(address=EVERYWHERE, token=TOKEN)
    assert web.get("/login").headers["Referrer-Policy"] == "same-origin"  # "no-referrer" makes it `Origin: null`
    sent = {"base_url": "http://churn.test:8050", "data": {"token": TOKEN}}
    answer = web.client().post("/login", headers={"Origin": "http://churn.test:8050"}, **sent)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (303, True)


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/drivers?segment=a", "/drivers?segment=a"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/x\\y", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nX: y", "/"),
        ("", "/"),
        ("/login", "/"),
        ("/" + "x" * 3000, "/"),
    ],
)
def test_a_login_leads_only_to_our_own_pages(path, way):
    assert way_back(path) == way


def test_a_proxy_names_the_reader_and_nobody_else_does():
    web = Web(user_header="X-Forwarded-User", address=EVERYWHERE, trusted_proxies=("10.0.0.0/8",))
    named = {"X-Forwarded-User": "ada"}
    for peer, headers, status in [
        ("10.1.1.1", named, LET_IN),
        ("::ffff:10.1.1.1", named, LET_IN),
        ("10.1.1.1", {}, 401),
        ("10.1.1.1", {"X-Forwarded-User": " "}, 401),
        ("192.168.0.1", named, 401),
        ("127.0.0.1", named, 401),
        ("192.168.0.1", named | {"X-Forwarded-For": "10.1.1.1"}, 401),
    ]:
        answer = web.get("/", headers=headers, environ_base={"REMOTE_ADDR": peer})
        assert answer.status_code == status, (peer, headers)


def test_with_both_either_the_proxy_or_the_token_lets_in():
    web = Web(user_header="X-Forwarded-User", token=TOKEN)
    assert web.get("/", headers={"X-Forwarded-User": "ada"}).status_code == LET_IN
    assert web.get("/", headers=BEARER).status_code == LET_IN
    assert web.get("/").status_code == 401


def test_a_proxy_says_the_scheme_and_the_prefix_and_nobody_else_does():
    web = Web(token=TOKEN)
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/churn/", "X-Forwarded-For": "203.0.113.9"}
    page = web.get("/login", headers=told)
    assert "Strict-Transport-Security" in page.headers
    assert b'action="/churn/login"' in page.data
    assert b'src="/churn/static/' in page.data
    cookie = (
        web.client()
        .post("/login", base_url="http://127.0.0.1", data={"token": TOKEN}, headers=told)
        .headers["Set-Cookie"]
    )
    assert all(word in cookie for word in ("Secure", "Path=/churn"))
    stranger = web.get("/login", headers=told, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert "Strict-Transport-Security" not in stranger.headers
    assert b"/churn/" not in stranger.data
    for hostile in ("//evil.example", "/a/../b", '/"><script>', "javascript:", "/a\\b"):
        page = web.get("/login", headers=told | {"X-Forwarded-Prefix": hostile})
        assert b'action="/login"' in page.data, hostile


def test_a_client_that_asks_too_often_has_to_wait():
    web = Web(requests_per_minute=3, token=TOKEN)
    here = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert [web.get("/healthz", **here).status_code for _ in range(4)] == [200, 200, 200, 429]
    stopped = web.get("/api/v1/overview", **here)
    assert (stopped.status_code, stopped.mimetype) == (429, "application/problem+json")
    assert 1 <= int(stopped.headers["Retry-After"]) <= 60
    assert web.get("/healthz", environ_base={"REMOTE_ADDR": "203.0.113.10"}).status_code == 200
    assert {web.get("/healthz").status_code for _ in range(9)} == {200}


def test_behind_a_proxy_each_client_is_counted_and_none_can_be_another():
    web = Web(requests_per_minute=2)
    for client, other in [("203.0.113.1", "203.0.113.2"), ("127.0.0.1", "127.0.0.2")]:
        for one, status in [(client, 200), (client, 200), (other, 200), (client, 429)]:
            assert web.get("/healthz", headers={"X-Forwarded-For": one}).status_code == status
    invented = [web.get("/healthz", headers={"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.3"}) for n in range(3)]
    assert [answer.status_code for answer in invented] == [200, 200, 429]
    two_proxies = [web.get("/healthz", headers={"X-Forwarded-For": "198.51.100.7, ::1"}) for _ in range(3)]
    assert [answer.status_code for answer in two_proxies] == [200, 200, 429]
    whole_site = [web.get("/healthz", headers={"X-Forwarded-For": f"2001:db8::{n}"}) for n in range(3)]
    assert [answer.status_code for answer in whole_site] == [200, 200, 429]


class SlowStorage(MemoryStorage):
    """A storage that takes its time between making its timer and starting it."""

    @property
    def timer(self) -> threading.Timer:
        time.sleep(0.01)
        return self._timer

    @timer.setter
    def timer(self, timer: threading.Timer) -> None:
        self._timer = timer


def test_many_who_come_at_once_for_the_first_time_are_all_counted(monkeypatch):
    monkeypatch.setattr("churn.dashboard.web.limits.MemoryStorage", SlowStorage)
    limits, refused = Limits(10, Hands()), list[Exception]()
    time.sleep(0.1)  # the storage's first timer has ended

    def come() -> None:
        try:
            limits.count_request(address_of("203.0.113.9"), is_local=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at below
            refused.append(error)

    readers = [threading.Thread(target=come) for _ in range(12)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(10)
    assert [getattr(error, "status", error) for error in refused] == [429, 429]


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "short"},
        {"token": "x" * 23},
        {"token": "x" * 1001},
        {"token": "with a space in it, and long"},
        {"address": "example.com"},
        {"address": ""},
        {"port": 0},
        {"hosts": ("https://churn.example.com",)},
        {"hosts": ("churn.example.com:443",)},
        {"user_header": "X Forwarded"},
        {"trusted_proxies": ("everybody",)},
        {"locale": "english"},
        {"cache_seconds": -1},
        {"cache_seconds": 301},
        {"threads": 0},
        {"statement_timeout_seconds": 0},
        {"colour": "blue"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))) as refused:
        DashboardSection(**wrong)
    assert "with a space" not in repr(refused.value.errors(include_input=False))
