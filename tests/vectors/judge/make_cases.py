#!/usr/bin/env python3
"""The two-officer rule, clause by clause, as cases for `doublecrewctl judge`: writes rule.jsonl and odd.jsonl beside itself.

rule.jsonl: every expectation was worked out by hand from the rule's text; no program was asked. One line a case:
{"clause", "says", "case", "expect": {presence: {field: value, ...}}}; fields that aren't named aren't looked at.
odd.jsonl: lines that are no case, or only just one: {"says", "line", "at": where the error stands, or null: judged}.
"""
import json
import os

T = 1_000_000  # an epoch; times below are minutes after it
LATE = 5000  # "now" unless a case says otherwise: days later
lines = []


def t(minute):
    return None if minute is None else T + round(minute * 60)


def bounds(value):
    lo, hi = value if isinstance(value, tuple) else (value, value)
    return [t(lo), t(hi)]


def p(officer, start, end, **more):
    """A presence of officer at X, in minutes; end None: not checked out. A tuple is an uncertain instant."""
    hi = start[1] if isinstance(start, tuple) else start
    own = {
        "id": "p" + officer, "officer": officer, "device": "d" + officer, "offender": "X", "in": bounds(start),
        "out": None if end is None else bounds(end), "boot": None, "in_m": None, "out_m": None, "with": "unrecorded",
        "agency": None, "at": None, "out_at": None, "acc": 20, "received": t(hi) + 1, "contested": False,
        "cosign": None, "outcome": "seen",
    }
    for key in ("in_m", "out_m"):
        if key in more:
            more[key] = round(more[key] * 60)
    if "received" in more:
        more["received"] = t(more["received"])
    own.update(more)
    return own


def code(other, first, trip=30, confirm=None):
    return {"presence": "p" + other, "first": first, "confirm_m": None if confirm is None else round(confirm * 60),
            "round_trip_s": trip}


def plan(officers, start, end, offender="X"):
    return {"offender": offender, "officers": list(officers), "from": t(start), "to": t(end)}


def word(granted, recorded, by="S", start=-100, end=600, officer="A"):
    return {"officer": officer, "offender": "X", "granted": granted, "by": by, "recorded": t(recorded),
            "valid_from": t(start), "valid_to": t(end)}


def decision(presence, counts, by="S", recorded=1000):
    return {"presence": presence, "by": by, "counts": counts, "recorded": t(recorded)}


def case(clause, says, presences, expect, risk="M", now=LATE, policy=None, officers=None, devices=None, plans=(),
         authorities=(), decisions=(), watermarks=None):
    names = "ABCD"
    base = {
        "policy": {"max_alone_s": 600, "longest_visit_s": 10800, "time_limit_s": 14400, "retro_window_s": 86400,
                   "evidence_overdue_s": 86400, "authority_max_s": 604800, "lone_forbidden": ["VH", "H"],
                   "cosign_round_trip_s": 60, "partner_distance_m": 100, "far_apart_m": 2000, "late_out_m": 150,
                   "drift": 0.0002},
        "offenders": {"X": {"risk": risk, "at": [0, 0]}, "Y": {"risk": "M", "at": [3000, 0]}},
        "officers": {n: {"accredited": True, "entitled_from": 0, "entitled_to": None} for n in names},
        "devices": {"d" + n: {"officer": n, "revoked_as_of": None, "revocation_recorded": None, "lost": False}
                    for n in names},
        "presences": presences, "plans": list(plans), "authorities": list(authorities),
        "decisions": list(decisions), "watermarks": {d: t(m) for d, m in (watermarks or {}).items()}, "now": t(now),
    }
    base["policy"].update(policy or {})
    for name, change in (officers or {}).items():
        base["officers"].setdefault(name, {}).update(change)
    for name, change in (devices or {}).items():
        base["devices"].setdefault(name, {"revoked_as_of": None, "revocation_recorded": None, "lost": False})
        base["devices"][name].update(change)
    for fields in expect.values():
        if "alone" in fields:
            lo, hi = fields["alone"] if isinstance(fields["alone"], tuple) else (fields["alone"], fields["alone"])
            fields["alone_s"] = [round(lo * 60), round(hi * 60)]
            del fields["alone"]
    lines.append({"clause": clause, "says": says, "case": base, "expect": expect})


JOINT = {"company": "joint", "confirmed_by": None}
PART = {"company": "part_joint", "confirmed_by": None}
LOG = {"company": "lone_confirmed", "confirmed_by": "log"}
SAID = {"company": "lone_confirmed", "confirmed_by": "statement"}
LIMIT = {"company": "lone_confirmed", "confirmed_by": "time_limit"}
PROVISIONAL = {"company": "lone_provisional", "confirmed_by": None}
AWAITING = {"company": "awaiting_second", "confirmed_by": None}
HELD = {"company": "held", "confirmed_by": None}
WAY = {"company": "under_way", "confirmed_by": None}
SO_FAR = {"company": "joint_so_far", "confirmed_by": None}
UNPROVEN = {"company": "time_unproven", "confirmed_by": None}
ACCOMPANIED = {"company": "accompanied", "confirmed_by": None}


def and_(base, **more):
    return {**base, **more}


# ---- V2: presences pair by relation -------------------------------------------------------------------------------
case("V2", "Two officers there at the same time make each other's presence joint; no locations: grade C.",
     [p("A", 0, 60), p("B", 0, 60)],
     {"pA": and_(JOINT, alone=0, grade="C", due_met=True), "pB": and_(JOINT, alone=0, grade="C", due_met=True)})
case("V2", "Presences that only touch at an instant don't pair.",
     [p("A", 0, 60), p("B", 60, 90)], {"pA": and_(LIMIT, alone=60, grade=None), "pB": and_(LIMIT, alone=30)})
case("V2", "An overlap of one second is more than an instant: a pair, but part joint.",
     [p("A", 0, 60), p("B", 60 - 1 / 60, 90)], {"pA": PART, "pB": PART})
case("V2", "Different offenders don't pair.",
     [p("A", 0, 60), p("B", 0, 60, offender="Y")], {"pA": LIMIT, "pB": LIMIT})
case("V2", "One officer on two phones is no second officer.",
     [p("A", 0, 60), p("A", 0, 60, id="pA2", device="dA2")],
     {"pA": LIMIT, "pA2": LIMIT}, devices={"dA2": {"officer": "A"}})
case("V2", "A chain A-B, B-C: A and C are no pair, but one attendance; B covers both.",
     [p("A", 0, 30), p("B", 0, 60), p("C", 30, 60)],
     {"pA": and_(JOINT, alone=0, due_met=True), "pB": and_(JOINT, alone=0, due_met=True),
      "pC": and_(JOINT, alone=0, due_met=True)})
case("V2", "A presence without length overlaps nobody for more than an instant.",
     [p("A", 10, 10), p("B", 0, 60)], {"pA": and_(LIMIT, alone=0), "pB": and_(LIMIT, alone=60)})

# ---- V3: minutes alone, joint, part joint -------------------------------------------------------------------------
case("V3", "Ten minutes alone are still joint ('at most' includes).",
     [p("A", 0, 60), p("B", 10, 60)], {"pA": and_(JOINT, alone=10), "pB": and_(JOINT, alone=0)})
