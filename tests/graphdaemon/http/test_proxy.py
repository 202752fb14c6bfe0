"""Which proxy leads to a host, and what is said of a variable that cannot be read."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphdaemon.errors import SettingsError
from graphdaemon.http.proxy import Proxy, find_proxy, read_proxy
from graphdaemon.settings.setting import Secret
from tests.support.leak_search import find_leaks

HOST = "graph.microsoft.com"


def proxy(
    host: str = "proxy",
    port: int = 3128,
    scheme: str = "http",
    *,
    user: str | None = None,
    password: str | None = None,
) -> Proxy:
    secret = Secret(password) if password is not None else None
    return Proxy(scheme, host, port, "HTTPS_PROXY", user, secret)


def signed(password: str, user: str = "user", **more: object) -> Proxy:
    return proxy(user=user, password=password)


READ: dict[str, Proxy] = {
    "http://proxy:3128": proxy(),
    "http://proxy:3128/": proxy(),
    " http://proxy:3128 \n": proxy(),
    '"http://proxy:3128"': proxy(),
    "\ufeffhttp://proxy:3128\u200b": proxy(),
    "HTTP://proxy:3128": proxy(),
    "proxy:3128": proxy(),
    "//proxy:3128": proxy(),
    "http://proxy": proxy(port=80),
    "http://proxy:": proxy(port=80),
    "https://proxy": proxy(port=443, scheme="https"),
    "https://proxy:8443": proxy(port=8443, scheme="https"),
    "socks5://proxy": proxy(port=1080, scheme="socks5"),
    "SOCKS5h://proxy:9050": proxy(port=9050, scheme="socks5h"),
    "http://Proxy_1.example.:3128": proxy("Proxy_1.example."),
    "http://10.1.2.3:3128": proxy("10.1.2.3"),
    "http://[::1]:3128": proxy("::1"),
    "http://[fe80::1%25eth0]:3128": proxy("fe80::1%eth0"),
    "http://[2001:db8::1]": proxy("2001:db8::1", 80),
    "http://bücher.example:3128": proxy("bücher.example"),
    "http://@proxy:3128": proxy(),
    "http://user@proxy:3128": proxy(user="user"),
    "http://user:@proxy:3128": signed(""),
    "http://:pw@proxy:3128": signed("pw", user=""),
    "user:pw@proxy:3128": signed("pw"),
    "http://user:Pass#1@proxy:3128": signed("Pass#1"),
    "http://user:Pass/1@proxy:3128": signed("Pass/1"),
    "http://user:Pass?1@proxy:3128": signed("Pass?1"),
    "http://user:Pass[1@proxy:3128": signed("Pass[1"),
    "http://user:Pass]1@proxy:3128": signed("Pass]1"),
    "http://user:Pass@1@proxy:3128": signed("Pass@1"),
    "http://user:Pass:1@proxy:3128": signed("Pass:1"),
    "http://user:Pass\\1@proxy:3128": signed("Pass\\1"),
    "http://user:Pass 1@proxy:3128": signed("Pass 1"),
    "http://user:1234/x@proxy:3128": signed("1234/x"),
    "http://user:http://x@proxy:3128": signed("http://x"),
    "user:http://x@proxy:3128": signed("http://x"),
    "http://user:p%40ss%3A%2f@proxy:3128": signed("p@ss:/"),
    "http://user:100%@proxy:3128": signed("100%"),
    "http://user:%zz@proxy:3128": signed("%zz"),
    "http://user:%E9@proxy:3128": signed("\udce9"),
    "http://user:pässword@proxy:3128": signed("pässword"),
    "http://CORP%5Cuser:pw@proxy:3128": signed("pw", user="CORP\\user"),
    "http://CORP\\user:pw@proxy:3128": signed("pw", user="CORP\\user"),
    "http://me%40corp.example:pw@proxy:3128": signed("pw", user="me@corp.example"),
    "http://me@corp.example:pw@proxy:3128": signed("pw", user="me@corp.example"),
}


@pytest.mark.parametrize(("value", "expected"), READ.items(), ids=READ.keys())
def test_an_address_that_can_mean_one_thing_is_read(value: str, expected: Proxy) -> None:
    """Whatever its password holds: a proxy has no path, so the last @ ends it."""
    assert read_proxy(value, "HTTPS_PROXY") == expected
    assert read_proxy(value, "HTTPS_PROXY").authorization == expected.authorization
    again = read_proxy(expected.url, "HTTPS_PROXY")
    assert (again.address, again.authorization) == (expected.address, expected.authorization)


def test_the_password_is_sent_as_the_bytes_that_were_meant() -> None:
    """Percent-encoded they are any bytes, written out they are UTF-8."""
    for value, sent in (("%E9", b"user:\xe9"), ("é", b"user:\xc3\xa9")):
        header = read_proxy(f"http://user:{value}@proxy", "HTTPS_PROXY").authorization
        assert header == {"Proxy-Authorization": f"Basic {base64.b64encode(sent).decode()}"}


PASSWORD = "Sesame-0pen.87"
REFUSED: dict[str, str] = {
    f"http://user:{PASSWORD}@proxy:99999": "port",
    f"http://user:{PASSWORD}@proxy:0": "port",
    f"http://user:{PASSWORD}@proxy:-1": "port",
    f"http://user:{PASSWORD}@proxy:\uff13\uff11\uff12\uff18": "port",
    f"http://user:{PASSWORD}@proxy:31 28": "port",
    f"http://user:{PASSWORD}": "port",
    f"user:{PASSWORD}": "port",
    f"http://user:{PASSWORD}@": "no host",
    f"http://user:{PASSWORD}@:3128": "no host",
    f"http://user:{PASSWORD}@pro xy:3128": "host",
    f"http://user:{PASSWORD}@pro%78y:3128": "host",
    f"http://user:{PASSWORD}@a..b:3128": "host",
    f"http://user:{PASSWORD}@::1:3128": "brackets",
    f"http://user:{PASSWORD}@[::1:3128": "brackets",
    f"http://user:{PASSWORD}@[proxy]:3128": "brackets",
    f"http://user:{PASSWORD}@proxy:3128/path": "follows its port",
    f"http://user:{PASSWORD}@proxy:3128?x": "follows its port",
    f"http://user:{PASSWORD}@proxy/x.pac": "PAC",
    f"http:/user:{PASSWORD}@proxy/x": "follows its port",
    f"http:\\\\{PASSWORD}\\proxy": "follows its port",
    f"ftp://user:{PASSWORD}@proxy": "scheme",
    f"socks4://user:{PASSWORD}@proxy": "SOCKS 4",
    f"socks://user:{PASSWORD}@proxy": "socks5h",
    f"http://us%3Aer:{PASSWORD}@proxy": "user name",
    f"http://user:{PASSWORD}\u200b@proxy": "U+200B",
    f"http://user:\n{PASSWORD}@proxy": "U+000A",
    f"://{PASSWORD}": "port",
    f'"http://user:{PASSWORD}@proxy': "quotation mark",
}


@pytest.mark.parametrize(("value", "part"), REFUSED.items(), ids=REFUSED.keys())
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "Https_Proxy"])
def test_what_cannot_be_read_names_the_variable_and_the_part(
    value: str, part: str, variable: str
) -> None:
    """And never the password, nor anything that may be one."""
    with pytest.raises(SettingsError) as caught:
        find_proxy(HOST, 443, {variable: value})

    assert caught.value.code == "proxy_invalid"
    assert variable in str(caught.value)
    assert part in str(caught.value)
    said = f"{caught.value} {caught.value.hint} {caught.value!r}".encode()
    assert find_leaks([PASSWORD], {"error": said}) == []


NOTHING = {"HTTPS_PROXY": "", "ALL_PROXY": ' ""', "https_proxy": "  "}
CHOICES: dict[str, tuple[dict[str, str], str | None]] = {
    "none": ({}, None),
    "HTTP_PROXY is for http": ({"HTTP_PROXY": "http://a:1"}, None),
    "upper case": ({"HTTPS_PROXY": "http://a:1"}, "a"),
    "mixed case": ({"Https_proxy": "http://a:1"}, "a"),
    "lower case wins": ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:1"}, "b"),
    "lower case, empty, wins": ({"HTTPS_PROXY": "http://a:1", "https_proxy": ""}, None),
    "all": ({"ALL_PROXY": "http://c:1"}, "c"),
    "https before all": ({"ALL_PROXY": "http://c:1", "HTTPS_PROXY": "http://a:1"}, "a"),
    "all where https is empty": ({"ALL_PROXY": "http://c:1", "HTTPS_PROXY": ""}, "c"),
    "nothing": (NOTHING, None),
    "exempt": ({"HTTPS_PROXY": "http://a:1", "no_proxy": HOST}, None),
    "exempt by the other case": ({"https_proxy": "http://a:1", "NO_PROXY": HOST}, None),
    "exempt, though it cannot be read": ({"HTTPS_PROXY": "x:y", "NO_PROXY": "*"}, None),
}


@pytest.mark.parametrize(("environment", "host"), CHOICES.values(), ids=CHOICES.keys())
def test_the_variables_count_as_for_other_programs(
    environment: dict[str, str], host: str | None
) -> None:
    """The order is curl's."""
    found = find_proxy(HOST, 443, environment)

    assert (found.host if found else None) == host


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1"])
def test_this_machine_is_reached_directly(host: str) -> None:
    assert find_proxy(host, 443, {"HTTPS_PROXY": "http://a:1"}) is None


