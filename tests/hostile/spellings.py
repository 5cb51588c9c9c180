# ruff: noqa: RUF001
"""Ways to write a URL that leads inside, or that two readers may take for two different ones."""

from __future__ import annotations

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "LOCALHOST": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "localhost.localdomain": ["127.0.0.1"],
    "a.localhost": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "127.0.0.1.": ["127.0.0.1"],
    "127.0.0.1.names.test": ["127.0.0.1"],
    "10-0-0-1.names.test": ["10.0.0.1"],
    "a9fea9fe.names.test": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "private.test": ["10.0.0.1", "192.168.0.1"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "compatible.test": ["::7f00:1"],
    "nat64.test": ["64:ff9b::a9fe:a9fe"],
    "sixtofour.test": ["2002:0a00:0001::"],
    "unique-local.test": ["fd00:ec2::254"],
    "zoned.test": ["fe80::1%lo"],
    "xn--lcalhost-e1a.test": ["127.0.0.1"],
    "public.test": ["93.184.216.34"],
}
"""What the tests' resolver says."""

PLACES = (
    # every spelling of loopback that a resolver takes
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001", "0X7F000001",
    "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "0x7f.0.0.0x1", "0177.1", "0", "0.0.0.0", "0x0", "00000000000",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[0000::0001]",
    # private, shared, link-local, metadata
    "10.0.0.1", "10.1", "0x0a000001", "012.0.0.1", "167772161", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "3232235777", "0300.0250.1.1", "100.64.0.1", "100.127.255.255", "100.100.100.200", "169.254.169.254", "169.254.1",
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "192.0.0.192", "168.63.129.16", "[fe80::1]", "[fe80::1%lo]",
    "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]",
    # nobody's: benchmarks, documentation, multicast, reserved, broadcast
    "198.18.0.1", "192.0.2.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[5f00::1]",
    # an IPv4 address inside an IPv6 one
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[::a00:1]", "[::ffff:0:7f00:1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[::ffff:10.0.0.1]",
    # names
    *(name for name in NAMES if name != "public.test"),
    # odd ports do not matter
    "127.0.0.1:22", "127.0.0.1:6379", "localhost:65535", "169.254.169.254:80", "[::1]:5432",
)  # fmt: skip
"""Hosts, with or without a port, that no call may connect to."""

SHAPES = (
    "ftp://public.test/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "dict://127.0.0.1:11211/",
    "ldap://127.0.0.1/", "javascript:alert(1)", "data:text/plain,x", "unix:///run/redis.sock", "jar:http://public.test!/",
    "//public.test/", "/path", "public.test", "https:public.test", "https:/public.test", "https://", "https:///path",
    "https://user:pass@public.test/", "https://public.test@127.0.0.1/", "https://127.0.0.1#@public.test/",
    "https://public.test%2f@127.0.0.1/", "https://public.test&@127.0.0.1/", "https://public.test\\@127.0.0.1/",
    "https://127.0.0.1\\.public.test/", "https:\\\\127.0.0.1/", "https://public.test/#fragment",
    "https://public.test/\r\nHost: inside", "https://public.test/a b", "https://public.test\t/", "https://pub\nlic.test/",
    " https://public.test/", "https://public.test/\x00", "https://public.test/\x7f", "https://①②⑦.⓪.⓪.①/",
    "https://１２７.０.０.１/", "https://127。0。0。1/", "https://127．0．0．1/", "https://127｡0｡0｡1/", "https://löcalhost/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://localhost\u200b/", "https://public.test\u2044@127.0.0.1/", "https://ﬁle.test/",
    "https://[::1", "https://::1]/", "https://[::1]x/", "https://[public.test]/", "https://public.test:99999/",
    "https://public.test:-1/", "https://public.test:0/", "https://public.test:80:90/", "https://public.test:８０/",
    "https://public.test:port/", "https://?x@127.0.0.1/", "https://:443/",
    "http+unix://%2frun%2fx/", "HTTPS//public.test",
    "https://[v1.x]/", "https://public.test:1e3/", "https://public.test: 80/", "",
)  # fmt: skip
"""Texts that are no URL of the hub, refused wherever one is entered and again where one is used."""
