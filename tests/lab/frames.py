"""Frames by words, honest unless a field is said to lie: what evasions and the requirements' tests are made of.

Every function returns bytes. Lengths and checksums are right where nothing else is given.
"""

from __future__ import annotations

import ipaddress
import struct

ETHER_IPV4, ETHER_IPV6, ETHER_VLAN, ETHER_QINQ, ETHER_MPLS = 0x0800, 0x86DD, 0x8100, 0x88A8, 0x8847
ETHER_OLD_QINQ = 0x9100  # of vendors, before 802.1ad
ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132
HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DESTINATION = 0, 43, 44, 59, 60
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
MORE, DONT_FRAGMENT = 0x2000, 0x4000


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(payload: bytes, ether_type: int, tags: tuple[tuple[int, int], ...] = (),
             destination: bytes = b"\x02\0\0\0\0\x02", source: bytes = b"\x02\0\0\0\0\x01") -> bytes:
    """Around a payload; `tags` are (ether type, VLAN), the outermost first. Short frames are padded as cards do it."""
    around = b"".join(struct.pack("!HH", kind, vlan) for kind, vlan in tags)
    return (destination + source + around + struct.pack("!H", ether_type) + payload).ljust(60, b"\0")


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def ipv4(source: str, destination: str, protocol: int, payload: bytes, *, ident: int = 1, fragment: int = 0,
         ttl: int = 64, options: bytes = b"", version: int = 4, words: int | None = None, total: int | None = None,
         check: int | None = None, reserved: bool = False) -> bytes:
    """`fragment`: the field as it is on the wire, flags and offset in units of 8 bytes."""
    options += b"\0" * (-len(options) % 4)
    length = 20 + len(options)
    header = struct.pack("!BBHHHBBH4s4s", version << 4 | (length // 4 if words is None else words), 0,
                         length + len(payload) if total is None else total, ident,
                         fragment | (0x8000 if reserved else 0), ttl, protocol, 0, packed(source),
                         packed(destination)) + options
    value = checksum(header) if check is None else check
    return header[:10] + struct.pack("!H", value) + header[12:] + payload


def ipv6(source: str, destination: str, following: int, payload: bytes, *, hops: int = 64, version: int = 6,
         length: int | None = None) -> bytes:
    return struct.pack("!IHBB16s16s", version << 28, len(payload) if length is None else length, following, hops,
                       packed(source), packed(destination)) + payload


def extension(following: int, size: int = 8, second: bytes = b"") -> bytes:
    """Hop-by-hop or destination options, or a routing header: padding but for `second`, which begins at byte 2."""
    return (bytes([following, size // 8 - 1]) + second).ljust(size, b"\0")


def routing(following: int, kind: int, left: int = 1) -> bytes:
    return extension(following, 24, bytes([kind, left]))


def segment_routing(following: int, segments: list[str], left: int) -> bytes:
    """RFC 8754, 2; the last segment of the way stands first."""
    listed = b"".join(packed(segment) for segment in segments)
    return bytes([following, len(listed) // 8, 4, left, len(segments) - 1, 0, 0, 0]) + listed


def fragment_header(following: int, offset: int, more: bool, ident: int = 1) -> bytes:
    return struct.pack("!BBHI", following, 0, offset | (1 if more else 0), ident)


def _with_checksum(source: str, destination: str, protocol: int, data: bytes, place: int) -> bytes:
    ends = packed(source) + packed(destination)
    if len(ends) == 8:
        pseudo = ends + struct.pack("!BBH", 0, protocol, len(data))
    else:
        pseudo = ends + struct.pack("!IHBB", len(data), 0, 0, protocol)
    value = checksum(pseudo + data) or (0xFFFF if protocol == UDP else 0)
    return data[:place] + struct.pack("!H", value) + data[place + 2:]


def tcp(source: str, destination: str, sport: int, dport: int, flags: int, payload: bytes = b"", *, seq: int = 0,
        ack: int = 0, window: int = 65535, options: bytes = b"", words: int | None = None,
        check: int | None = None, urgent: int = 0) -> bytes:
    options += b"\0" * (-len(options) % 4)
    header = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                         (5 + len(options) // 4 if words is None else words) << 4, flags, window, check or 0, urgent)
    data = header + options + payload
    return data if check is not None else _with_checksum(source, destination, TCP, data, 16)


def udp(source: str, destination: str, sport: int, dport: int, payload: bytes = b"", *, length: int | None = None,
        check: int | None = None) -> bytes:
    data = struct.pack("!HHHH", sport, dport, 8 + len(payload) if length is None else length, check or 0) + payload
    return data if check is not None else _with_checksum(source, destination, UDP, data, 6)


def icmp(source: str, destination: str, kind: int, code: int, rest: bytes) -> bytes:
    """ICMP or ICMPv6, by the addresses; `rest` is what follows the checksum."""
    data = bytes([kind, code, 0, 0]) + rest
    if ":" in source:
        return _with_checksum(source, destination, ICMPV6, data, 2)
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def datagram(source: str, destination: str, protocol: int, payload: bytes, **fields) -> bytes:
    """A frame around an IP packet of the family of its addresses."""
    if ":" in source:
        return ethernet(ipv6(source, destination, protocol, payload, **fields), ETHER_IPV6)
    return ethernet(ipv4(source, destination, protocol, payload, **fields), ETHER_IPV4)


def pieces(source: str, destination: str, protocol: int, whole: bytes, *ranges: tuple[int, int, bool],
           ident: int = 7, **fields) -> list[bytes]:
    """Fragments of `whole` as frames: (first byte, end, more). `fields` are the IP header's."""
    out = []
    for begin, end, more in ranges:
        if ":" in source:
            part = fragment_header(protocol, begin, more, ident) + whole[begin:end]
            out.append(datagram(source, destination, FRAGMENT, part, **fields))
        else:
            out.append(datagram(source, destination, protocol, whole[begin:end], ident=ident,
                                fragment=begin // 8 | (MORE if more else 0), **fields))
    return out
