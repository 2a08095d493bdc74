"""Writes cases.jsonl: packets by which firewalls have been talked around, and what has to become of each.

A case is a sequence of frames that enter by port 0 (the client's side) or 1, each with `pass` or the drop reason that it
has to die by. The world: client 10.0.0.1 and 2001:db8::1 behind port 0, server 10.1.0.9 and 2001:db8:1::9 behind port 1;
the server takes TCP 8080, UDP 53 and pings, the client takes nothing; nobody else is declared, and such traffic passes.
Of what is not IP, ARP and spanning tree pass by rule.

    python3 -m tests.data.evasion.make_cases
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

from tests.lab.frames import (ACK, DESTINATION, DONT_FRAGMENT, ETHER_IPV4, ETHER_IPV6, ETHER_MPLS, ETHER_OLD_QINQ, ETHER_QINQ,
                              ETHER_VLAN, FIN, FRAGMENT, HOP_BY_HOP, ICMP, ICMPV6, MORE, NO_NEXT, PSH, ROUTING, RST,
                              SYN, TCP, UDP, URG, datagram, ethernet, extension, fragment_header, icmp, ipv4, ipv6,
                              pieces, routing, segment_routing, tcp, udp)

FILE = Path(__file__).with_name("cases.jsonl")
PASS, DENY = "pass", "policy_deny"
CLIENT, SERVER = {4: "10.0.0.1", 6: "2001:db8::1"}, {4: "10.1.0.9", 6: "2001:db8:1::9"}

cases: list[dict] = []


def case(name: str, source: str, *steps: tuple) -> None:
    """A step is (frame, expected) or (frame, expected, port)."""
    frames = [{"port": step[2] if len(step) > 2 else 0, "hex": step[0].hex(), "expect": step[1]} for step in steps]
    assert all(earlier["name"] != name for earlier in cases), name
    cases.append({"name": name, "source": source, "frames": frames})


def query(family: int, payload: bytes = b"", **fields) -> bytes:
    """An allowed UDP datagram's upper layer."""
    return udp(CLIENT[family], SERVER[family], 40000, 53, payload, **fields)


def syn(family: int, port: int = 8080, **fields) -> bytes:
    return tcp(CLIENT[family], SERVER[family], 40000, port, SYN, **fields)


def sent(family: int, protocol: int, payload: bytes, **fields) -> bytes:
    return datagram(CLIENT[family], SERVER[family], protocol, payload, **fields)


def lengths_and_headers() -> None:
    for version in (0, 5, 6, 15):
        case(f"IPv4 header of version {version}", "RFC 791", (sent(4, UDP, query(4), version=version), "bad_header"))
    for version in (0, 4, 15):
        case(f"IPv6 header of version {version}", "RFC 8200", (sent(6, UDP, query(6), version=version), "bad_header"))
    for words in (0, 1, 4):
        case(f"IPv4 header of {words} words", "RFC 791", (sent(4, UDP, query(4), words=words), "bad_header"))
    case("IPv4 header longer than the packet", "RFC 791", (sent(4, UDP, query(4), words=15), "bad_header"))
    for total in (0, 19):
        case(f"IPv4 total length {total}", "RFC 791", (sent(4, UDP, query(4), total=total), "bad_header"))
    case("IPv4 total length cuts the UDP header", "RFC 791", (sent(4, UDP, query(4), total=24), "truncated"))
    case("IPv4 total length beyond the frame", "RFC 791", (sent(4, UDP, query(4, b"x" * 40), total=1500), "truncated"))
    case("IPv4 with padding behind the packet", "RFC 894", (sent(4, UDP, query(4)) + b"\xa5" * 20, PASS))
    case("IPv6 payload length beyond the frame", "RFC 8200", (sent(6, UDP, query(6), length=1400), "truncated"))
    case("IPv6 payload length cuts the UDP header", "RFC 8200", (sent(6, UDP, query(6), length=4), "truncated"))
    case("IPv6 payload length 0 (a jumbogram's)", "RFC 2675", (sent(6, UDP, query(6), length=0), "truncated"))
    for family in (4, 6):
        case(f"UDP length below its header, IPv{family}", "RFC 768", (sent(family, UDP, query(family, length=7)), "bad_header"))
        case(f"UDP length beyond the packet, IPv{family}", "RFC 768",
             (sent(family, UDP, query(family, b"x" * 30, length=60)), "truncated"))
        for words in (0, 4):
            case(f"TCP header of {words} words, IPv{family}", "RFC 9293",
                 (sent(family, TCP, syn(family, words=words)), "bad_header"))
        case(f"TCP header longer than the packet, IPv{family}", "RFC 9293",
             (sent(family, TCP, syn(family, words=15)), "truncated"))
        for size in (0, 4, 19):
            case(f"TCP header cut after {size} bytes, IPv{family}", "RFC 9293",
                 (sent(family, TCP, syn(family)[:size]), "truncated"))
        case(f"ICMP header cut, IPv{family}", "RFC 792, RFC 4443",
             (sent(family, ICMP if family == 4 else ICMPV6, b"\x08\0\0\0"), "truncated"))
    case("a frame that ends in its Ethernet header", "IEEE 802.3", (sent(4, UDP, query(4))[:13], "truncated"))
    case("a frame that ends in its IPv4 header", "RFC 791", (sent(4, UDP, query(4))[:30], "truncated"))
    case("a frame that ends in its IPv6 header", "RFC 8200", (sent(6, UDP, query(6))[:50], "truncated"))
    for value in (0, 0xDEAD, 0xFFFF):
        case(f"IPv4 header checksum {value:#06x}", "Ptacek, Newsham 1998",
             (sent(4, TCP, syn(4), check=value), "bad_checksum"))
    case("reserved bit of the IPv4 header (the evil bit)", "RFC 3514", (sent(4, UDP, query(4), reserved=True), PASS))


