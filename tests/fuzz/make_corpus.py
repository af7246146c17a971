#!/usr/bin/env python3
"""Writes the seed corpora from the test vectors: python3 tests/fuzz/make_corpus.py. Standard library only."""
import pathlib

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent / "vectors"


def vectors(name):
    lines = (VECTORS / name).read_text().splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line)


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    push, entry, checkpoint = vectors("push.txt"), vectors("entry.txt"), vectors("checkpoint.txt")
    write("wire", "push", bytes.fromhex(push["client_message"]))
    write("wire", "hello", bytes.fromhex("0a09080110011a03312e32"))
    write("wire", "error", bytes.fromhex("320808071a0477616974"))
    write("wire", "delta_page", bytes.fromhex("1a0f080110051801220708021201411a00"))
    write("wire", "deflated_push", bytes.fromhex(push["client_message_deflated"]))
    deflated = bytes.fromhex(push["client_message_deflated"])
    write("deflated", "three_entries", deflated[3:])  # without the tag and its size of two bytes
    write("push", "three_entries", bytes.fromhex(push["push"]))
    for name in ("checkpoint", "anchor"):
        write("checkpoint", name, bytes.fromhex(checkpoint[name]))
    for number, kind in ((1, 1), (2, 2), (3, 13)):
        message = bytes.fromhex(entry[f"entry{number}_payload"])[16:]
        write("payload", f"kind_{kind}", kind.to_bytes(2, "big") + message)
    for kind in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 64, 65, 66, 67, 68, 69, 70):
        message = b"\x0a\x10" + bytes(range(16)) + b"\x12\x10" + bytes(range(16))
        if kind in (3, 6, 10, 11, 12):
            message = b"\x0a\x20" + bytes(range(32)) + (b"\x10\x01" if kind == 3 else b"")
        if kind == 5:
            message = b"\x0a\x10" + bytes(range(16)) + b"\x12\x0e\x0a\x05phone\x22\x05\x0a\x03123"
        if kind == 70:
            message = b"\x08\x01\x18\x0a\x72\x02\x03\x04"
        write("payload", f"kind_{kind}", kind.to_bytes(2, "big") + message)


if __name__ == "__main__":
    main()