case("V3", "One second more is part joint.",
     [p("A", 0, 60), p("B", 10 + 1 / 60, 60)], {"pA": and_(PART, alone=10 + 1 / 60)})
case("V3", "Minutes before, between and after add up.",
     [p("A", 0, 60), p("B", 3, 25), p("C", 29, 57)], {"pA": and_(JOINT, alone=10)})
case("V3", "Partners that overlap each other aren't counted twice.",
     [p("A", 0, 60), p("B", 0, 40), p("C", 20, 55)], {"pA": and_(JOINT, alone=5)})
case("V3", "Half the presence is still joint.",
     [p("A", 0, 10), p("B", 5, 30)], {"pA": and_(JOINT, alone=5)})
case("V3", "More than half isn't, short as it is.",
     [p("A", 0, 10), p("B", 5 + 1 / 60, 30)], {"pA": and_(PART, alone=5 + 1 / 60)})
case("V3", "A partner who drops in for two minutes doesn't cover an hour; for the partner it is joint.",
     [p("A", 0, 60), p("B", 30, 32)], {"pA": and_(PART, alone=58, due_met=False), "pB": and_(JOINT, alone=0)})
case("V3", "A five-minute lone knock isn't joint for being short.",
     [p("A", 0, 5, **{"with": "alone"})], {"pA": and_(SAID, alone=5)})
case("V3", "A partner who isn't eligible covers nothing.",
     [p("A", 0, 60), p("B", 0, 60), p("C", 20, 40)],
     {"pA": and_(PART, alone=40)}, officers={"B": {"entitled_to": t(-1)}})

# ---- V4: check-outs -----------------------------------------------------------------------------------------------
case("V4", "Open, alone for exactly ten minutes: under way.",
     [p("A", 0, None)], {"pA": and_(WAY, alone=10)}, now=10)
case("V4", "A second later nobody named: lone, provisionally.",
     [p("A", 0, None)], {"pA": PROVISIONAL}, now=10 + 1 / 60)
case("V4", "Open, and said to be alone: confirmed at once when no longer under way.",
     [p("A", 0, None, **{"with": "alone"})], {"pA": SAID}, now=11)
case("V4", "Open with an open partner: joint so far; the due date waits for the check-out.",
     [p("A", 0, None), p("B", 5, None)],
     {"pA": and_(SO_FAR, alone=5, due_met=False), "pB": and_(SO_FAR, alone=0)}, now=30)
case("V4", "While open only max_alone applies, not the half: nine of twelve minutes alone are joint so far.",
     [p("A", 0, None), p("B", 9, None)], {"pA": and_(SO_FAR, alone=9)}, now=12)
case("V4", "Open, and the partner came after eleven minutes: part joint.",
     [p("A", 0, None), p("B", 11, None)], {"pA": and_(PART, alone=11), "pB": SO_FAR}, now=30)
case("V4", "Open, the partner left eleven minutes ago: part joint.",
     [p("A", 0, None), p("B", 0, 20)], {"pA": and_(PART, alone=11), "pB": SO_FAR}, now=31)
case("V4", "Checked out, but it rests on a partner who is still there: so far.",
     [p("A", 0, 30), p("B", 0, None)], {"pA": SO_FAR, "pB": and_(SO_FAR, alone=5)}, now=35)
case("V4", "Checked out, and the closed partners alone give joint: not so far.",
     [p("A", 0, 30), p("B", 0, None), p("C", 0, 30)], {"pA": JOINT}, now=35)
case("V4", "After the longest visit the check-out is missing: the partner's is taken.",
     [p("A", 0, None), p("B", 4, 62)], {"pA": and_(JOINT, alone=4, due_met=True), "pB": and_(JOINT, alone=0)})
case("V4", "It is the last of the partners' check-outs.",
     [p("A", 0, None), p("B", 2, 30), p("C", 8, 50)], {"pA": and_(JOINT, alone=2), "pC": JOINT})
case("V4", "Nobody recorded one: they left together, by the earliest limit.",
     [p("A", 0, None), p("B", 8, None)], {"pA": and_(JOINT, alone=8), "pB": and_(JOINT, alone=0)})
case("V4", "Nobody at all: it lasted until its limit, the longest visit.",
     [p("A", 0, None)], {"pA": and_(LIMIT, alone=180)})
case("V4", "At the limit itself it is no longer open; a second before it is.",
     [p("A", 0, None, **{"with": "alone"})], {"pA": and_(SAID, alone=180)}, now=180)
case("V4", "The officer's next check-in anywhere ends it.",
     [p("A", 0, None), p("A", 50, 70, id="pA2", offender="Y"), p("B", 0, None)],
     {"pA": and_(JOINT, alone=0), "pB": and_(JOINT, alone=0), "pA2": and_(LIMIT, alone=20)})
case("V4", "The next check-in ends it while it would still be open: no longer under way.",
     [p("A", 0, None, **{"with": "alone"}), p("A", 5, None, id="pA2", offender="Y")],
     {"pA": and_(SAID, alone=5), "pA2": WAY}, now=8)
case("V4", "A check-out that was recorded isn't shortened by the next check-in (no two places known).",
     [p("A", 0, 60), p("A", 50, 70, id="pA2", offender="Y")],
     {"pA": and_(LIMIT, alone=60), "pA2": and_(LIMIT, alone=20)})
case("V4", "A check-out pressed certainly away is late: the partner's is taken.",
     [p("A", 0, 100, at=[0, 0], out_at=[191, 0]), p("B", 0, 60, at=[0, 0], out_at=[0, 0])],
     {"pA": and_(JOINT, alone=0, grade="B")})
case("V4", "150 m and both accuracies: not certainly away, so it counts as pressed.",
     [p("A", 0, 100, at=[0, 0], out_at=[190, 0]), p("B", 0, 60, at=[0, 0], out_at=[0, 0])],
     {"pA": and_(PART, alone=40)})
case("V4", "A late check-out's time is an upper bound: the partner's later one isn't taken.",
     [p("A", 0, 50, at=[0, 0], out_at=[5000, 0]), p("B", 0, 70)], {"pA": and_(JOINT, alone=0), "pB": PART})
case("V4", "A late check-out with nobody beside it lasts until it was pressed.",
     [p("A", 0, 100, at=[0, 0], out_at=[5000, 0], **{"with": "alone"})], {"pA": and_(SAID, alone=100)})
case("V4", "A late check-out beyond the longest visit: the limit.",
     [p("A", 0, 300, at=[0, 0], out_at=[5000, 0], **{"with": "alone"})], {"pA": and_(SAID, alone=180)})

# ---- V11: check-outs ----------------------------------------------------------------------------------------------
case("V11 check-outs", "Where the check-out is assumed only max_alone applies, not the half.",
     [p("A", 0, None), p("B", 8, 12)], {"pA": and_(JOINT, alone=8)})
case("V11 check-outs", "An assumed check-out is never later than the presence's own limit.",
     [p("A", 0, None), p("B", 0, 240, **{"with": ["A"]}), p("C", 0, 240)],
     {"pA": and_(JOINT, alone=0), "pB": and_(JOINT, alone=0)})
