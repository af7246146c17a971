#!/usr/bin/env python3
"""Reads session.txt as a client written from docs/PROTOCOL.md would, with the standard library alone: every signature, hash,
anchor, consistency proof, chain, digest and flag id is worked out again. Exit code 1 when anything isn't as the page says."""
import base64
import hashlib
import pathlib
import sys
import zlib

from make_vectors import D, G, L, P, head_statement, header, point_add, point_mul, recover_x, sha256

HERE = pathlib.Path(__file__).parent


def need(condition, what):
    if not condition:
        raise SystemExit(f"check_session: {where}: {what}")


# --- Ed25519 verification (RFC 8032, 5.1.7) ---


def decompress(data):
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    x = recover_x(y)
    if x & 1 != data[31] >> 7:
        x = P - x
    return x, y, 1, x * y % P


def verifies(public, message, signature):
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = point_mul(s, G), point_add(r, point_mul(h, a))
    return s < L and (left[0] * right[2] - right[0] * left[2]) % P == 0 and (
        left[1] * right[2] - right[1] * left[2]) % P == 0


# --- protobuf, as little as is needed ---


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """field number -> list of values: ints, or bytes"""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            need(tag & 7 == 2, "a wire type that the schema has not")
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def one(message, number, default=b""):
    return message.get(number, [default])[-1]


def unzigzag(value):
    return value >> 1 if value & 1 == 0 else -(value + 1 >> 1)


def packed(data):
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


# --- checkpoints ---


def open_note(text, public):
    body, _, signed = text.decode().partition("\n\n")
    lines = body.split("\n")
    dash, name, signature = signed.rstrip("\n").split(" ")
    raw = base64.b64decode(signature)
    need(dash == "\u2014" and name == lines[0], "the note's signature line")
    need(raw[:4] == sha256(lines[0].encode() + b"\n\x01" + public)[:4], "the key id")
    need(verifies(public, (body + "\n").encode(), raw[4:]), "the note's signature")
    rest = dict(line.split(" ", 1) for line in lines[3:])
    return lines[0], int(lines[1]), base64.b64decode(lines[2]), rest


def consistent(old_size, old_root, new_size, new_root, proof):
    """RFC 9162, 2.1.4.2"""
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size & (old_size - 1) == 0:
        proof = [old_root] + proof
    if not proof:
        return False
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\x01" + c + fr), sha256(b"\x01" + c + sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


# --- the client's and the server's messages ---