def options() -> None:
    way = bytes([10, 99, 0, 1])
    for kind, name in ((131, "loose source route"), (137, "strict source route"), (7, "record route")):
        option = bytes([kind, 7, 4]) + way
        case(f"IPv4 option: {name}", "RFC 791, RFC 7126", (sent(4, UDP, query(4), options=option), "ip_option"))
        case(f"IPv4 option: {name} behind no-operations", "RFC 791",
             (sent(4, UDP, query(4), options=b"\x01\x01\x01" + option), "ip_option"))
        case(f"IPv4 option: {name} in a later fragment", "RFC 791",
             (sent(4, UDP, b"x" * 16, options=option, fragment=4), "ip_option"))
    case("IPv4 option: a source route behind the end of the list", "RFC 791",
         (sent(4, UDP, query(4), options=b"\0" + bytes([131, 7, 4]) + way), PASS))
    for length in (0, 1):
        case(f"IPv4 option of length {length}", "RFC 791", (sent(4, UDP, query(4), options=bytes([68, length, 0, 0])), "bad_header"))
    case("IPv4 option beyond the header", "RFC 791", (sent(4, UDP, query(4), options=bytes([68, 40, 5, 0])), "bad_header"))
    case("IPv4 option without a length", "RFC 791", (sent(4, UDP, query(4), options=b"\x01\x01\x01\x44"), "bad_header"))
    case("IPv4 option: router alert", "RFC 2113", (sent(4, UDP, query(4), options=b"\x94\x04\0\0"), PASS))
    case("IPv4 option: timestamp", "RFC 791", (sent(4, UDP, query(4), options=b"\x44\x08\x05\0\0\0\0\0"), PASS))
    case("40 bytes of IPv4 options in front of what is denied", "Ptacek, Newsham 1998",
         (sent(4, TCP, syn(4, 22), options=b"\x01" * 40), DENY))


def extension_headers() -> None:
    def chain(*headers: tuple[int, bytes], last: int = TCP, payload: bytes | None = None) -> bytes:
        """(number, header without its first byte)"""
        data = syn(6, 22) if payload is None else payload
        following = last
        for number, header in reversed(headers):
            data = bytes([following]) + header + data
            following = number
        return sent(6, following, data)

    padding = extension(0)[1:]
    for number, name in ((HOP_BY_HOP, "hop-by-hop options"), (DESTINATION, "destination options")):
        case(f"denied TCP behind {name}", "RFC 9288", (chain((number, padding)), DENY))
        case(f"allowed UDP behind {name}", "RFC 9288", (chain((number, padding), last=UDP, payload=query(6)), PASS))
    case("denied TCP behind every extension header", "RFC 8200",
         (chain((HOP_BY_HOP, padding), (DESTINATION, padding), (ROUTING, routing(0, 4)[1:]), (DESTINATION, padding)), DENY))
    case("routing header of type 0", "RFC 5095", (chain((ROUTING, routing(0, 0)[1:])), "ip_option"))
    case("routing header of type 0 without segments left", "RFC 5095", (chain((ROUTING, routing(0, 0, 0)[1:])), "ip_option"))
    case("routing header of type 4 in front of what is denied", "RFC 8754", (chain((ROUTING, routing(0, 4)[1:])), DENY))
    # The verdict is about whom the packet is addressed to now. With segments left it goes on from there, and passes here
    # again; a host that is no segment router discards it (RFC 8200, 4.4).
    beyond = "2001:db8:2::1"
    for left in (0, 1, 2):
        way = segment_routing(TCP, [beyond, SERVER[6], CLIENT[6]], left)
        case(f"segment routing with {left} segments left, in front of what is denied", "RFC 8754",
             (sent(6, ROUTING, way + syn(6, 22)), DENY))
        case(f"segment routing with {left} segments left, in front of what is allowed", "RFC 8754",
             (sent(6, ROUTING, bytes([UDP]) + way[1:] + query(6)), PASS))
    case("segment routing that is longer than the packet", "RFC 8754",
         (sent(6, ROUTING, segment_routing(UDP, [beyond] * 4, 3)[:40]), "truncated"))
    case("segment routing with a way of 16 segments", "RFC 8754; RFC 8883",
         (sent(6, ROUTING, segment_routing(UDP, [beyond] * 16, 15) + query(6)), "extension_chain"))
    for kind, name in ((1, "Nimrod's"), (2, "mobile IPv6's"), (3, "RPL's"), (253, "an experiment's")):
        case(f"{name} routing header in front of what is denied", "RFC 8200, 4.4; RFC 6275; RFC 6554",
             (chain((ROUTING, routing(0, kind)[1:])), DENY))
    case("hop-by-hop options behind another header", "RFC 8200, 4.1",
         (chain((DESTINATION, padding), (HOP_BY_HOP, padding)), "extension_chain"))
    case("hop-by-hop options twice", "RFC 8200, 4.1", (chain((HOP_BY_HOP, padding), (HOP_BY_HOP, padding)), "extension_chain"))
    for count, expected in ((8, DENY), (9, "extension_chain"), (40, "extension_chain")):
        case(f"{count} extension headers in front of what is denied", "RFC 7112",
             (chain(*((DESTINATION, padding),) * count), expected))
    for size, expected in ((256, DENY), (264, "extension_chain"), (1024, "extension_chain")):
        case(f"{size} bytes of options in front of what is denied", "RFC 8883",
             (chain((DESTINATION, extension(0, size)[1:])), expected))
    case("an extension header longer than the packet", "RFC 8200", (chain((DESTINATION, b"\xff" + padding[1:])), "truncated"))
    case("an extension header that is cut", "RFC 8200", (sent(6, DESTINATION, b"\x06\x00\0\0"), "truncated"))
    case("no next header", "RFC 8200, 4.7", (chain((DESTINATION, padding), last=NO_NEXT, payload=b"x" * 16), DENY))
    two = fragment_header(FRAGMENT, 0, False) + fragment_header(TCP, 0, False) + syn(6, 22)
    case("two fragment headers", "RFC 8200", (sent(6, FRAGMENT, two), "extension_chain"))
    case("an atomic fragment is judged as the whole", "RFC 6946",
         (sent(6, FRAGMENT, fragment_header(TCP, 0, False) + syn(6, 22)), DENY),
         (sent(6, FRAGMENT, fragment_header(UDP, 0, False) + query(6)), PASS))
    case("TCP in IPv6 by its number in IPv4's ICMP", "RFC 4443", (sent(6, ICMP, b"\x08\0\0\0\0\0\0\0"), DENY))


