#!/usr/bin/env python3
"""Writes the test vectors beside it. A second implementation of the layouts, sharing no code with core/: what both write
is what the documents mean. Standard library only; Ed25519 after the sample code of RFC 8032 section 6."""
import base64
import hashlib
import pathlib
import zlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)
HERE = pathlib.Path(__file__).parent


def sha256(data):
    return hashlib.sha256(data).digest()


def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def recover_x(y):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * I % P
    return P - x if x & 1 else x


GY = 4 * pow(5, P - 2, P) % P
GX = recover_x(GY)
G = (GX, GY, 1, GX * GY % P)


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return a, h[32:]


def public_key(seed):
    return compress(point_mul(expand(seed)[0], G))


def sign(seed, message):
    a, prefix = expand(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    big_r = compress(point_mul(r, G))
    h = int.from_bytes(hashlib.sha512(big_r + public_key(seed) + message).digest(), "little") % L
    return big_r + ((r + h * a) % L).to_bytes(32, "little")


def header(log, seq, previous, checkpoint, received_ms, boot, monotonic_ms, wall_ms, kind, payload):
    """DESIGN.md S1, core/entry.h: 166 bytes, big-endian."""
    data = (b"DCE1" + log + seq.to_bytes(8, "big") + previous + checkpoint + received_ms.to_bytes(8, "big") + boot
            + monotonic_ms.to_bytes(8, "big") + wall_ms.to_bytes(8, "big", signed=True) + kind.to_bytes(2, "big")
            + sha256(payload))
    assert len(data) == 166
    return data


def head_statement(log, seq, entry_hash):
    return b"DCHEAD1\0" + log + seq.to_bytes(8, "big") + entry_hash


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def number(field, encoded):
    return b"" if encoded == b"\0" else varint(field << 3) + encoded


def data(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def note(force, epoch, size, root, time_ms, seed, binding=None):
    """C2SP signed-note and tlog-checkpoint; core/checkpoint.h."""
    origin = f"doublecrew/{force.hex()}/{epoch.hex()}"
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\ntime {time_ms}\n"
    if binding:
        log, boot, monotonic_ms = binding
        text += f"log {log.hex()}\nboot {boot.hex()}\nmonotonic {monotonic_ms}\n"
    key_id = sha256(origin.encode() + b"\n\x01" + public_key(seed))[:4]
    signature = base64.b64encode(key_id + sign(seed, text.encode())).decode()
    return f"{text}\n\u2014 {origin} {signature}\n".encode()


def write(name, intro, values):
    lines = ["# " + line for line in intro] + [f"{key} = {value}" for key, value in values]
    (HERE / name).write_text("\n".join(lines) + "\n")


def as_text(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def pairs(**values):
    return [(key, as_text(value)) for key, value in values.items()]


# --- RFC 1951: one block of fixed codes, repeats of at most 10 bytes found greedily. zlib only checks it. ---


def deflate(text):
    bits = [1, 1, 0]

    def code(value, size):  # Huffman codes begin with their highest bit
        bits.extend(value >> i & 1 for i in reversed(range(size)))

    def literal(byte):
        code(*((0x30 + byte, 8) if byte < 144 else (0x190 + byte - 144, 9)))

    def repeat(length, distance):  # lengths 3 to 10 are codes 257 to 264, without extra bits
        code(length - 2, 7)
        number, extra, low = 0, 0, 1
        while distance >= low + (1 << extra):
            low += 1 << extra
            number += 1
            extra = max(0, number // 2 - 1)
        code(number, 5)
        bits.extend(distance - low >> i & 1 for i in range(extra))

    at = 0
    while at < len(text):
        best = max(((size, at - where) for size in range(3, 11) for where in [text.rfind(text[at:at + size], 0, at)]
                    if where >= 0 and at + size <= len(text)), default=None)
        if best:
            repeat(*best)
        else:
            literal(text[at])
        at += best[0] if best else 1
    code(0, 7)
    bits += [0] * (-len(bits) % 8)
    return bytes(sum(bit << i for i, bit in enumerate(bits[k:k + 8])) for k in range(0, len(bits), 8))


def main():
    device_seed, server_seed = sha256(b"doublecrew test device key"), sha256(b"doublecrew test server key")
    log, boot, boot2 = (sha256(name)[:16] for name in (b"test log", b"test boot", b"test boot 2"))
    force, epoch = sha256(b"test force")[:16], sha256(b"test epoch")[:16]
    root = sha256(b"test root")
    keys = pairs(device_seed=device_seed, device_public=public_key(device_seed), server_seed=server_seed,
                 server_public=public_key(server_seed))

    plain = note(force, epoch, 4711, root, 1732286205123, server_seed)
    anchor = note(force, epoch, 4711, root, 1732286205123, server_seed, (log, boot, 86400123))
    write("checkpoint.txt", ["A checkpoint and an anchor: hex of the whole signed note."],
          keys[2:] + pairs(force=force, epoch=epoch, size=4711, root=root, time_ms=1732286205123, log=log, boot=boot,
                           monotonic_ms=86400123, checkpoint=plain, anchor=anchor, anchor_hash=sha256(anchor)))

    offender, officer = sha256(b"test offender")[:16], sha256(b"test officer")[:16]
    check_in = sha256(b"salt 1")[:16] + data(1, offender) + data(2, officer) + number(3, varint(1))
    first = header(log, 1, bytes(32), bytes(32), 0, boot, 5000, 1732286200000, 1, check_in)
    check_out = sha256(b"salt 2")[:16] + data(1, sha256(first))
    second = header(log, 2, sha256(first), sha256(anchor), 86400999, boot, 86500000, 1732372700500, 2, check_out)
    seal = sha256(b"salt 3")[:16]
    third = header(log, 3, sha256(second), sha256(anchor), 86400999, boot2, 70, -1, 13, seal)
    entries = [(first, check_in), (second, check_out), (third, seal)]
    values = keys[:2] + pairs(log=log, boot=boot, boot2=boot2, anchor_hash=sha256(anchor))
    for i, (head, payload) in enumerate(entries, 1):
        statement = head_statement(log, i, sha256(head))
        values += [(f"entry{i}_{key}", as_text(value)) for key, value in dict(
            payload=payload, header=head, hash=sha256(head), head_statement=statement,
            head_signature=sign(device_seed, statement)).items()]
    write("entry.txt", ["Three entries of one log: check-in, check-out, seal. The statement of each as head, signed."], values)

    wall = [1732286200000, 1732372700500, -1]
    mono = [5000, 86500000, 70]
    def push_of(payloads_and_refs):
        push = data(1, log) + number(2, varint(1)) + data(3, bytes(32))
        push += data(4, data(1, anchor) + number(2, varint(86400999))) + data(5, boot) + data(5, boot2)
        last_mono = last_offset = 0
        for kind, anchor_number, boot_number, m, w, (payload, refs) in zip(
                (1, 2, 13), (0, 1, 1), (0, 0, 1), mono, wall, payloads_and_refs):
            packed = b"".join(varint(value) for value in refs)
            push += data(6, number(1, varint(kind)) + number(2, varint(anchor_number))
                         + number(3, varint(boot_number)) + number(4, zigzag(m - last_mono))
                         + number(5, zigzag(w - m - last_offset)) + data(6, payload)
                         + (data(7, packed) if refs else b""))
            last_mono, last_offset = m, w - m
        push += number(7, varint(1)) + data(8, sign(device_seed, head_statement(log, 3, sha256(third))))
        return push + number(9, varint(86400999))

    # The check-out names the check-in: 32 bytes at place 18 of its payload are the hash of the entry before.
    assert check_out[18:] == sha256(first)
    push = push_of([(check_in, ()), (check_out[:18], (18, 1)), (seal, ())])
    whole = push_of([(check_in, ()), (check_out, ()), (seal, ())])
    deflated = deflate(push)
    assert zlib.decompress(deflated, -15) == push
    message = number(1, varint(len(push))) + number(2, varint(3)) + data(3, deflated)
    write("push.txt", ["The entries of entry.txt as one Push message, with the anchor of checkpoint.txt in full.",
                       "push leaves out the hash that the check-out repeats (refs); push_whole, as valid, doesn't.",
                       "client_message_deflated holds push as a DeflatedPush; any other stream that inflates to push is as good."],
          keys[:2] + pairs(push=push, client_message=data(2, push), push_whole=whole,
                           client_message_deflated=data(7, message)))


if __name__ == "__main__":
    main()