class Phone:
    def __init__(self, values):
        self.public, self.server = values["device_public"], values["server_public"]
        self.force, self.log, self.boot = values["force"], values["log"], values["boot"]
        self.hashes, self.anchors, self.rows = {0: bytes(32)}, {}, {}
        self.hello, self.pushed, self.checkpoint = None, [], None
        self.cursor, self.counts, self.takes_deflated = 0, {}, False

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def client(self, message):
        if 1 in message:
            self.hello = fields(message[1][0])
            need(one(self.hello, 4) == self.log and one(self.hello, 9) == self.boot, "Hello's log and boot")
            need(one(self.hello, 8, 0) == self.cursor, "Hello's cursor")
            need(one(self.hello, 12) == (self.checkpoint or b""), "Hello's last checkpoint")
        if 2 in message:
            self.pushed.append(self.read_push(fields(message[2][0])))
        if 7 in message:
            need(self.takes_deflated, "a server that takes pushes deflated")
            self.pushed.append(self.read_push(fields(self.inflate(fields(message[7][0])))))
        if 3 in message and self.hello:
            need(one(fields(message[3][0]), 1, 0) == self.cursor, "Applied's cursor")

    def inflate(self, deflated):
        """Exactly as many bytes as it says, all of the stream and nothing after it; and no bomb."""
        size, count, stream = one(deflated, 1), one(deflated, 2), one(deflated, 3)
        need(size <= 524272 and size <= 32 * len(stream), "a size that may be")
        inflater = zlib.decompressobj(-15)
        push = inflater.decompress(stream, size + 1)
        need(inflater.eof and not inflater.unused_data and len(push) == size, "a stream of that size")
        need(len(fields(push)[6]) == count, "as many entries as it says")
        self.count("pushes inflated")
        return push

    def read_push(self, push):
        """(first seq, [hashes], whether the signature is good)"""
        first, previous = one(push, 2), one(push, 3)
        anchors = [fields(anchor) for anchor in push.get(4, [])]
        boots, hashes, mono, offset = push[5], [], 0, 0
        for i, raw in enumerate(push[6]):
            entry = fields(raw)
            mono += unzigzag(one(entry, 4, 0))
            offset += unzigzag(one(entry, 5, 0))
            payload = one(entry, 6)
            refs = packed(one(entry, 7))
            for place, back in zip(refs[::2], refs[1::2]):
                payload = payload[:place] + hashes[i - back] + payload[place:]
                self.count("hashes left out and put back")
            number = one(entry, 2, 0)
            named, received = bytes(32), 0
            if number:
                text = one(anchors[number - 1], 1)
                named, received = text if len(text) == 32 else sha256(text), one(anchors[number - 1], 2, 0)
                need(named in self.anchors, "an anchor that this phone has")
            head = header(one(push, 1), first + i, previous, named, received, boots[one(entry, 3, 0)], mono,
                          mono + offset, one(entry, 1), payload)
            previous = sha256(head)
            hashes.append(previous)
        good = verifies(self.public, head_statement(one(push, 1), first + len(hashes) - 1, previous), one(push, 8))
        self.count("pushes" if good else "pushes with a forged signature")
        return first, hashes, good

    def server_message(self, message):
        if 1 in message:
            self.welcome(fields(message[1][0]))
        elif 2 in message:
            self.ack(fields(message[2][0]))
        elif 3 in message:
            self.delta(fields(message[3][0]))
        elif 4 in message:
            self.flag(fields(message[4][0]))
        elif 6 in message:
            self.error(fields(message[6][0]))
        else:
            need(False, "a message that these sessions have not")

    def welcome(self, welcome):
        text = one(welcome, 2)
        self.takes_deflated = one(welcome, 15, 0) == 1
        origin, size, root, rest = open_note(text, self.server)
        need(origin == f"doublecrew/{self.force.hex()}/{one(welcome, 8).hex()}", "the anchor's origin")
        need(rest["log"] == self.log.hex() and rest["boot"] == self.boot.hex(), "the anchor's log and boot")
        need(int(rest["monotonic"]) == one(self.hello, 10), "the anchor's monotonic clock is Hello's")
        if self.checkpoint:
            _, old_size, old_root, _ = open_note(self.checkpoint, self.server)
            need(consistent(old_size, old_root, size, root, welcome.get(3, [])), "the consistency proof")
            self.count("consistency proofs")
        seq = one(welcome, 4, 0)
        need(seq == 0 or one(welcome, 5) == self.hashes[seq], "the durable hash is ours")
        self.checkpoint = text
        self.anchors[sha256(text)] = size
        self.count("anchors")

    def ack(self, ack):
        first, hashes, good = self.pushed.pop(0)
        need(good, "only what is signed is acknowledged")
        for i, value in enumerate(hashes):
            self.hashes[first + i] = value
        need(one(ack, 1) == first + len(hashes) - 1 and one(ack, 2) == hashes[-1], "Ack's seq and hash")
        self.count("acknowledgements")

    def delta(self, delta):
        need(one(delta, 1, 0) <= self.cursor, "a page that begins where we are")
        for raw in delta.get(4, []):
            row = fields(raw)
            if 3 in row:
                self.rows.pop(one(row, 2), None)
            else:
                self.rows[one(row, 2)] = raw
            self.count("rows")
        self.cursor = one(delta, 2, 0)
        if one(delta, 3, 0):
            total = sum(int.from_bytes(sha256(raw), "big") for raw in self.rows.values()) % 2**256
            need(total.to_bytes(32, "big") == one(delta, 5), "the digest of all rows")
            self.count("digests")

    def flag(self, flag):
        row = fields(one(flag, 2))
        need(one(row, 1) == sha256(one(row, 2) + b"\0" + one(row, 3)), "the flag's id")
        self.count("flags")

    def error(self, error):
        code = one(error, 1)
        need(one(error, 2) and one(error, 3) and one(error, 4, 0), "an error says what happened, and what to do")
        if code in (7, 9):  # BAD_SIGNATURE, LOG_GAP: the answer to a push
            first, hashes, good = self.pushed.pop(0)
            need(good == (code == 9), "the error that belongs to the push")
            need(code != 9 or one(error, 6, 0) < first - 1, "a gap")
        else:
            need(code == 4 and one(error, 8, 0) == 1, "PROTOCOL_ORDER, which closes")
            self.hello = None
        self.count("errors")


where = "session.txt"


def main():
    global where
    values, messages = {}, []
    for line in (HERE / "session.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, _, value = line.partition(" = ")
        if name.startswith("session"):
            messages.append((name, bytes.fromhex(value)))
        else:
            values[name] = bytes.fromhex(value)
    phone, session = Phone(values), ""
    for name, raw in messages:
        where = name
        if name.split("_")[0] != session:
            session, phone.pushed, phone.hello = name.split("_")[0], [], None
        message = fields(raw)
        need(len(message) == 1, "one message in each")
        if "client" in name:
            phone.client(message)
        else:
            phone.server_message(message)
    where = "the whole"
    need(not phone.pushed and len(phone.hashes) > 5 and phone.counts.get("digests", 0) > 3, "too little was there")
    print(f"session.txt: {len(messages)} messages; " + ", ".join(f"{what}: {n}" for what, n in phone.counts.items()))


if __name__ == "__main__":
    sys.exit(main())