# What NO_PROXY holds, host and port, and whether they are reached directly.
EXEMPTIONS = [
    ("*", HOST, 443, True),
    ("graph.microsoft.com", HOST, 443, True),
    ("GRAPH.Microsoft.COM", HOST, 443, True),
    ("graph.microsoft.com.", HOST, 443, True),
    ("microsoft.com", HOST, 443, True),
    (".microsoft.com", HOST, 443, True),
    ("*.microsoft.com", HOST, 443, True),
    ("graph.*.com", HOST, 443, True),
    ("soft.com", HOST, 443, False),
    ("microsoft", HOST, 443, False),
    ("other.example, graph.microsoft.com", HOST, 443, True),
    ("other.example graph.microsoft.com", HOST, 443, True),
    ("other.example;graph.microsoft.com", HOST, 443, True),
    ('"graph.microsoft.com"', HOST, 443, True),
    ("other.example,\u200bgraph.microsoft.com", HOST, 443, True),
    (",,", HOST, 443, False),
    ("graph.microsoft.com:443", HOST, 443, True),
    ("graph.microsoft.com:8443", HOST, 443, False),
    ("https://graph.microsoft.com/v1.0", HOST, 443, True),
    ("<local>", HOST, 443, False),
    ("<local>", "intranet", 443, True),
    ("10.0.0.0/8", "10.1.2.3", 443, True),
    ("10.1.2.3/8", "10.1.2.3", 443, True),
    ("10.0.0.0/8", "11.1.2.3", 443, False),
    ("10.0.0.0/8", HOST, 443, False),
    ("10.1.*", "10.1.2.3", 443, True),
    ("10.1.2.3", "10.1.2.3", 443, True),
    ("2001:db8::/32", "2001:db8::1", 443, True),
    ("2001:db8::1", "2001:db8::1", 443, True),
    ("[2001:db8::1]", "2001:db8::1", 443, True),
    ("[2001:db8::1]:443", "2001:db8::1", 443, True),
    ("[2001:db8::1]:8443", "2001:db8::1", 443, False),
    ("bücher.example", "www.xn--bcher-kva.example", 443, True),
    ("xn--bcher-kva.example", "bücher.example", 443, True),
]


