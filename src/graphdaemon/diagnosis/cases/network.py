"""Cases: the network on the way to a host."""

from graphdaemon.diagnosis.cases.case import Case

NETWORK: dict[str, Case] = {
    "tls_untrusted": Case(
        "tls_untrusted",
        "The certificate of {host} is not signed by an authority this machine trusts.",
        "If the host or a proxy uses a private certificate authority, name its PEM file in "
        "ca_file.",
    ),
    "tls_intercepted": Case(
        "tls_untrusted",
        "A proxy opens TLS on the way and signs in Microsoft's place: whoever runs it reads the "
        "tokens.",
        "Ask whoever runs the network for the proxy's certificate authority as a PEM file and name "
        "it in ca_file, or better, to let {host} through unopened.",
    ),
    "tls_expired": Case(
        "tls_untrusted",
        "The certificate of {host} is over its time, or before it, by this machine's clock.",
        "Set this machine's clock (NTP); if it is right, the certificate of {host}, or of a proxy "
        "in its place, has to be renewed by whoever runs it.",
    ),
    "tls_unspoken": Case(
        "connection_failed",
        "What answers does not speak TLS at this port.",
        "Compare scheme and port: a proxy named with https:// in HTTPS_PROXY often speaks http:// "
        "only, and an address with http:// needs its own port.",
    ),
    "tls_misnamed": Case(
        "tls_untrusted",
        "The certificate shown is another host's.",
        "Check the address of {host}; a proxy, a captive sign-in page or a wrong DNS entry may "
        "answer in its place.",
    ),
    "tls_broken": Case(
        "connection_lost",
        "The line to {host} is cut as soon as TLS begins: a firewall that blocks hosts by name "
        "does this.",
        "Ask whoever runs the network to let {host} on port 443 through, or for the proxy to use "
        "(HTTPS_PROXY).",
    ),
    "host_unknown": Case(
        "host_unknown",
        "No address is known for the name of {host}.",
        "Check the address for a typing error, and this machine's network and DNS.",
    ),
    "timed_out": Case(
        "timed_out",
        "No answer comes from {host}: the way there is blocked, or very slow.",
        "Check the network and the firewall; a proxy is taken from HTTPS_PROXY.",
    ),
    "answer_cut": Case(
        "connection_lost",
        "The answer broke off in the middle.",
        "Run it again; if it recurs, look for a proxy or firewall that cuts long answers.",
    ),
    "answer_malformed": Case(
        "connection_lost",
        "What {host} sent is no HTTP/1.1 that can be read safely.",
        "Run it again; if it recurs, look for a proxy or firewall that changes answers, and check "
        "that the address is the service's.",
    ),
    "limit_exceeded": Case(
        "limit_exceeded",
        "The answer of {host} is larger, longer or slower than any of Entra ID or Graph.",
        "Check that the address is the service's; if it is, ask for less at a time: fewer "
        "properties or smaller pages.",
    ),
    "address_invalid": Case(
        "address_invalid",
        "No request can be sent to this address, or with this header.",
        "Check the addresses in the settings and on the command line; if a service sent it, run it "
        "again and report it to the service.",
    ),
    "connection_refused": Case(
        "connection_failed",
        "Nothing listens at {host}.",
        "Check host and port; if they are the emulator's, start the emulator.",
    ),
    "connection_lost": Case(
        "connection_lost",
        "The connection broke.",
        "Check the network, and try again.",
    ),
    "connection_failed": Case(
        "connection_failed",
        "No connection could be made.",
        "Check the network, and try again.",
    ),
    "proxy_unknown": Case(
        "host_unknown",
        "No address is known for the name of the proxy.",
        "Check the proxy's name in HTTPS_PROXY (or ALL_PROXY), and this machine's network and DNS; "
        "where there is a direct way to {host}, exempt it with NO_PROXY.",
    ),
    "proxy_down": Case(
        "connection_failed",
        "Nothing listens at the proxy's address.",
        "Check the proxy's host and port in HTTPS_PROXY (or ALL_PROXY), and whether it runs; where "
        "there is a direct way to {host}, exempt it with NO_PROXY.",
    ),
    "proxy_silent": Case(
        "timed_out",
        "No answer comes from the proxy: the way to it is blocked, or it is overloaded.",
        "Check the proxy's host and port in HTTPS_PROXY (or ALL_PROXY), and ask whoever runs it.",
    ),
    "proxy_lost": Case(
        "connection_lost",
        "The proxy closed the connection before it led to {host}.",
        "Check the proxy's port and scheme in HTTPS_PROXY (http or https), and ask whoever runs "
        "it.",
    ),
    "proxy_untrusted": Case(
        "tls_untrusted",
        "The proxy's own certificate is not signed by an authority this machine trusts, or is "
        "another host's.",
        "Name the file of the proxy's certificate authority in ca_file, and the proxy in "
        "HTTPS_PROXY by the name in its certificate.",
    ),
    "proxy_foreign": Case(
        "proxy_refused",
        "What answers at the proxy's address does not speak as a proxy does.",
        "Check the proxy's port and scheme in HTTPS_PROXY (http, https or socks5h): another "
        "service may be listening there.",
    ),
    "proxy_sign_in": Case(
        "proxy_refused",
        "The proxy asks for a way to sign in that is not supported here.",
        "Ask whoever runs the proxy for Basic or for an exemption, or name in HTTPS_PROXY a "
        "local proxy that signs in to it (px, cntlm).",
    ),
    "proxy_gateway": Case(
        "proxy_refused",
        "The proxy lets the connection through, and does not reach {host} itself.",
        "Check the address of {host} for a typing error, and ask whoever runs the proxy "
        "(HTTPS_PROXY) whether it reaches {host} on port 443.",
    ),
    "proxy_refused": Case(
        "proxy_refused",
        "The proxy does not let the connection through.",
        "Check HTTPS_PROXY (user and password too), or exempt the host with NO_PROXY.",
    ),
    "proxy_password": Case(
        "proxy_refused",
        "The proxy asks for a user name and password, or does not accept those given.",
        "Check HTTPS_PROXY (user and password too: http://USER:PASSWORD@PROXY:PORT).",
    ),
    "proxy_blocked": Case(
        "proxy_refused",
        "The proxy blocks {host}.",
        "Ask whoever runs the proxy (HTTPS_PROXY) to admit {host} on port 443, or exempt it with "
        "NO_PROXY where there is a direct way.",
    ),
}