case("V11 check-outs", "A check-out forgotten in the morning doesn't cover the afternoon: in over ten minutes apart.",
     [p("A", 0, None), p("B", 30, 90)], {"pA": and_(LIMIT, alone=180), "pB": and_(LIMIT, alone=60)})
case("V11 check-outs", "Checked in within max_alone of it, at the edge: pairs.",
     [p("A", 0, None), p("B", 10, 60)], {"pA": and_(JOINT, alone=10), "pB": and_(JOINT, alone=0)})
case("V11 check-outs", "Within max_alone before it counts as well.",
     [p("A", 10, None), p("B", 0, 60)], {"pA": and_(JOINT, alone=0), "pB": and_(JOINT, alone=10)})
case("V11 check-outs", "Named with it: pairs though it came later.",
     [p("A", 0, None, **{"with": ["B"]}), p("B", 30, 90)],
     {"pA": and_(PART, alone=30), "pB": and_(JOINT, alone=0)}, watermarks={"dB": 300})
case("V11 check-outs", "Named by the other: pairs as well.",
     [p("A", 0, None), p("B", 30, 90, **{"with": ["A"]})],
     {"pA": and_(PART, alone=30), "pB": and_(JOINT, alone=0)}, watermarks={"dA": 300})
case("V11 check-outs", "Planned with it: pairs.",
     [p("A", 0, None), p("B", 30, 90)], {"pA": and_(PART, alone=30), "pB": and_(JOINT, alone=0)},
     plans=[plan("AB", -10, 60)], watermarks={"dA": 300, "dB": 300})
case("V11 check-outs", "A plan whose window is over at the check-in doesn't link them (half-open).",
     [p("A", 0, None), p("B", 30, 90)], {"pA": and_(LIMIT, alone=180), "pB": and_(LIMIT, alone=60)},
     plans=[plan("AB", -60, 0)])
case("V11 check-outs", "Co-signed with it: pairs.",
     [p("A", 0, None), p("B", 30, 90, cosign=code("A", False))], {"pA": and_(PART, alone=30, grade="A")})
case("V11 check-outs", "An officer who isn't entitled lends the check-out all the same.",
     [p("A", 0, None, **{"with": "alone"}), p("B", 0, 40)],
     {"pA": and_(ACCOMPANIED, alone=40)}, officers={"B": {"entitled_to": t(-1)}})
case("V11 check-outs", "What is held lends no check-out.",
     [p("A", 0, None), p("B", 0, 40, contested=True)], {"pA": and_(AWAITING, alone=180), "pB": HELD})
case("V11 check-outs", "Three who left together share one instant, by the earliest limit (next check-in of one).",
     [p("A", 0, None), p("B", 2, None), p("C", 4, None), p("C", 90, 100, id="pC2", offender="Y")],
     {"pA": and_(JOINT, alone=2), "pB": and_(JOINT, alone=0), "pC": and_(JOINT, alone=0)})
case("V11 check-outs", "A missing check-out isn't proof of two places.",
     [p("A", 0, None, at=[0, 0]), p("A", 30, 60, id="pA2", device="dA2", offender="Y", at=[9000, 0])],
     {"pA": and_(LIMIT, alone=30), "pA2": and_(LIMIT, alone=30)}, devices={"dA2": {"officer": "A"}})

# ---- V5: eligible -------------------------------------------------------------------------------------------------
case("V5", "One accredited offender manager of the two is enough.",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": JOINT, "pB": JOINT}, officers={"B": {"accredited": False}})
case("V5", "Two who aren't accredited only accompany each other.",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": and_(ACCOMPANIED, alone=60, grade=None, due_met=False), "pB": ACCOMPANIED},
     officers={"A": {"accredited": False}, "B": {"accredited": False}})
case("V5", "A third who is accredited makes it joint for all.",
     [p("A", 0, 60), p("B", 0, 60), p("C", 0, 60)], {"pA": JOINT, "pB": JOINT, "pC": JOINT},
     officers={"A": {"accredited": False}, "B": {"accredited": False}})
case("V5", "Entitled from the check-in's very instant: entitled (half-open).",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": JOINT}, officers={"B": {"entitled_from": t(0)}})
case("V5", "Entitled until the check-in's very instant: no longer.",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": ACCOMPANIED, "pB": ACCOMPANIED}, officers={"B": {"entitled_to": t(0)}})
case("V5", "What counts is the check-in, not the rest of the visit.",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": JOINT}, officers={"B": {"entitled_to": t(1)}})
case("V5", "A person of a partner agency: accompanied, grade D.",
     [p("A", 0, 60, agency="probation")], {"pA": and_(ACCOMPANIED, alone=60, grade="D")})
case("V5", "A person of a partner agency beside an eligible partner: joint.",
     [p("A", 0, 60, agency="probation"), p("B", 0, 60)], {"pA": and_(JOINT, grade="C")})
case("V11 accompanied", "With an eligible partner, part joint comes first.",
     [p("A", 0, 60, agency="probation"), p("B", 30, 60)], {"pA": and_(PART, alone=30)})
case("V11 accompanied", "Somebody named who may still come is awaited first.",
     [p("A", 0, 60, agency="probation", **{"with": ["B"]})], {"pA": AWAITING})
case("V11 accompanied", "Not even a statement makes a companion a lone visit.",
     [p("A", 0, 60, agency="probation", **{"with": "alone"})], {"pA": ACCOMPANIED})

# ---- V6: held -----------------------------------------------------------------------------------------------------
case("V6", "Contested by a fork: held, and the partner awaits.",
     [p("A", 0, 60, contested=True), p("B", 0, 60)],
     {"pA": and_(HELD, grade=None, alone=60, due_met=False), "pB": and_(AWAITING, alone=60, due_met=False)})
case("V6", "... unless an uncontested log's entry names it.",
     [p("A", 0, 60, contested=True), p("B", 1, 60, cosign=code("A", False))],
     {"pA": and_(JOINT, grade="A"), "pB": JOINT})
case("V6", "... but not one that is itself contested.",
     [p("A", 0, 60, contested=True), p("B", 1, 60, contested=True, cosign=code("A", False))], {"pA": HELD, "pB": HELD})
case("V6", "... nor its own naming of somebody else.",
     [p("A", 0, 60, contested=True, cosign=code("B", True)), p("B", 1, 60)], {"pA": HELD, "pB": AWAITING})
case("V6", "Revoked as of the check-in's instant: held (half-open).",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": AWAITING, "pB": HELD},
     devices={"dB": {"revoked_as_of": t(0), "revocation_recorded": t(500)}})
case("V6", "Revoked as of a second after it: not held.",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": JOINT, "pB": JOINT},
     devices={"dB": {"revoked_as_of": t(1 / 60), "revocation_recorded": t(500)}})
case("V6, F4", "An officer to whom the device isn't assigned: held, and who was there at that time awaits.",
     [p("A", 0, 60), p("B", 0, 60, device="dC")], {"pA": AWAITING, "pB": HELD})
case("V6, F4", "One phone used for both officers: the second is held, and both together are never joint.",
     [p("A", 0, 60), p("B", 0, 60, device="dA")], {"pA": and_(LIMIT, alone=60), "pB": HELD})
case("V6, F4", "A positive decision lets the unassigned officer's evidence count.",
     [p("A", 0, 60), p("B", 0, 60, device="dC")], {"pA": JOINT, "pB": JOINT}, decisions=[decision("pB", True)])
case("V6", "One officer certainly at two places: both are held, their partners await.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[3000, 0])],
     {"pA": HELD, "pA2": HELD, "pB": AWAITING}, devices={"dA2": {"officer": "A"}})
case("V6", "Two offenders at one place are not two places.",
     [p("A", 0, 60, at=[0, 0]), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[40, 0])],
     {"pA": LIMIT, "pA2": LIMIT}, devices={"dA2": {"officer": "A"}})
case("V6", "A metre beyond both accuracies is apart.",
     [p("A", 0, 60, at=[0, 0]), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[41, 0])],
     {"pA": HELD, "pA2": HELD}, devices={"dA2": {"officer": "A"}})
case("V6", "One visit after the other is no contradiction, not even at the same instant.",
     [p("A", 0, 30, at=[0, 0]), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[3000, 0])],
     {"pA": LIMIT, "pA2": LIMIT}, devices={"dA2": {"officer": "A"}})
case("V6", "An uncertain overlap isn't certainly two places: time unproven.",
     [p("A", 0, (25, 35), at=[0, 0]), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[3000, 0])],
     {"pA": UNPROVEN, "pA2": UNPROVEN}, devices={"dA2": {"officer": "A"}})
