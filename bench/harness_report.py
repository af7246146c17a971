"""What was found, as plain text for the terminal and as Markdown for bench/results/."""

import datetime
import os

from harness_panels import number, panels_of

OTHERS_MAX = 0.05  # bench/machine.h
PROMISES = {  # what "acknowledged" means with each, so that no figure stands without it
    "Node ws + better-sqlite3": "mutual TLS 1.3; acknowledged after the commit, synchronous=FULL",
    "mosquitto, QoS 1": "mutual TLS 1.3; acknowledged from memory, saved every 30 minutes: not durable",
    "PostgreSQL 15 + NOTIFY": "no TLS; acknowledged after the commit, fsync and synchronous_commit on",
    "PouchDB Server": "no TLS; acknowledged after LevelDB's write, which is not synced: survives kill -9, not a power cut",
}


def spread(thing):
    if len(thing["values"]) < 2:
        return ""
    return f"{number(thing['low'])} to {number(thing['high'])}"


def verdict(ratio):
    return "met" if ratio["met"] else "MISSED"


def warnings(whole):
    lines = []
    if whole["others"] > OTHERS_MAX:
        lines.append(f"Other work took up to {whole['others'] * 100:.0f} % of this machine meanwhile: only the ratios say something.")
    if whole["left_out"]:
        lines.append(f"Left out as asked: {', '.join(whole['left_out'])}.")
    lines += [f"NOT HELD: {check['what']}" for check in whole["checks"] if not check["held"]]
    return lines


def detail_figures(whole):
    shown = {figure["key"] for panel in panels_of(whole) for figure in panel["figures"]}
    return [figure for figure in whole["figures"] if figure["key"] not in shown]


def text(whole):
    lines = ["", f"{whole['name']}: medians of {whole['rounds']} round{'s' if whole['rounds'] != 1 else ''}, lowest to highest"]
    for panel in panels_of(whole):
        lines.append(f"\n  {panel['title']} ({panel['unit']}{', ' + panel['better'] if panel['better'] else ''})")
        for figure in panel["figures"]:
            lines.append(f"    {figure['label'][:60]:<60} {number(figure['median']):>12}   {spread(figure)}")
        for ratio in panel["ratios"]:
            lines.append(f"    ratio: {ratio['label'][:53]:<53} {number(ratio['median']):>12}   {spread(ratio):<20} "
                         f"aim {ratio['aim']}: {verdict(ratio)}")
    lines.append("")
    for figure in detail_figures(whole):
        lines.append(f"    {figure['key']:<34} {number(figure['median']):>12} {figure['unit']:<10} {spread(figure)}")
    lines += [f"  checked: {check['what']}" for check in whole["checks"] if check["held"]]
    lines += [f"  {line}" for line in warnings(whole)]
    return "\n".join(lines)


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def promises(whole):
    labels = " ".join(figure["label"] for figure in whole["figures"])
    return [f"- {title}: {promise}." for title, promise in PROMISES.items() if title in labels]


def head(whole):
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%d %B %Y")
    kernel = os.uname().release.split("-")[0]
    return (f"{whole['machine']}, Linux {kernel}, {day}; medians of {whole['rounds']} "
            f"round{'s' if whole['rounds'] != 1 else ''}, lowest to highest.")


def markdown(whole):
    parts = [f"# `./run bench {whole['name']}`", head(whole), *(f"**{line}**" for line in warnings(whole)),
             f"![{whole['name']}]({whole['name']}.svg)"]
    for panel in panels_of(whole):
        parts.append(f"## {panel['title']}")
        parts.append(table(["what", panel["unit"], "spread"],
                           [[figure["label"], number(figure["median"]), spread(figure)] for figure in panel["figures"]]))
        if panel["ratios"]:
            parts.append(table(["ratio", "median", "spread", "aim", ""],
                               [[ratio["label"], number(ratio["median"]), spread(ratio), ratio["aim"], verdict(ratio)]
                                for ratio in panel["ratios"]]))
    rest = detail_figures(whole)
    if rest:
        parts.append("## Beside these")
        parts.append(table(["key", "what", "median", "unit", "spread"],
                           [[f"`{f['key']}`", f["label"], number(f["median"]), f["unit"], spread(f)] for f in rest]))
    if promises(whole):
        parts.append("## What an acknowledgement means\n\n" + "\n".join(promises(whole)))
    parts.append("## Checked\n\n" + "\n".join(f"- {check['what']}" for check in whole["checks"]))
    return "\n\n".join(parts) + "\n"


def aims(wholes):
    return [(whole, ratio) for whole in wholes for ratio in whole["ratios"]]


def aims_text(wholes):
    lines = ["", "aims:"]
    for whole, ratio in aims(wholes):
        lines.append(f"  {whole['name']:<8} {ratio['label'][:56]:<56} {number(ratio['median']):>8}  {ratio['aim']:<14} {verdict(ratio)}")
    return "\n".join(lines)


def summary(wholes):
    rows = [[f"[{whole['name']}]({whole['name']}.md)", ratio["label"], number(ratio["median"]), spread(ratio), ratio["aim"],
             verdict(ratio)] for whole, ratio in aims(wholes)]
    return "\n\n".join(["# What the benchmarks found, in one run", head(max(wholes, key=lambda whole: whole["rounds"])),
                        *(f"**{whole['name']}: {line}**" for whole in wholes for line in warnings(whole)),
                        table(["benchmark", "ratio", "median", "spread", "aim", ""], rows),
                        "docs/PERFORMANCE.md says what each does and what bounds it."]) + "\n"
