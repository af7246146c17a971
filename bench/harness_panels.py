"""Which figures of a benchmark belong side by side: the same for the tables and for the pictures."""

PEER_NAMES = ("node", "mosquitto", "postgres", "pouchdb")
HIGHER, LOWER = "higher is better", "lower is better"


def peers(pattern):
    return [pattern.format(name) for name in PEER_NAMES]


def ingest(load, title):
    return (title, HIGHER, [f"ingest.{load}.ours", f"ingest.{load}.bare", *peers(f"ingest.{load}.{{}}")],
            [f"ingest.{load}.of_bare", f"ingest.{load}.of_node"])


PANELS = {  # title, which way is better, keys from the top, ratios that belong to it
    "ingest": [ingest("batch", "50 devices, a day's batch of 60 facts a push"),
               ingest("single", "50 devices, one fact a push"),
               ingest("one", "One device, one fact a push"),
               ingest("worst", "Worst case: every fact a check-in of another presence"),
               ("The server's CPU for a fact of a day's batch", LOWER,
                ["ingest.batch.cpu", *peers("ingest.batch.{}_cpu")], [])],
    "flag": [("At half load, from sending to the other client, p99", LOWER,
              ["flag.half.screen_p99", "flag.half.sync_p99", *peers("flag.half.{}_screen_p99")], ["flag.half.of_node"]),
             ("At half load, p50", LOWER,
              ["flag.half.screen_p50", "flag.half.sync_p50", *peers("flag.half.{}_screen_p50")], []),
             ("At rest, p50", LOWER,
              ["flag.rest.screen_p50", "flag.rest.p50", "flag.rest.sync_p50", *peers("flag.rest.{}_screen_p50")],
              ["flag.rest.of_sync"])],
    "wire": [("Sent for a fact in a day's batch, TLS included", LOWER,
              ["wire.batch.ours", "wire.batch.plain", "wire.batch.words", "wire.batch.node", "wire.batch.node_deflate",
               "wire.batch.mosquitto"], ["wire.batch.aim", "wire.of_node"])],
    "catchup": [("100,000 rows to a fresh client", HIGHER, ["catchup.ours", *peers("catchup.catchup.{}")],
                 ["catchup.of_postgres"])],
    "idle": [("Memory of the server for a connection", LOWER, ["idle.memory.ours", "idle.memory.echo"], ["idle.memory"]),
             ("Round trip of one active device, p50", LOWER, ["idle.trip.among", "idle.trip.alone"], ["idle.trip"])],
    "storm": [("Handshakes while all reconnect at once", HIGHER, ["storm.handshakes.ours", "storm.handshakes.bare"],
               ["storm.handshakes"]),
              ("Until all of a device's facts are acknowledged", LOWER,
               ["storm.done.p50", "storm.done.p99", "storm.done.slowest"], [])],
    "kept": [("Acknowledged facts that kill -9 lost", LOWER, peers("cut.collect.{}_lost"), []),
             ("Acknowledged before it", HIGHER, peers("cut.collect.{}_acknowledged"), [])],
}
NOT_DURABLE = ("mosquitto", "pouchdb")  # when they acknowledge (harness_report.PROMISES)
CEILINGS = ("bare", "sync", "echo", "words", "openssl", "alone")


def role(key):
    """Who a figure is of: us, a ceiling, a peer, a peer that acknowledges what isn't on the disk."""
    last = key.split(".")[-1]
    if any(last.startswith(name) for name in NOT_DURABLE):
        return "loose"
    if any(last.startswith(name) for name in PEER_NAMES):
        return "peer"
    return "ceiling" if any(word in last for word in CEILINGS) else "ours"


def named(figure):
    """Ours says that it is ours, beside those of others."""
    if figure["key"].endswith(".ours") and not figure["label"].startswith("Doublecrew"):
        return {**figure, "label": f"Doublecrew, {figure['label']}"}
    return figure


def panels_of(whole):
    """Panels with what was really measured; a benchmark that has none of its own gets one for each unit."""
    figures = {figure["key"]: named(figure) for figure in whole["figures"]}
    ratios = {ratio["key"]: ratio for ratio in whole["ratios"]}
    wanted = PANELS.get(whole["name"])
    if wanted is None:
        units = dict.fromkeys(figure["unit"] for figure in whole["figures"])
        wanted = [(f"In {unit}", "", [key for key, figure in figures.items() if figure["unit"] == unit], []) for unit in units]
        wanted[-1] = (*wanted[-1][:3], list(ratios))
    panels = []
    for title, better, keys, ratio_keys in wanted:
        shown = [figures[key] for key in keys if key in figures]
        if shown:
            panels.append(dict(title=title, better=better, unit=shown[0]["unit"], figures=shown,
                               ratios=[ratios[key] for key in ratio_keys if key in ratios]))
    return panels


def number(value):
    """As many digits as mean something."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.095 else f"{value:.4f}"