case("V6", "Partners certainly more than 2 km apart: the pair is held, both await.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60, at=[2041, 0])],
     {"pA": and_(AWAITING, alone=60, grade=None), "pB": AWAITING})
case("V6", "2 km and both accuracies: not certainly; joint, grade C.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60, at=[2040, 0])], {"pA": and_(JOINT, grade="C")})
case("V6", "A named candidate doesn't make a held partner's evidence count: awaiting, never lone.",
     [p("A", 0, 60, **{"with": ["B"]}), p("B", 0, 60, contested=True)], {"pA": AWAITING}, watermarks={"dB": 3000})

# ---- V11: held, decisions -----------------------------------------------------------------------------------------
case("V11 held", "Far apart holds the pair: another partner counts for both.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60, at=[2041, 0]), p("C", 0, 60)], {"pA": JOINT, "pB": JOINT, "pC": JOINT})
case("V11 held", "Far apart, decided to count: they count for each other.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60, at=[2041, 0])], {"pA": and_(JOINT, grade="C"), "pB": JOINT},
     decisions=[decision("pA", True)])
case("V11 held", "Far apart, decided against: neither counts for the other and nobody is awaited.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60, at=[2041, 0])], {"pA": and_(LIMIT, alone=60), "pB": LIMIT},
     decisions=[decision("pA", False)])
case("V11 held", "What is held ends no other presence: the next check-in is contested.",
     [p("A", 0, None, **{"with": "alone"}), p("A", 50, 60, id="pA2", device="dA2", offender="Y", contested=True)],
     {"pA": and_(SAID, alone=180), "pA2": HELD}, devices={"dA2": {"officer": "A"}})
case("V11 held", "... and ends it again once it is let count.",
     [p("A", 0, None, **{"with": "alone"}), p("A", 50, 60, id="pA2", device="dA2", offender="Y", contested=True)],
     {"pA": and_(SAID, alone=50)}, devices={"dA2": {"officer": "A"}}, decisions=[decision("pA2", True)])
case("V11 held", "What is held proves no two places.",
     [p("A", 0, 60, at=[0, 0]), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[3000, 0], contested=True)],
     {"pA": LIMIT, "pA2": HELD}, devices={"dA2": {"officer": "A"}})
case("V11 held", "What is held proves nothing far apart: the partner's own evidence is what is held.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60, at=[5000, 0], contested=True), p("C", 0, 60)],
     {"pA": JOINT, "pB": HELD})
case("V11 held", "A positive decision: the evidence counts.",
     [p("A", 0, 60, contested=True), p("B", 0, 60)], {"pA": and_(JOINT, due_met=True), "pB": and_(JOINT, due_met=True)},
     decisions=[decision("pA", True)])
case("V11 held", "A negative one: it counts for nobody, and nobody awaits it.",
     [p("A", 0, 60, contested=True), p("B", 0, 60)],
     {"pA": and_(LIMIT, due_met=False), "pB": and_(LIMIT, alone=60, due_met=False)}, decisions=[decision("pA", False)])
case("V11 held", "A negative one about a named partner's evidence: that log has spoken.",
     [p("A", 0, 60, contested=True), p("B", 0, 60, **{"with": ["A"]})], {"pB": LOG}, decisions=[decision("pA", False)])
case("V6", "Of two places one decided against: the other stands again.",
     [p("A", 0, 60, at=[0, 0]), p("B", 0, 60), p("A", 30, 90, id="pA2", device="dA2", offender="Y", at=[3000, 0])],
     {"pA": JOINT, "pB": JOINT, "pA2": LIMIT}, devices={"dA2": {"officer": "A"}}, decisions=[decision("pA2", False)])

# ---- V7: grades ---------------------------------------------------------------------------------------------------
HERE, NEAR, OFF = [0, 0], [140, 0], [141, 0]
case("V7", "Co-signed, 60 s round trip, locations not apart: A.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True, 60)), p("B", 0.5, 60, at=NEAR, cosign=code("A", False, 60))],
     {"pA": and_(JOINT, grade="A"), "pB": and_(JOINT, grade="A")})
case("V7", "Missing is not apart: A.",
     [p("A", 0, 60, cosign=code("B", True)), p("B", 0.5, 60, at=NEAR)], {"pA": and_(JOINT, grade="A")})
case("V7", "61 s: the locations decide, B.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True, 61)), p("B", 0.5, 60, at=NEAR, cosign=code("A", False, 61))],
     {"pA": and_(JOINT, grade="B")})
case("V7", "The first phone's measure speaks, not the second's.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True, 61)), p("B", 0.5, 60, at=NEAR, cosign=code("A", False, 5))],
     {"pA": and_(JOINT, grade="B"), "pB": and_(JOINT, grade="B")})
case("V7", "Co-signed, but the locations are apart: C.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True)), p("B", 0.5, 60, at=OFF)], {"pA": and_(JOINT, grade="C")})
case("V7", "Two devices, locations agree (100 m and both accuracies): B.",
     [p("A", 0, 60, at=HERE), p("B", 0, 60, at=NEAR)], {"pA": and_(JOINT, grade="B")})
case("V7", "One location missing: C.", [p("A", 0, 60, at=HERE), p("B", 0, 60)], {"pA": and_(JOINT, grade="C")})
case("V7", "Locations apart: C.", [p("A", 0, 60, at=HERE), p("B", 0, 60, at=OFF)], {"pA": and_(JOINT, grade="C")})
case("V7", "The best whose partners alone give the verdict: the A partner covers too little, with the B partner enough.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True)), p("B", 1, 30, at=HERE), p("C", 30, 60, at=HERE)],
     {"pA": and_(JOINT, grade="B", alone=1)})
case("V7", "The A partner alone is enough, whoever else was there.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True)), p("B", 1, 55, at=HERE), p("C", 0, 60)],
     {"pA": and_(JOINT, grade="A", alone=0), "pC": and_(JOINT, grade="C")})
case("V7", "Part joint has the grade of its best partner.",
     [p("A", 0, 60, at=HERE, cosign=code("B", True)), p("B", 30, 45), p("C", 45, 50)], {"pA": and_(PART, grade="A")})
case("V7", "D: a second person named, not checked in.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": and_(LOG, grade="D")}, watermarks={"dB": 61})
case("V7", "Planned isn't named: no claim, no grade.",
     [p("A", 0, 60)], {"pA": and_(LOG, grade=None)}, plans=[plan("AB", -10, 60)], watermarks={"dB": 61})

# ---- W1-W3, V8: absence -------------------------------------------------------------------------------------------
case("W1", "A watermark must exceed: at the check-out's instant the log hasn't reported past it.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": AWAITING}, watermarks={"dB": 60})
case("W1", "A second more confirms by log.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": and_(LOG, alone=60)}, watermarks={"dB": 60 + 1 / 60})
case("W3", "Past the latest instant of the presence: an uncertain check-out's upper bound.",
     [p("A", 0, (50, 60), **{"with": ["B"]})], {"pA": AWAITING}, watermarks={"dB": 60})
