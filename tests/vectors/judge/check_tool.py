#!/usr/bin/env python3
"""check_tool.py PROGRAM FOLDER: gives all vectors of FOLDER to `PROGRAM judge`, in one run each, and compares."""
import json
import subprocess
import sys


def judged(program, cases):
    done = subprocess.run([program, "judge"], input="".join(case + "\n" for case in cases).encode("utf-8"),
                          stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert len(answers) == len(cases), f"{len(cases)} lines in, {len(answers)} out"
    return answers


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def differences(line, answer):
    for presence, wanted in line["expect"].items():
        for field, value in wanted.items():
            got = answer.get(presence, {}).get(field)
            if got != value:
                yield f'{line["clause"]}: {line["says"]} {presence}.{field}: {got}, not {value}'


FIELDS = ["company", "confirmed_by", "alone_s", "grade", "authority", "due_met", "why"]


def main(program, folder):
    wrong = []
    lines = read(folder + "/rule.jsonl")
    for line, answer in zip(lines, judged(program, [json.dumps(line["case"]) for line in lines])):
        wrong += differences(line, answer)
        ids = [presence["id"] for presence in line["case"]["presences"]]
        if list(answer) != ids or any(list(fields) != FIELDS for fields in answer.values()):
            wrong.append(f'{line["says"]}: not the format: {answer}')
    # Not all odd lines can stand in a file: those with an end of line in them are the unit test's.
    odd = [line for line in read(folder + "/odd.jsonl") if "\n" not in line["line"]]
    for number, (line, answer) in enumerate(zip(odd, judged(program, [line["line"] for line in odd])), 1):
        at = f"line {number}" + (": " + line["at"] if line["at"] else "")
        fits = "error" not in answer if line["at"] is None else answer.get("at", "").startswith(at)
        if not fits:
            wrong.append(f'{line["says"]}: {answer}')
    print("\n".join(wrong) or f"{len(lines)} clauses, {len(odd)} odd lines")
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