@pytest.mark.parametrize(("value", "host", "port", "exempt"), EXEMPTIONS)
def test_no_proxy_is_read_in_every_form_in_use(
    value: str, host: str, port: int, exempt: bool
) -> None:
    """Names, domains, patterns, addresses, networks, ports."""
    environment = {"HTTPS_PROXY": "http://a:1", "NO_PROXY": value}

    assert (find_proxy(host, port, environment) is None) == exempt


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            "a.example,10.0.0.0/99",
            "NO_PROXY cannot be read, because of its entry 2: it is not a network",
        ),
        ("a.example/x", "of its entry 1: it is not a network"),
        ("a.example:https", "of its entry 1: its port is not a number"),
    ],
)
def test_an_exemption_that_cannot_be_read_is_named(value: str, words: str) -> None:
    """Passed over, it would send the traffic where it should not go."""
    with pytest.raises(SettingsError, match=words):
        find_proxy(HOST, 443, {"HTTPS_PROXY": "http://a:1", "NO_PROXY": value})


@given(st.text(max_size=30), st.text(min_size=8, max_size=12))
@example("http://u:", "abcdefgh")
def test_no_value_gets_another_exception_through(before: str, password: str) -> None:
    """Whatever the variable holds, it is read or it is a settings error; nothing is repeated."""
    value = f"{before}{password}@"
    said = ""
    try:
        read_proxy(value, "HTTPS_PROXY")
    except SettingsError as error:
        said = f"{error} {error.hint}"

    assert password not in said