case("W3", "Every candidate: two are named, one hasn't reported.",
     [p("A", 0, 60, **{"with": ["B", "C"]})], {"pA": AWAITING}, watermarks={"dB": 100})
case("W3", "Every device of a candidate.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": AWAITING}, devices={"dB2": {"officer": "B"}}, watermarks={"dB": 100})
case("W3", "A named partner's silent phone leaves it awaiting, however long.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": and_(AWAITING, grade="D")}, now=100000)
case("W3", "Declared lost: the time limit, from first receipt.",
     [p("A", 0, 60, received=70, **{"with": ["B"]})], {"pA": LIMIT}, now=310, devices={"dB": {"lost": True}})
case("W3", "A second before the time limit: awaiting.",
     [p("A", 0, 60, received=70, **{"with": ["B"]})], {"pA": AWAITING}, now=310 - 1 / 60, devices={"dB": {"lost": True}})
case("W3", "One lost and one that can still report: no time limit.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": AWAITING},
     devices={"dB": {"lost": True}, "dB2": {"officer": "B"}})
case("V11 candidates", "One lost, the other heard: no unheard log can still report, so the time limit.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": LIMIT},
     devices={"dB": {"lost": True}, "dB2": {"officer": "B"}}, watermarks={"dB2": 61})
case("W3", "A lost phone whose log had reported past it: by log.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": LOG}, devices={"dB": {"lost": True}}, watermarks={"dB": 61})
case("W3", "A named officer without any device: the time limit.",
     [p("A", 0, 60, received=0, **{"with": ["E"]})], {"pA": LIMIT}, now=240,
     officers={"E": {"accredited": True, "entitled_from": 0, "entitled_to": None}})
case("W3", "... and awaiting before it.",
     [p("A", 0, 60, received=0, **{"with": ["E"]})], {"pA": AWAITING}, now=240 - 1 / 60,
     officers={"E": {"accredited": True, "entitled_from": 0, "entitled_to": None}})
case("W2", "Alone is confirmed at once, by statement.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, grade=None)}, now=60)
case("W2", "Alone, but a plan names another: as if named.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(AWAITING, grade=None)}, plans=[plan("AB", -10, 10)])
case("W2", "... and confirmed by that log.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": LOG}, plans=[plan("AB", -10, 10)], watermarks={"dB": 61})
case("W2", "A plan that names only the officer names nobody else.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": SAID}, plans=[plan("A", -10, 10)])
case("W2", "A plan of others for that offender makes them candidates, too.",
     [p("A", 0, 60)], {"pA": AWAITING}, plans=[plan("BC", -10, 10)], watermarks={"dB": 61})
case("W2", "A plan for another offender doesn't.",
     [p("A", 0, 60)], {"pA": LIMIT}, plans=[plan("AB", -10, 10, "Y")])
case("W2", "A plan whose window begins at the check-in contains it; one that ends there doesn't.",
     [p("A", 0, 60)], {"pA": AWAITING}, plans=[plan("AB", 0, 10)])
case("W2", "... half-open.", [p("A", 0, 60)], {"pA": LIMIT}, plans=[plan("AB", -10, 0)])
case("W2", "... may contain it: the check-in's bounds reach into the window.",
     [p("A", (-5, 5), 60)], {"pA": AWAITING}, plans=[plan("AB", 5, 10)])
case("W2", "Unrecorded, nobody planned: provisional until the time limit.",
     [p("A", 0, 60, received=60)], {"pA": and_(PROVISIONAL, grade=None)}, now=300 - 1 / 60)
case("W2", "... confirmed by it.", [p("A", 0, 60, received=60)], {"pA": LIMIT}, now=300)
case("W2", "A revoked device is no candidate (unrevoked as of the check-in): nobody can report, so the time limit.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": LIMIT}, devices={"dB": {"revoked_as_of": t(0)}})
case("W2", "Revoked after the check-in: still a candidate.",
     [p("A", 0, 60, **{"with": ["B"]})], {"pA": AWAITING}, devices={"dB": {"revoked_as_of": t(1)}})
case("W2, V11 times", "Perhaps revoked before the check-in, and heard: its word alone confirms nothing, better times may take it away.",
     [p("A", (-5, 5), 60, received=10, **{"with": ["B"]})], {"pA": AWAITING}, now=100,
     devices={"dB": {"revoked_as_of": t(0)}}, watermarks={"dB": 90})
case("W2, V11 times", "... certainly unrevoked then: by log.",
     [p("A", (-5, 5), 60, received=10, **{"with": ["B"]})], {"pA": LOG}, now=100,
     devices={"dB": {"revoked_as_of": t(6)}}, watermarks={"dB": 90})
case("V11 candidates", "Heard by its unheld check-in that pairs: part joint without any watermark.",
     [p("A", 0, 60, **{"with": ["B"]}), p("B", 30, 60)], {"pA": and_(PART, alone=30)})
case("V8", "Part joint, too, waits for every candidate not yet heard.",
     [p("A", 0, 60, **{"with": ["B", "C"]}), p("B", 30, 60)], {"pA": and_(AWAITING, alone=30)})
case("V8", "... and is part joint when that log has reported.",
     [p("A", 0, 60, **{"with": ["B", "C"]}), p("B", 30, 60)], {"pA": PART}, watermarks={"dC": 61})
case("V8", "A check-in of the named officer that doesn't pair (an hour later) isn't hearing the log.",
     [p("A", 0, 60, **{"with": ["B"]}), p("B", 120, 150)], {"pA": AWAITING})
case("V8", "Under way comes before awaiting: somebody is named, five minutes so far.",
     [p("A", 0, None, **{"with": ["B"]})], {"pA": and_(WAY, grade=None)}, now=5)