def fragments() -> None:
    for family in (4, 6):
        src, dst = CLIENT[family], SERVER[family]
        name = f"IPv{family}"
        big = query(family, b"q" * 92)  # 100 bytes with the header

        def cut(*ranges: tuple[int, int, bool], ident: int = 7, whole: bytes = big, protocol: int = UDP) -> list[bytes]:
            return pieces(src, dst, protocol, whole, *ranges, ident=ident)

        first, middle, last = (0, 40, True), (40, 80, True), (80, 100, False)
        a, b, c = cut(first, middle, last)
        case(f"a datagram in three pieces, {name}", "RFC 791, RFC 8200", (a, PASS), (b, PASS), (c, PASS))
        case(f"a datagram in three pieces, the last before the middle, {name}", "RFC 791", (a, PASS), (c, PASS), (b, PASS))
        case(f"pieces without a first one, {name}", "RFC 1858", (b, "fragment_unknown"), (c, "fragment_unknown"))
        case(f"a piece before its first one, {name}", "RFC 1858", (b, "fragment_unknown"), (a, PASS), (b, PASS))
        case(f"a piece with another identification, {name}", "RFC 1858", (a, PASS), (cut(middle, ident=8)[0], "fragment_unknown"))
        case(f"a piece by the other port, {name}", "RFC 1858", (a, PASS), (b, "fragment_unknown", 1))
        case(f"the first piece twice, {name}", "RFC 5722", (a, PASS), (a, "fragment_duplicate"), (b, PASS), (c, PASS))
        case(f"a later piece twice, {name}", "RFC 5722", (a, PASS), (b, PASS), (b, "fragment_duplicate"), (c, PASS))
        case(f"a datagram repeated once it is complete, {name}", "RFC 791", *((piece, PASS) for piece in (a, b, c, a, b, c)))
        for title, rng in (("begins in another", (32, 72, True)), ("ends in another", (48, 88, True)),
                           ("lies in another", (48, 56, True)), ("holds another", (32, 88, True)),
                           ("begins where another does", (40, 56, True))):
            (overlap,) = cut(rng)
            case(f"a piece that {title}, {name}", "RFC 5722; Shankar, Paxson 2003", (a, PASS), (b, PASS),
                 (overlap, "fragment_overlap"), (c, "fragment_overlap"))
        case(f"a first piece that overlaps the first, {name}", "RFC 1858", (a, PASS),
             (cut((0, 48, True))[0], "fragment_overlap"), (b, "fragment_overlap"))
        case(f"a second first piece with another port, {name}", "RFC 1858", (a, PASS),
             (pieces(src, dst, UDP, udp(src, dst, 40000, 22, b"q" * 92), first)[0], "fragment_duplicate"))
        case(f"a piece behind the end, {name}", "RFC 791", (a, PASS), (c, PASS), (cut((104, 112, True), whole=big + b"q" * 12)[0], "fragment_overlap"))
        case(f"two ends, {name}", "RFC 791", (a, PASS), (c, PASS), (cut((80, 96, False))[0], "fragment_overlap"))
        case(f"an end in front of what was there, {name}", "RFC 791", (a, PASS), (cut((48, 80, True))[0], PASS),
             (cut((40, 48, False))[0], "fragment_overlap"))
        case(f"a denied datagram in pieces, {name}", "RFC 1858",
             *((piece, DENY) for piece in cut(first, middle, last, whole=udp(src, dst, 40000, 22, b"q" * 92))))
        for size in (8, 16):
            reason = "fragment_tiny" if family == 4 else "fragment_headers"
            case(f"TCP header cut after {size} bytes by a fragment, {name}", "RFC 1858", *(
                (piece, expected) for piece, expected in zip(
                    cut((0, size, True), (size, 20, False), whole=syn(family, 22), protocol=TCP), (reason, "fragment_tiny"), strict=True)))
        for begin in (8, 16):
            case(f"a piece of TCP that begins at byte {begin}, {name}", "RFC 3128",
                 (cut((0, 24, True), whole=syn(family) + b"x" * 40, protocol=TCP)[0], PASS),
                 (cut((begin, 40, True), whole=syn(family) + b"x" * 40, protocol=TCP)[0], "fragment_tiny"))
        case(f"a piece without data, {name}", "RFC 791", (a, PASS), (cut((40, 40, True))[0], "fragment_tiny"))
        odd = cut((40, 75, True))[0]
        case(f"a piece with more behind it and an odd length, {name}", "RFC 791", (a, PASS), (odd, "bad_header"))
        far = pieces(src, dst, UDP, b"x" * 65528 + b"y" * 64, (65528, 65592, False))[0]
        case(f"a piece that makes the datagram too large (ping of death), {name}", "CERT CA-1996-26", (far, "fragment_oversize"))
        long = query(family, b"q" * 1992)
        many = cut(*((8 * n, 8 * n + 8, True) for n in range(130)), whole=long)
        case(f"more pieces than a datagram may have, {name}", "RFC 8900", *(
            (piece, PASS if n < 128 else "fragment_flood") for n, piece in enumerate(many)))
        case(f"an ICMP echo in pieces (Jolt, SSPing), {name}", "Ptacek, Newsham 1998", *(
            (piece, PASS) for piece in cut((0, 40, True), (40, 72, False), protocol=ICMP if family == 4 else ICMPV6,
                                           whole=icmp(src, dst, 8 if family == 4 else 128, 0, b"\0\x01\0\x01" + b"e" * 64))))
    case("a teardrop", "CERT CA-1997-28",
         (pieces(CLIENT[4], SERVER[4], UDP, query(4, b"q" * 92), (0, 56, True))[0], PASS),
         (pieces(CLIENT[4], SERVER[4], UDP, query(4, b"q" * 92), (24, 28, False))[0], "fragment_overlap"))
    case("fragments that say don't fragment", "RFC 791",
         (sent(4, UDP, query(4, b"q" * 32), fragment=DONT_FRAGMENT | MORE), PASS))
    chain = extension(UDP, 64)[1:]
    header = fragment_header(DESTINATION, 0, True) + (bytes([UDP]) + chain)[:32]
    case("a first IPv6 fragment that ends in its options", "RFC 7112", (sent(6, FRAGMENT, header), "fragment_headers"))
    only_options = fragment_header(DESTINATION, 0, True) + extension(UDP, 16)
    case("a first IPv6 fragment with options and no upper layer", "RFC 7112", (sent(6, FRAGMENT, only_options), "fragment_headers"))
    case("neighbour discovery in fragments", "RFC 6980",
         (sent(6, FRAGMENT, fragment_header(ICMPV6, 0, True) + icmp(CLIENT[6], SERVER[6], 136, 0, b"\0" * 20), hops=255),
          "neighbour_invalid"))


