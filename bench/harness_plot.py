"""What was found, as a picture: bars for medians, thin lines from the lowest to the highest round."""

import math
from html import escape

from harness_panels import number, panels_of, role

WIDTH = 860
LABEL_MAX = 38  # letters
LABEL = 300  # of a row, right-aligned up to here
BAR_FROM = LABEL + 14
BAR_TO = WIDTH - 190
ROW = 30
CUT_FROM = 4  # times the second longest
COLOURS = {"ours": "#1f5fa8", "ceiling": "#8d96a3", "peer": "#d3a24c", "loose": "#efdcb8"}
NAMES = {"ours": "Doublecrew", "ceiling": "ceiling, or part", "peer": "what anyone would pick instead", "loose": "the same, acknowledged before it is on the disk"}
INK, SOFT, LINE, GOOD, BAD = "#1d2733", "#5d6875", "#e3e7ec", "#1c7c4a", "#b3402a"
FONT = "font-family=\"'DejaVu Sans', 'Segoe UI', Helvetica, Arial, sans-serif\""


def put(x, y, text, size=13, colour=INK, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(text)}</text>')


def label_of(figure, panel):
    """What all the rows of a panel say alike, its title says already."""
    label = figure["label"]
    for tail in (", p50", ", p99", ", sending to the other client", ", until the last row", ", of these lost",
                 ", acknowledged before kill -9", ", a day's batch", ", the server's CPU"):
        label = label.replace(tail, "") if len(panel["figures"]) > 1 else label
    if label == "the server's CPU" or (figure["key"].endswith(".ours") and len(panel["figures"]) > 1):
        return "Doublecrew"
    if len(label) > LABEL_MAX and label.startswith("Doublecrew, "):
        label = label.removeprefix("Doublecrew, ")
    return label if len(label) <= LABEL_MAX else label[:LABEL_MAX - 1].rstrip() + "…"


def ticks(top):
    """Round numbers, three to six of them, up to the end of the axis."""
    size = 10 ** math.floor(math.log10(top))
    step = next(step for step in (size / 5, size / 2, size, 2 * size) if top / step <= 6)
    return [step * i for i in range(int(top / step * 1.0001) + 1)]


def axis_end(figures):
    """The longest row; one that is many times all others is cut off, so that these can still be told apart."""
    highs = sorted(figure["high"] for figure in figures)
    if len(highs) > 2 and highs[-2] > 0 and highs[-1] > CUT_FROM * highs[-2]:
        return 1.5 * highs[-2]
    return highs[-1] or 1


def draw_row(figure, panel, middle, x_of, cut):
    kind = role(figure["key"])
    weight = "bold" if kind == "ours" else "normal"
    end = max(x_of(figure["median"]), BAR_FROM + 1.5)
    out = [put(LABEL, middle + 4.5, label_of(figure, panel), 13, INK, "end", weight),
           f'<rect x="{BAR_FROM}" y="{middle - 8}" width="{end - BAR_FROM:.1f}" height="16" rx="2" fill="{COLOURS[kind]}"/>']
    if cut:
        out.append(f'<path d="M{end - 26:.1f} {middle + 10}l6 -20h6l-6 20z" fill="#ffffff"/>')
    elif figure["high"] > figure["low"]:
        low, high = x_of(figure["low"]), x_of(figure["high"])
        out.append(f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" '
                   f'stroke="{INK}" stroke-width="1.2" fill="none"/>')
    out.append(put(max(x_of(figure["high"]), end) + 8, middle + 4.5, number(figure["median"]), 13, INK, weight=weight))
    return out


def draw_panel(panel, top_y):
    figures = panel["figures"]
    longest = axis_end(figures)

    def x_of(value):
        return BAR_FROM + (BAR_TO - BAR_FROM) * min(value / longest, 1)

    out = [put(24, top_y + 18, panel["title"], 15, INK, weight="bold")]
    note = ", ".join(part for part in (panel["unit"], panel["better"]) if part)
    out.append(put(WIDTH - 24, top_y + 18, note, 12, SOFT, "end"))
    y = top_y + 34
    bottom = y + ROW * len(figures)
    for tick in ticks(longest):
        out.append(f'<line x1="{x_of(tick):.1f}" y1="{y}" x2="{x_of(tick):.1f}" y2="{bottom}" stroke="{LINE}"/>')
        out.append(put(x_of(tick), bottom + 14, f"{tick:,g}", 11, SOFT, "middle"))
    for row, figure in enumerate(figures):
        out += draw_row(figure, panel, y + ROW * (row + 0.5), x_of, figure["median"] > longest)
    y = bottom + 20
    for ratio in panel["ratios"]:
        y += 20
        mark, colour = ("✓ met", GOOD) if ratio["met"] else ("✗ missed", BAD)
        out.append(put(150, y, number(ratio["median"]), 12, INK, "end", "bold"))
        out.append(put(160, y, ratio["label"], 12, INK))
        out.append(put(WIDTH - 24, y, f"aim {ratio['aim']}: {mark}", 12, colour, "end", "bold"))
    return out, y + 26


def draw_legend(whole, y):
    shown = dict.fromkeys(role(figure["key"]) for panel in panels_of(whole) for figure in panel["figures"])
    out, x = [], 24
    for kind in (kind for kind in COLOURS if kind in shown):
        out.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" rx="2" fill="{COLOURS[kind]}"/>')
        out.append(put(x + 18, y, NAMES[kind], 12, SOFT))
        x += 40 + 6.6 * len(NAMES[kind])
    return out


def svg(whole):
    rounds = f"medians of {whole['rounds']} rounds; thin lines: lowest to highest" if whole["rounds"] > 1 else "one round"
    out = [put(24, 38, f"./run bench {whole['name']}", 20, INK, weight="bold"),
           put(24, 60, f"{whole['machine']}; {rounds}", 12, SOFT)]
    out += draw_legend(whole, 84)
    y = 108
    for panel in panels_of(whole):
        drawn, y = draw_panel(panel, y)
        out += drawn
    body = "\n".join(out)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}" '
            f'{FONT}>\n<title>{escape(whole["name"])}</title>\n<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n')