case("V8", "Beyond max_alone: awaiting.", [p("A", 0, None, **{"with": ["B"]})], {"pA": AWAITING}, now=11)
case("V8", "A lone knock at which nobody was in stays in the lone figures.",
     [p("A", 0, 3, outcome="not_in", **{"with": "alone"})], {"pA": and_(SAID, due_met=False)})
case("V8", "Held comes first of all.",
     [p("A", 0, None, contested=True)], {"pA": HELD}, now=5)

# ---- V10, V11: uncertain times ------------------------------------------------------------------------------------
case("V10", "All of the interval within the limit: joint, and the interval is shown.",
     [p("A", 0, 60), p("B", (4, 10), 60)], {"pA": and_(JOINT, alone=(4, 10))})
case("V10", "All beyond: part joint.",
     [p("A", 0, 60), p("B", (11, 20), 60)], {"pA": and_(PART, alone=(11, 20))})
case("V10", "Else unknown: time unproven.",
     [p("A", 0, 60), p("B", (4, 11), 60)], {"pA": and_(UNPROVEN, alone=(4, 11))})
case("V10", "May they have overlapped at all? Time unproven, with the whole length as most.",
     [p("A", 0, 60), p("B", (50, 61), 90)], {"pA": and_(UNPROVEN, alone=(50, 60))})
case("V10", "Elapsed time within one boot: the check-out's bounds shift with the check-in's.",
     [p("A", (-10, 10), (50, 70), boot="a", in_m=0, out_m=60), p("B", -10, 70)],
     {"pA": and_(JOINT, alone=0), "pB": and_(PART, alone=20)}, policy={"drift": 0})
case("V10", "Another boot of the same phone says nothing.",
     [p("A", (0, 20), (40, 60), boot="a", in_m=0), p("B", 0, 60)], {"pA": and_(JOINT, alone=0)})
case("V10, T3", "Two co-signed phones that never met the server prove their overlap: differences, not instants.",
     [p("A", (-5000, 0), (-5000, 400), boot="a", in_m=0, out_m=60, cosign=code("B", True, 30, 1)),
      p("B", (-5000, 0), (-5000, 400), boot="b", in_m=500, out_m=559, cosign=code("A", False, 30))],
     {"pA": and_(JOINT, grade="A", alone=1), "pB": and_(JOINT, grade="A", alone=0)}, policy={"drift": 0})
case("V10, T3", "A's check-in <= B's: an anchored first phone bounds the second from below.",
     [p("A", 0, 60, cosign=code("B", True)), p("B", (-30, 5), 60)], {"pB": and_(JOINT, alone=0)})
case("V10, T3", "... but without the code B may have been there half an hour before: time unproven.",
     [p("A", 0, 60), p("B", (-30, 5), 60)], {"pB": and_(UNPROVEN, alone=(0, 30)), "pA": and_(JOINT, alone=(0, 5))})
case("V10, T3", "B's check-in <= A's confirmation: an upper bound.",
     [p("A", 0, 60, boot="a", in_m=0, cosign=code("B", True, 30, 2)), p("B", (0, 30), 60)],
     {"pA": and_(JOINT, alone=(0, 2))}, policy={"drift": 0})
case("V11 times", "Under way until certainly beyond max_alone.",
     [p("A", (0, 4), None)], {"pA": and_(WAY, alone=(10, 14))}, now=14)
case("V11 times", "... a second later it is beyond, certainly.", [p("A", (0, 4), None)], {"pA": PROVISIONAL}, now=14 + 1 / 60)
case("V11 times", "Joint with joint so far is joint so far: the partner's longest visit may be over or not.",
     [p("A", 0, 100), p("B", (0, 5), None)], {"pA": SO_FAR}, now=182)
case("V11 times", "Any other disagreement is time unproven: was the officer entitled already?",
     [p("A", 0, 60), p("B", (-5, 5), 60)], {"pA": UNPROVEN}, officers={"B": {"entitled_from": t(0)}})
case("V11 times", "Revoked within the bounds: time unproven, both.",
     [p("A", 0, 60), p("B", (-5, 5), 60)], {"pA": UNPROVEN, "pB": UNPROVEN}, devices={"dB": {"revoked_as_of": t(0)}})
case("V11 clock trouble", "A phone whose monotonic clock contradicts its bounds: time unproven for it and who met it.",
     [p("A", 0, 60, boot="a", in_m=0, out_m=5), p("B", 0, 60), p("C", 0, 60, offender="Y"), p("D", 0, 60, offender="Y")],
     {"pA": UNPROVEN, "pB": UNPROVEN, "pC": JOINT, "pD": JOINT})
case("T4", "Time unproven counts after a supervisor's decision.",
     [p("A", 0, 60), p("B", (4, 11), 60)], {"pA": and_(UNPROVEN, due_met=True), "pB": JOINT},
     decisions=[decision("pA", True)])
case("T4", "... and not before.", [p("A", 0, 60), p("B", (4, 11), 60)], {"pA": and_(UNPROVEN, due_met=False)})

# ---- V9: the due date ---------------------------------------------------------------------------------------------
case("V9", "Not seen: not met.", [p("A", 0, 60, outcome="not_in"), p("B", 0, 60, outcome="not_in")],
     {"pA": and_(JOINT, due_met=False)})
case("V9", "Officers who disagree about the outcome: it waits.",
     [p("A", 0, 60), p("B", 0, 60, outcome="refused")], {"pA": and_(JOINT, due_met=False), "pB": and_(JOINT, due_met=False)})
case("V9", "One who recorded none doesn't disagree.",
     [p("A", 0, 60), p("B", 0, 60, outcome=None)], {"pA": and_(JOINT, due_met=True), "pB": and_(JOINT, due_met=True)})
case("V9", "Every presence in it: a part joint one keeps it from being met.",
     [p("A", 0, 60), p("B", 0, 60), p("C", 55, 90)],
     {"pA": and_(JOINT, due_met=False), "pC": and_(PART, due_met=False)})