def addresses() -> None:
    for source in ("0.0.0.0", "0.0.0.5", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"):
        case(f"from {source}", "RFC 1122, FFW_RUL_EXT.1.6",
             (datagram(source, SERVER[4], UDP, udp(source, SERVER[4], 40000, 53)), "address_invalid"))
    for destination in ("0.0.0.0", "127.0.0.1", "240.0.0.1"):
        case(f"to {destination}", "RFC 1122, FFW_RUL_EXT.1.6",
             (datagram(CLIENT[4], destination, UDP, udp(CLIENT[4], destination, 40000, 53)), "address_invalid"))
    for source in ("::", "::1", "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1"):
        case(f"from {source}", "RFC 4291, FFW_RUL_EXT.1.6",
             (datagram(source, SERVER[6], UDP, udp(source, SERVER[6], 40000, 53)), "address_invalid"))
    for destination in ("::", "::1", "ff00::1", "::ffff:10.1.0.9"):
        case(f"to {destination}", "RFC 4291, FFW_RUL_EXT.1.6",
             (datagram(CLIENT[6], destination, UDP, udp(CLIENT[6], destination, 40000, 53)), "address_invalid"))
    for family in (4, 6):
        own = SERVER[family]
        case(f"from the server to itself (LAND), IPv{family}", "CERT CA-1997-28",
             (datagram(own, own, TCP, tcp(own, own, 8080, 8080, SYN)), "address_invalid"))
    case("who has no address asks for one", "RFC 2131",
         (datagram("0.0.0.0", "255.255.255.255", UDP, udp("0.0.0.0", "255.255.255.255", 68, 67, b"d" * 240)), PASS))
    case("a neighbour asks whether an address is taken", "RFC 4862",
         (datagram("::", "ff02::1:ff00:9", ICMPV6, icmp("::", "ff02::1:ff00:9", 135, 0, b"\0" * 20), hops=255), PASS))
    case("a neighbour without an address from beyond a router", "RFC 4861",
         (datagram("::", "ff02::1:ff00:9", ICMPV6, icmp("::", "ff02::1:ff00:9", 135, 0, b"\0" * 20), hops=254), "neighbour_invalid"))


def neighbours() -> None:
    """Between hosts of which the ruleset knows none: what policy is asked about, it lets pass."""
    def message(kind: int, hops: int, fragment: bytes = b"", source: str = "fe80::66") -> bytes:
        body = icmp(source, "ff02::1", kind, 0, b"\0" * 20)
        return datagram(source, "ff02::1", FRAGMENT if fragment else ICMPV6, fragment + body, hops=hops)

    for kind, name in ((133, "router solicitation"), (134, "router advertisement"), (135, "neighbour solicitation"),
                       (136, "neighbour advertisement"), (137, "redirect")):
        case(f"a {name} from the link", "RFC 4861", (message(kind, 255), PASS))
        case(f"a {name} from beyond a router", "RFC 4861, 6.1, 7.1", *(
            (message(kind, hops), "neighbour_invalid") for hops in (254, 64, 1, 0)))
        case(f"a {name} in one fragment", "RFC 6980", (message(kind, 255, fragment_header(ICMPV6, 0, False)), "neighbour_invalid"))
        whole = icmp("fe80::66", "ff02::1", kind, 0, b"\0" * 20)
        first, last = pieces("fe80::66", "ff02::1", ICMPV6, whole, (0, 16, True), (16, 24, False), hops=255)
        case(f"a {name} in two fragments", "RFC 6980", (first, "neighbour_invalid"), (last, "fragment_unknown"))
        case(f"a {name} in a fragment behind options", "RFC 6980",
             (datagram("fe80::66", "ff02::1", DESTINATION, extension(FRAGMENT) + fragment_header(ICMPV6, 0, False) + whole,
                       hops=255), "neighbour_invalid"))
    for kind, name in ((130, "listener query"), (131, "listener report"), (132, "listener done"), (143, "listener report, version 2")):
        case(f"a {name}, from the link", "RFC 2710, RFC 3810", (message(kind, 1), PASS))
        case(f"a {name}, from beyond a router", "RFC 2710, 3; RFC 3810, 5", *(
            (message(kind, hops), "neighbour_invalid") for hops in (255, 64, 2, 0)))
    case("a router advertisement from a routed address", "RFC 4861, 6.1.2",
         (message(134, 64, source="2001:db8:66::1"), "neighbour_invalid"))


def tags_and_tunnels() -> None:
    denied, allowed = ipv4(CLIENT[4], SERVER[4], TCP, syn(4, 22)), ipv4(CLIENT[4], SERVER[4], UDP, query(4))
    for tags, name in ((((ETHER_VLAN, 7),), "one tag"), (((ETHER_QINQ, 7), (ETHER_VLAN, 8)), "two tags"),
                       (((ETHER_VLAN, 7), (ETHER_VLAN, 8)), "two tags of one kind"), (((ETHER_VLAN, 0),), "a priority tag")):
        case(f"denied behind {name}", "IEEE 802.1Q", (ethernet(denied, ETHER_IPV4, tags), DENY))
        case(f"allowed behind {name}", "IEEE 802.1Q", (ethernet(allowed, ETHER_IPV4, tags), PASS))
    denied_v6 = ipv6(CLIENT[6], SERVER[6], TCP, syn(6, 22))
    for packet, kind, family in ((denied, ETHER_IPV4, 4), (denied_v6, ETHER_IPV6, 6)):
        for tags, name in ((((ETHER_VLAN, 1),) * 3, "three tags"),
                           (((ETHER_QINQ, 1), (ETHER_VLAN, 2), (ETHER_VLAN, 3)), "three tags, the first a provider's"),
                           (((ETHER_QINQ, 1),) * 3, "three provider's tags"),
                           (((ETHER_VLAN, 1),) * 8, "eight tags"),
                           (((ETHER_OLD_QINQ, 1),), "a tag of type 0x9100"),
                           (((ETHER_OLD_QINQ, 1), (ETHER_VLAN, 2)), "a tag within one of type 0x9100"),
                           (((ETHER_VLAN, 1), (ETHER_OLD_QINQ, 2)), "a tag of type 0x9100 within another")):
            case(f"IPv{family} behind {name}", "IEEE 802.1Q, 802.1ad", (ethernet(packet, kind, tags), "non_ip"))
    case("a tag that is cut", "IEEE 802.1Q", (ethernet(b"", ETHER_VLAN)[:16], "truncated"))
    case("IPv4 behind an MPLS label", "RFC 3032", (ethernet(struct.pack("!I", 0x00010140) + denied, ETHER_MPLS), "non_ip"))
    case("IPv4 that calls itself IPv6", "RFC 894", (ethernet(denied, ETHER_IPV6), "bad_header"))
    case("IPv6 that calls itself IPv4", "RFC 2464", (ethernet(ipv6(CLIENT[6], SERVER[6], TCP, syn(6, 22)), ETHER_IPV4), "bad_header"))
    case("IP in an 802.3 frame", "RFC 1042", (ethernet(b"\xaa\xaa\x03\0\0\0\x08\x00" + denied, 8 + len(denied)), "non_ip"))
    llc, snap, bridges = b"\x42\x42\x03", b"\xaa\xaa\x03\0\0\0\x08\x00", b"\x01\x80\xc2\0\0\0"
    case("spanning tree", "IEEE 802.1D", (ethernet(llc + bytes(35), 38, destination=bridges), PASS))
    for length in (7, 38, 39, 105):
        case(f"IP in SNAP, as long as a spanning tree frame of {length} bytes", "RFC 1042; IEEE 802.1D",
             (ethernet((snap + denied).ljust(105, b"\0")[:length], length), "non_ip"),
             (ethernet((snap + denied).ljust(105, b"\0")[:length], length, destination=bridges), "non_ip"))
    case("spanning tree's header to a host", "IEEE 802.1D", (ethernet(llc + denied, 38), "non_ip"))
    case("allowed UDP within denied IP-in-IP", "RFC 2003", (sent(4, 4, allowed), DENY))
    case("allowed UDP within denied GRE", "RFC 2784", (sent(4, 47, b"\0\0\x08\0" + allowed), DENY))
    case("allowed UDP within denied VXLAN", "RFC 7348",
         (sent(4, UDP, udp(CLIENT[4], SERVER[4], 40000, 4789, b"\x08\0\0\0\0\0\x07\0" + ethernet(allowed, ETHER_IPV4))), DENY))
    case("allowed UDP within denied IPv6-in-IPv4 (6in4)", "RFC 4213",
         (sent(4, 41, ipv6(CLIENT[6], SERVER[6], UDP, query(6))), DENY))


def hop_limits_and_ports() -> None:
    for family in (4, 6):
        field = "ttl" if family == 4 else "hops"
        case(f"a denied SYN that would die at the next hop, IPv{family}", "Ptacek, Newsham 1998",
             (sent(family, TCP, syn(family, 22), **{field: 1}), DENY))
        case(f"an allowed query that would die at the next hop, IPv{family}", "RFC 791",
             (sent(family, UDP, query(family), **{field: 1}), PASS))
        case(f"TCP port 0, IPv{family}", "RFC 6335", (sent(family, TCP, syn(family, 0)), DENY))
        for sport in (53, 20, 88, 8080):
            case(f"a denied service from source port {sport}, IPv{family}", "nmap --source-port",
                 (sent(family, TCP, tcp(CLIENT[family], SERVER[family], sport, 22, SYN)), DENY))
        case(f"an answer that nobody asked for, IPv{family}", "RFC 9293",
             (datagram(SERVER[family], CLIENT[family], UDP, udp(SERVER[family], CLIENT[family], 53, 40000)), DENY, 1))
        case(f"an answer by the wrong port, IPv{family}", "RFC 9293", (sent(family, UDP, query(family)), PASS),
             (datagram(SERVER[family], CLIENT[family], UDP, udp(SERVER[family], CLIENT[family], 53, 40000)), DENY, 0))
        case(f"the answer to a query, and another one, IPv{family}", "RFC 9293", (sent(family, UDP, query(family)), PASS),
             (datagram(SERVER[family], CLIENT[family], UDP, udp(SERVER[family], CLIENT[family], 53, 40000)), PASS, 1),
             (datagram(SERVER[family], CLIENT[family], UDP, udp(SERVER[family], CLIENT[family], 53, 40001)), DENY, 1))
        number, request, reply = (ICMP, 8, 0) if family == 4 else (ICMPV6, 128, 129)
        echo = icmp(CLIENT[family], SERVER[family], request, 0, b"\0\x07\0\x01")
        answer = icmp(SERVER[family], CLIENT[family], reply, 0, b"\0\x07\0\x01")
        other = icmp(SERVER[family], CLIENT[family], reply, 0, b"\0\x08\0\x01")
        case(f"an echo reply with another identifier, IPv{family}", "RFC 792", (sent(family, number, echo), PASS),
             (datagram(SERVER[family], CLIENT[family], number, answer), PASS, 1),
             (datagram(SERVER[family], CLIENT[family], number, other), DENY, 1))


def udp_checksums() -> None:
    """The receiver's to verify (ADR 3): between virtual machines they are often not filled in, and no verdict depends on one."""
    for family in (4, 6):
        for check, title in ((0, "no"), (0xDEAD, "a wrong")):
            def asked(port: int, c: int = check, f: int = family) -> bytes:
                return sent(f, UDP, udp(CLIENT[f], SERVER[f], 40000, port, b"question", check=c))

            case(f"a query with {title} UDP checksum, IPv{family}", "RFC 768; RFC 8200, 8.1; ADR 3", (asked(53), PASS))
            case(f"what is denied with {title} UDP checksum, IPv{family}", "RFC 768", (asked(22), DENY))


def tcp_sessions() -> None:
    for family in (4, 6):
        name = f"IPv{family}"

        def ask(flags: int, seq: int, ack: int = 0, payload: bytes = b"", port: int = 8080, f: int = family, ip: dict | None = None,
                **more) -> bytes:
            return datagram(CLIENT[f], SERVER[f], TCP, tcp(CLIENT[f], SERVER[f], 40000, port, flags, payload, seq=seq,
                                                          ack=ack, window=1000, **more), **(ip or {}))

        def answer(flags: int, seq: int, ack: int = 0, payload: bytes = b"", f: int = family, **more) -> bytes:
            return datagram(SERVER[f], CLIENT[f], TCP, tcp(SERVER[f], CLIENT[f], 8080, 40000, flags, payload, seq=seq,
                                                          ack=ack, window=1000, **more))

        for flags, title in ((0, "none"), (FIN, "FIN alone"), (SYN | FIN, "SYN and FIN"), (SYN | RST, "SYN and RST"),
                             (FIN | RST, "FIN and RST"), (FIN | PSH | URG, "a christmas tree"), (URG, "URG alone"),
                             (PSH, "PSH alone"), (63, "all of them"), (SYN | FIN | ACK, "SYN, FIN and ACK")):
            case(f"TCP flags: {title}, {name}", "RFC 9293; nmap scans", (ask(flags, 100), "tcp_flags"))
        case(f"TCP flags: SYN with ECE and CWR, {name}", "RFC 3168", (ask(SYN | 0xC0, 100), PASS))
        case(f"a SYN with data, {name}", "RFC 7413", (ask(SYN, 100, payload=b"early"), PASS))
        case(f"a SYN to what is denied, with data, {name}", "Ptacek, Newsham 1998", (ask(SYN, 100, payload=b"early", port=22), DENY))
        case(f"an answer without a question, {name}", "nmap -sA", (answer(SYN | ACK, 500, 101), DENY, 1))
        handshake = ((ask(SYN, 100), PASS), (answer(SYN | ACK, 500, 101), PASS, 1), (ask(ACK, 101, 501), PASS))
        data = (ask(ACK, 101, 501, b"question"), PASS)
        case(f"a connection from SYN to FIN, {name}", "RFC 9293", *handshake, data, (answer(ACK, 501, 109, b"answer"), PASS, 1),
             (ask(FIN | ACK, 109, 507), PASS), (answer(FIN | ACK, 507, 110), PASS, 1), (ask(ACK, 110, 508), PASS))
        for offset in (2000, -100000, 10**6, 1 << 31):
            case(f"a blind reset {offset:+} from the right number, {name}", "RFC 5961", *handshake,
                 (answer(RST, 501 + offset), "tcp_reset", 1), data)
            case(f"blind data {offset:+} from the right number, {name}", "RFC 5961", *handshake,
                 (answer(ACK, 501 + offset, 101, b"blind"), "tcp_window", 1), data)
        case(f"a reset inside the window tears nothing down, {name}", "RFC 5961", *handshake, (answer(RST, 700), PASS, 1), data)
        case(f"the right reset ends it, {name}", "RFC 5961", *handshake, (answer(RST, 501), PASS, 1),
             (ask(SYN, 9000), PASS))
        case(f"a blind SYN into a connection, from the server's side, {name}", "RFC 5961", *handshake,
             (answer(SYN, 501), "tcp_window", 1), data)
        case(f"data before the handshake, {name}", "RFC 9293", (ask(SYN, 100), PASS), (ask(ACK, 101, 1, b"early"), "tcp_window"))
        case(f"an answer that acknowledges what was not sent, {name}", "RFC 9293", (ask(SYN, 100), PASS),
             (answer(SYN | ACK, 500, 9999), "tcp_window", 1))
        case(f"a reset that does not acknowledge the SYN, {name}", "RFC 9293", (ask(SYN, 100), PASS),
             (answer(RST | ACK, 0, 5555), "tcp_reset", 1), (answer(SYN | ACK, 500, 101), PASS, 1))
        case(f"a port that is closed, {name}", "RFC 9293", (ask(SYN, 100), PASS), (answer(RST | ACK, 0, 101), PASS, 1))
        # A reset that dies on its way to the server must not end what the server goes on with: here it is one that the
        # sequence numbers do not confirm, or it is the sender's own and ends the connection for both sides.
        for ttl in (1, 2):
            low = {"ttl" if family == 4 else "hops": ttl}
            case(f"a reset outside of the window that dies {ttl} hops on, {name}", "Ptacek, Newsham 1998; RFC 5961", *handshake,
                 (ask(RST, 10**6, ip=low), "tcp_reset"), data, (answer(ACK, 501, 109, b"answer"), PASS, 1))
            case(f"a reset inside of the window that dies {ttl} hops on, {name}", "Ptacek, Newsham 1998; RFC 5961", *handshake,
                 (ask(RST, 301, ip=low), PASS), data, (answer(ACK, 501, 109, b"answer"), PASS, 1))
            case(f"the right reset, that dies {ttl} hops on, {name}", "Ptacek, Newsham 1998", *handshake,
                 (ask(RST, 101, ip=low), PASS), (ask(ACK, 101, 501, b"question"), "tcp_window"),
                 (answer(ACK, 501, 101, b"answer"), "tcp_window", 1))
            case(f"data that dies {ttl} hops on and is sent again otherwise, {name}", "Ptacek, Newsham 1998", *handshake,
                 (ask(ACK, 101, 501, b"decoy...", ip=low), PASS), data)
        # Which of the two the host reads is its own business: policy does not look into streams (ADR 16: no reassembly).
        for title, seq, other in (("of the same place", 101, b"QUESTION"), ("that begins in the other", 105, b"IONS"),
                                  ("that ends in the other", 101, b"QUES"), ("that holds the other", 101, b"QUESTION, again"),
                                  ("from before the connection's first byte", 99, b"??QUESTION")):
            case(f"other data {title}, {name}", "Ptacek, Newsham 1998", *handshake, data, (ask(ACK, seq, 501, other), PASS),
                 (answer(ACK, 501, 109, b"answer"), PASS, 1))
        case(f"other data that reaches beyond the window, {name}", "Ptacek, Newsham 1998; RFC 5961", *handshake, data,
             (ask(ACK, 101, 501, b"x" * 1400), "tcp_window"), (answer(ACK, 501, 109, b"answer"), PASS, 1))
        # TCP's checksum is the receiver's to verify (ADR 3, ADR 16): what fits the window passes with a wrong one, too.
        for check in (0, 0xDEAD):
            case(f"TCP checksum {check:#06x}: a SYN, {name}", "Ptacek, Newsham 1998; ADR 3", (ask(SYN, 100, check=check), PASS))
            case(f"TCP checksum {check:#06x}: what is denied, {name}", "Ptacek, Newsham 1998", (ask(SYN, 100, port=22, check=check), DENY))
            case(f"TCP checksum {check:#06x}: a reset outside of the window, {name}", "Ptacek, Newsham 1998", *handshake,
                 (ask(RST, 10**6, check=check), "tcp_reset"), data)
            case(f"TCP checksum {check:#06x}: a reset inside of the window, {name}", "Ptacek, Newsham 1998; ADR 3", *handshake,
                 (ask(RST, 301, check=check), PASS), data)
            case(f"TCP checksum {check:#06x}: data, {name}", "Ptacek, Newsham 1998; ADR 3", *handshake,
                 (ask(ACK, 101, 501, b"decoy...", check=check), PASS), data)
        # The list of options is the receiver's, too: what can't be read of it says nothing, and hides no port.
        for title, options in (("of length 0", b"\x02\x00\x05\xb4"), ("of length 1", b"\x02\x01\x05\xb4"),
                               ("beyond the header", b"\x02\x08\x05\xb4"), ("without a length", b"\x01\x01\x01\x02"),
                               ("of an unknown kind", b"\xfd\x04\xf9\x89"), ("of 40 bytes", b"\x01" * 40),
                               ("behind the end of the list", b"\x00\x03\x03\x0e"),
                               ("twice", b"\x03\x03\x00\x03\x03\x0e\x01\x01"),
                               ("with a window scale of 255", b"\x03\x03\xff\x01")):
            case(f"a SYN with a TCP option {title}, {name}", "RFC 9293, 3.1; RFC 7323", (ask(SYN, 100, options=options), PASS))
            case(f"a denied SYN with a TCP option {title}, {name}", "RFC 9293, 3.1", (ask(SYN, 100, port=22, options=options), DENY))
            case(f"data with a TCP option {title}, {name}", "RFC 9293, 3.1", *handshake,
                 (ask(ACK, 101, 501, b"question", options=options), PASS), (ask(RST, 10**6, options=options), "tcp_reset"))
        # A window scale that can't be read is none: what lies beyond the plain window stays outside.
        unread = (ask(SYN, 100, options=b"\x02\x00\x03\x03\x0e\x00\x00\x00"), PASS)
        case(f"a window scale behind an option that can't be read, {name}", "RFC 7323", unread,
             (answer(SYN | ACK, 500, 101, options=b"\x03\x03\x00\x00"), PASS, 1), (ask(ACK, 101, 501), PASS),
             (answer(ACK, 501 + 70000, 101, b"beyond"), "tcp_window", 1))
        case(f"an urgent pointer, {name}", "Ptacek, Newsham 1998", *handshake,
             (ask(ACK | URG, 101, 501, b"urgent", urgent=3), PASS))
        case(f"the same data twice, {name}", "RFC 9293", *handshake, data, data)
        case(f"a keep-alive, {name}", "RFC 1122, 4.2.3.6", *handshake, (ask(ACK, 100, 501), PASS))
        case(f"numbers that wrap around, {name}", "RFC 9293", (ask(SYN, 0xFFFFFFFE), PASS),
             (answer(SYN | ACK, 0xFFFFFFFF, 0xFFFFFFFF), PASS, 1), (ask(ACK, 0xFFFFFFFF, 0), PASS),
             (ask(ACK, 0xFFFFFFFF, 0, b"question"), PASS), (answer(ACK, 0, 7, b"answer"), PASS, 1))
        case(f"both open at once, {name}", "RFC 9293, 3.5", (ask(SYN, 100), PASS), (answer(SYN, 500), PASS, 1),
             (ask(SYN | ACK, 100, 501), PASS), (answer(SYN | ACK, 500, 101), PASS, 1), data)
        case(f"what is sent behind the end, {name}", "RFC 9293", *handshake, (ask(FIN | ACK, 101, 501), PASS),
             (answer(FIN | ACK, 501, 102), PASS, 1), (ask(ACK, 102, 502), PASS),
             (answer(ACK, 502, 102, b"late"), "tcp_window", 1), (ask(ACK, 102, 502, b"late"), "tcp_window"))
        case(f"what is sent behind a reset, {name}", "RFC 9293", *handshake, (ask(RST, 101), PASS),
             (answer(ACK, 501, 101, b"late"), "tcp_window", 1), (ask(ACK, 101, 501, b"late"), "tcp_window"),
             (ask(RST, 101), PASS))
        quoted = ipv4(CLIENT[4], SERVER[4], TCP, tcp(CLIENT[4], SERVER[4], 40000, 8080, ACK, seq=10**6)) if family == 4 else \
            ipv6(CLIENT[6], SERVER[6], TCP, tcp(CLIENT[6], SERVER[6], 40000, 8080, ACK, seq=10**6))
        number, kind = (ICMP, 3) if family == 4 else (ICMPV6, 1)
        error = icmp(SERVER[family], CLIENT[family], kind, 1, bytes(4) + quoted[:60])
        case(f"an ICMP error that quotes a number outside the window, {name}", "RFC 5927", *handshake,
             (datagram(SERVER[family], CLIENT[family], number, error), "icmp_unrelated", 1), data)


def all_cases() -> list[dict]:
    cases.clear()
    for write in (lengths_and_headers, options, extension_headers, fragments, addresses, neighbours, tags_and_tunnels,
                  hop_limits_and_ports, udp_checksums, tcp_sessions):
        write()
    return list(cases)


def text() -> str:
    return "".join(json.dumps(one) + "\n" for one in all_cases())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"{FILE}: {len(cases)} cases")