case("V9", "Prior permitted authority stands for a lone presence.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, authority="prior", due_met=True)}, authorities=[word(True, -60)])
case("V9", "Retrospective authority doesn't.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, authority="retrospective", due_met=False)},
     authorities=[word(True, 90)])
case("V9", "A lone presence that is decided to count, in a band that policy allows.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, due_met=True)}, decisions=[decision("pA", True)])
case("V11 due date", "Only entitled presences must stand: an officer who isn't, alone before, doesn't matter.",
     [p("A", 0, 60), p("B", 0, 60), p("C", 50, 120)],
     {"pA": and_(JOINT, due_met=True), "pC": and_(ACCOMPANIED, due_met=True)}, officers={"C": {"entitled_to": t(-1)}})
case("V11 due date", "Only unheld ones: a held third doesn't matter.",
     [p("A", 0, 60), p("B", 0, 60), p("C", 0, 60, contested=True)], {"pA": and_(JOINT, due_met=True), "pC": HELD})
case("V11 due date", "A standing 'not appropriate' keeps it from being met.",
     [p("A", 0, 60), p("B", 0, 60)], {"pA": and_(JOINT, due_met=False), "pB": and_(JOINT, due_met=False)},
     decisions=[decision("pB", False)])
case("V11 due date", "Uncertain overlaps connect an attendance: the other's outcome may concern it.",
     [p("A", 0, 60), p("B", 0, 60), p("C", (55, 65), 90, outcome="refused")], {"pA": {"due_met": False}})

# ---- L1: authority ------------------------------------------------------------------------------------------------
LONE = dict(presences=[p("A", 0, 60, **{"with": "alone"})])


def says(clause, text, authority, words, start=0, **more):
    case(clause, text, [p("A", start, 60, received=5, **{"with": "alone"})], {"pA": {"authority": authority}},
         authorities=words, **more)


says("L1", "Nobody said anything.", "none", [])
says("L1", "Recorded before the check-in: prior.", "prior", [word(True, -1)])
says("L1", "Recorded at the very instant: order unproven.", "order_unproven", [word(True, 0)])
says("L1", "Recorded after: retrospective.", "retrospective", [word(True, 1)])
says("L1", "Until 24 h after first receipt, included.", "retrospective", [word(True, 5 + 1440, end=3000)])
says("L1", "Later: as none.", "none", [word(True, 5 + 1440 + 1 / 60, end=3000)])
says("L1", "Between the check-in's bounds: order unproven.", "order_unproven", [word(True, 0)], start=(-5, 5))
says("L1", "Before the lower bound: prior.", "prior", [word(True, -6)], start=(-5, 5))
says("L1", "After the upper bound: retrospective.", "retrospective", [word(True, 6)], start=(-5, 5))
says("L1", "The window is half-open: it begins at the check-in.", "prior", [word(True, -10, start=0, end=10)])
says("L1", "... and ends at it: not for this check-in.", "none", [word(True, -10, start=-10, end=0)])
says("L1", "The check-in may or may not be in the window: order unproven.", "order_unproven",
     [word(True, -10, start=-10, end=0)], start=(-5, 5))
says("L1", "Seven days are permitted.", "prior", [word(True, -1, start=-5, end=-5 + 10080)])
says("L1", "A second longer isn't.", "not_permitted", [word(True, -1, start=-5, end=-5 + 10080 + 1 / 60)])
says("L1", "Granted against policy (high risk): not permitted.", "not_permitted", [word(True, -1)], risk="H")
says("L1", "... afterwards as well.", "not_permitted", [word(True, 1)], risk="VH")
says("L1", "Refused.", "refused", [word(False, -1)])
says("L1", "A person's last word speaks: granted, then withdrawn before the check-in.", "refused",
     [word(True, -20), word(False, -10)])
says("L1", "Refused, then granted by the same person: prior.", "prior", [word(False, -20), word(True, -10)])
says("L1", "A refusal outweighs another's grant, whichever came last.", "refused",
     [word(False, -20, "S"), word(True, -10, "U")])
says("L1", "Words recorded after the check-in never replace those before it: withdrawn too late.", "prior",
     [word(True, -10), word(False, 10)])
says("L1", "... refused before, granted afterwards: refused.", "refused", [word(False, -10), word(True, 10)])
says("L1", "... not permitted before (too long), granted afterwards: not permitted.", "not_permitted",
     [word(True, -1, start=-5, end=20000), word(True, 10)])
says("L1", "A withdrawal between the bounds: what can't be ordered is order unproven.", "order_unproven",
     [word(True, -20), word(False, 0)], start=(-5, 5))
says("L2", "Nobody authorises themselves.", "none", [word(True, -1, "A")])
says("L1", "For another officer, or another offender: not this one.", "none", [word(True, -1, officer="B")])

# ---- L2: decisions ------------------------------------------------------------------------------------------------
case("L2", "A band that policy excludes needs a second supervisor to let a lone presence count.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, due_met=False)}, risk="H", decisions=[decision("pA", True)])
case("L2", "... with two it counts.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, due_met=True)}, risk="H",
     decisions=[decision("pA", True), decision("pA", True, "U")])
case("L2", "... the same one twice is one.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, due_met=False)}, risk="H",
     decisions=[decision("pA", True), decision("pA", True, "S", 1100)])
case("V11 authority", "The second supervisor is needed only for a lone presence: a part joint one needs one.",
     [p("A", 0, 60), p("B", 30, 60)], {"pA": and_(PART, due_met=True)}, risk="H", decisions=[decision("pA", True)])
case("V11 authority", "... nor to lift what is held.",
     [p("A", 0, 60, contested=True), p("B", 0, 60)], {"pA": and_(JOINT, due_met=True)}, risk="VH",
     decisions=[decision("pA", True)])
case("L2", "A person's last decision speaks.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, due_met=True)},
     decisions=[decision("pA", False), decision("pA", True, "S", 1100)])
case("L2", "Between people 'not appropriate' stands, whichever came last.",
     [p("A", 0, 60, **{"with": "alone"})], {"pA": and_(SAID, due_met=False)},
     decisions=[decision("pA", False), decision("pA", True, "U", 1100)])
case("L2", "It lapses when later evidence makes the presence joint.",
     [p("A", 0, 60), p("B", 0, 60, received=2000)], {"pA": and_(JOINT, due_met=True)}, decisions=[decision("pA", False)])
case("L2", "... not when that evidence was there already.",
     [p("A", 0, 60), p("B", 0, 60, received=900)], {"pA": and_(JOINT, due_met=False)}, decisions=[decision("pA", False)])
case("L2", "... nor when later evidence makes it only part joint.",
     [p("A", 0, 60), p("B", 30, 60, received=2000)], {"pA": and_(PART, due_met=False)}, decisions=[decision("pA", False)])
case("L2", "Nobody decides who is the officer,",
     [p("A", 0, 60, contested=True)], {"pA": HELD}, decisions=[decision("pA", True, "A")])
case("L2", "... who is named,",
     [p("A", 0, 60, contested=True, **{"with": ["B"]})], {"pA": HELD}, decisions=[decision("pA", True, "B")])
case("L2", "... who is planned,",
     [p("A", 0, 60, contested=True)], {"pA": HELD}, plans=[plan("AB", -10, 10)], decisions=[decision("pA", True, "B")])
case("L2", "... or who was possibly present.",
     [p("A", 0, 60, contested=True), p("B", (55, 65), 90)], {"pA": HELD}, decisions=[decision("pA", True, "B")])
case("L2", "An officer who certainly came later may.",
     [p("A", 0, 60, contested=True, **{"with": "alone"}), p("B", 61, 90)], {"pA": SAID}, decisions=[decision("pA", True, "B")])

# ---- odd lines ----------------------------------------------------------------------------------------------------
odd = []


def strange(says, change, at=None):
    """A plain joint case, changed; at: where the error must stand. None: it is judged all the same."""
    whole = json.loads(json.dumps(lines[0]["case"]))
    change(whole)
    odd.append({"says": says, "line": json.dumps(whole, separators=(",", ":"), ensure_ascii=False), "at": at})


def put(*path):
    """put("a", 0, "b", value) sets case["a"][0]["b"]; put("a", "b") removes case["a"]["b"] with value ABSENT."""
    def change(whole):
        at = whole
        for key in path[:-2]:
            at = at[key]
        if path[-1] is ABSENT:
            del at[path[-2]]
        else:
            at[path[-2]] = path[-1]
    return change


ABSENT = object()
P0, P1 = ("presences", 0), ("presences", 1)
for key in ("policy", "plans", "authorities", "decisions", "watermarks"):
    strange(f"without {key}: the defaults, or none", put(key, ABSENT))
    strange(f"{key} null", put(key, None))
for key in ("boot", "in_m", "out_m", "with", "agency", "at", "out_at", "acc", "contested", "cosign", "outcome", "out"):
    strange(f"a presence without {key}", put(*P0, key, ABSENT))
    strange(f"a presence with {key} null", put(*P0, key, None))
for key in ("id", "officer", "device", "offender", "in", "received"):
    strange(f"a presence without {key}", put(*P0, key, ABSENT), f"presences[0].{key}")
    strange(f"a presence with {key} null", put(*P0, key, None), f"presences[0].{key}")
strange("no now", put("now", ABSENT), "now")
strange("no presences: nothing to judge", put("presences", []))
strange("presences missing: nothing to judge", put("presences", ABSENT))
strange("an unknown key at the top", put("weather", "rain"))
strange("an unknown key in a presence", put(*P0, "mood", {"deep": [1, 2]}))
strange("an unknown key in the policy", put("policy", "minimum_officers", 2))
strange("whole numbers with a point", put(*P0, "in", [T + 0.0, T + 0.0]))
strange("whole numbers with an exponent", put("now", 1e9))
strange("half a second", put(*P0, "in", [T + 0.5, T + 1]), "presences[0].in")
strange("a time as text", put("now", str(T)), "now")
strange("a time beyond all years", put("now", 10**15), "now")
strange("a number beyond 64 bits", put("now", 10**30), "column")
strange("true for a time", put("now", True), "now")
strange("1 for true", put(*P0, "contested", 1), "presences[0].contested")
strange("bounds the wrong way round", put(*P0, "in", [T + 1, T]), "presences[0].in")
strange("one bound", put(*P0, "in", [T]), "presences[0].in")
strange("three bounds", put(*P0, "in", [T, T, T]), "presences[0].in")
strange("an instant for bounds", put(*P0, "in", T), "presences[0].in")
strange("two presences of one id", put(*P1, "id", "pA"), "presences[1].id")
strange("an officer nobody knows", put(*P0, "officer", "Z"), "presences[0].officer")
strange("a device nobody knows", put(*P0, "device", "dZ"), "presences[0].device")
strange("an offender nobody knows", put(*P0, "offender", "Z"), "presences[0].offender")
strange("somebody unknown named", put(*P0, "with", ["B", "Z"]), "presences[0].with")
strange("named by a word that is none", put(*P0, "with", "nobody"), "presences[0].with")
strange("a number named", put(*P0, "with", [3]), "presences[0].with")
strange("named: an empty list is nobody", put(*P0, "with", []))
strange("names oneself", put(*P0, "with", ["A"]))
strange("an outcome that is none", put(*P0, "outcome", "gone"), "presences[0].outcome")
strange("a place of three", put(*P0, "at", [1, 2, 3]), "presences[0].at")
strange("a place of words", put(*P0, "at", ["here", "there"]), "presences[0].at")
strange("an accuracy below nothing", put(*P0, "acc", -1), "presences[0].acc")
strange("metres with a fraction", put(*P0, "at", [1.5, -2.25]))
strange("co-signed with itself", put(*P0, "cosign", code("A", True)), "presences[0].cosign.presence")
strange("co-signed with a presence nobody knows", put(*P0, "cosign", code("Z", True)), "presences[0].cosign.presence")
strange("a code that is none", put(*P0, "cosign", 7), "presences[0].cosign.presence")
strange("a code with nothing but the other's presence", put(*P0, "cosign", {"presence": "pB"}))
strange("a presence that is none", put(*P0, 3), "presences[0].id")
strange("an officer that is none", put("officers", "A", 3), "officers.A")
strange("an officer of whom nothing is said", put("officers", "A", {}))
strange("a device without an officer", put("devices", "dA", {}), "devices.dA.officer")
strange("a device of somebody unknown", put("devices", "dA", "officer", "Z"), "devices.dA.officer")
strange("a device with its officer only", put("devices", "dA", {"officer": "A"}))
strange("an offender without a risk", put("offenders", "X", {"at": [0, 0]}), "offenders.X.risk")
strange("an offender without a place", put("offenders", "X", {"risk": "L"}))
strange("a risk that is none", put("offenders", "X", "risk", "vh"), "offenders.X.risk")
strange("excluded bands as text", put("policy", "lone_forbidden", "VH"), "policy.lone_forbidden")
strange("no band excluded", put("policy", "lone_forbidden", []))
strange("a limit below nothing", put("policy", "max_alone_s", -1), "policy.max_alone_s")
strange("a limit of nothing", put("policy", "max_alone_s", 0))
strange("a clock that is wrong by all of it", put("policy", "drift", 1), "policy.drift")
strange("a plan of somebody unknown", put("plans", [plan("AZ", 0, 10)]), "plans[0].officers")
strange("a plan without officers", put("plans", [{"offender": "X", "from": T, "to": T}]), "plans[0].officers")
strange("a plan whose window has no length", put("plans", [plan("AB", 10, 10)]))
strange("a plan whose window ends before it begins", put("plans", [plan("AB", 10, 0)]))
strange("an authority without a supervisor", put("authorities", [{**word(True, 0), "by": None}]), "authorities[0].by")
strange("a decision on a presence nobody knows", put("decisions", [decision("pZ", True)]), "decisions[0].presence")
strange("a watermark of a device nobody knows", put("watermarks", "dZ", T), "watermarks.dZ")
strange("a watermark as text", put("watermarks", "dA", "late"), "watermarks.dA")
strange("a list for an object", put("officers", []), "officers")
strange("an object for a list", put("plans", {}), "plans")
strange("more than 64 presences", put("presences", [p("A", 0, 1, id=f"p{i}") for i in range(65)]), "presences")
strange("a long name, not cut in the middle of a letter", put("officers", "x" + "\u00e9" * 80, 3),
        "officers.x" + "\u00e9" * 29)
for says, line in (("nothing", ""), ("blanks", " \t\r"), ("half a case", "{"), ("a list", "[]"), ("null", "null"), ("two cases", "{} {}"),
                   ("a key twice", '{"now":1,"now":2}'), ("deep", "[" * 5000), ("a lone half of a letter", '{"\\ud800":1}'),
                   ("NUL in a name", '{"a\\u0000b":1}'), ("not a number", '{"now":NaN}')):
    odd.append({"says": says, "line": line, "at": "" if says in ("a list", "nothing", "blanks") else "column"})
odd.append({"says": "an object and nothing in it", "line": "{}", "at": "now"})


def write(name, what):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w", encoding="utf-8") as out:
        for line in what:
            out.write(json.dumps(line, separators=(",", ":")) + "\n")


write("rule.jsonl", lines)
write("odd.jsonl", odd)
