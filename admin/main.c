/* doublecrewctl: sets up and looks after a force. A table of commands and nothing else. */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"

static const struct command commands[] = {
    {"init", "--dir DIR --force NAME [--training] [--at TIME] [--listen ADDRESS] [--port N] [--host NAME]",
     "make a force's folder: certificates, keys, store, configuration",
     "DIR must not exist yet, or be empty. Then: doublecrewd --config DIR/doublecrewd.conf\n"
     "--host is the name or address by which devices reach the server (default: the listen address).\n"
     "--port is 8443 unless given. --training makes a training force: the simulator may own its clock, and it says so\n"
     "everywhere. --at starts a training force's clock at that time, such as 2026-03-02T06:00Z.\n",
     command_init},
    {"import", "teams|officers|offenders|devices FILE.csv [--dir DIR] [--out FOLDER]",
     "read the roster from a CSV file; all of it, or nothing",
     "The first line names the columns, in any order; those in brackets may be left out:\n"
     "  teams      code, name\n"
     "  officers   code, name, role, [accredited, teams, entitled_from, entitled_to, duty]\n"
     "  offenders  reference, register_reference, risk, team, manager,\n"
     "             [latitude, longitude, next_due, arms_priority]\n"
     "  devices    officer, [label]\n"
     "role: offender_manager, constable, staff, supervisor, leader, operator.\n"
     "duty: yes for whom flags go to that nobody else acknowledged in time.\n"
     "accredited: yes or no; left empty, offender managers are and others aren't.\n"
     "teams: codes, separated by semicolons; only leaders and operators may have none.\n"
     "risk: very_high, high, medium, low. Latitude and longitude in degrees, both or neither.\n"
     "Dates: 2026-03-02 or 2026-03-02T09:00Z; without Z or an offset they are this machine's local time; empty: open.\n"
     "A row whose code or reference is known changes that record: a column that the file hasn't stays as it is, an\n"
     "empty cell empties it. Every bad row is reported with its line and reason, and then nothing is imported.\n"
     "devices makes a device package for each row, in FOLDER.\n",
     command_import},
    {"enrol", "--officer CODE --out FOLDER [--label TEXT] [--csr FILE --public-key FILE] [--dir DIR]",
     "enrol a device for an officer, and write its package",
     "The package holds the device's keys: hand it over safely, then delete it here.\n"
     "A phone that makes its own keys gives two PEM files: --csr, a certificate request for its P-256 TLS key whose\n"
     "common name is the device id that it chose (32 hex digits), and --public-key, its log's Ed25519 or P-256 key.\n"
     "Then no private key leaves the phone, and the package holds none.\n",
     command_enrol},
    {"revoke", "--device HEX [--expired|--suspend|--lost|--active] [--as-of TIME] [--reason TEXT] [--dir DIR]",
     "set a device's state: expired, suspended, lost, or active again",
     "Works at once, also where the device is connected. Without a state the device is lost: it gets no session, and "
     "what\n"
     "it recorded from --as-of on (default: now) is held until a supervisor decides; 'rescue' still takes its file "
     "in.\n"
     "--suspend: it may push, is held from --as-of on, and is told nothing. --expired: it may push, which counts, and "
     "is\n"
     "told nothing.\n",
     command_revoke},
    {"cover", "[--officer CODE --by CODE|--back] [--from TIME] [--to TIME] [--dir DIR]",
     "say who stands in for a supervisor or leader who is away; without an officer: list it",
     "Supervisors name their own stand-in on their own device; this is for whoever can't. --by: a supervisor or "
     "leader,\n"
     "who from then on gets the flags, sees the records and may decide as the other would, beside their own. --back: "
     "the\n"
     "officer is there in that time after all. --from: now unless given; --to: until further notice unless given. The\n"
     "last word about a time stands.\n",
     command_cover},
    {"seed", "NUMBER [--dir DIR] [--out FOLDER]",
     "fill a training force with invented people, the same for each number",
     "4 teams, 20 offender managers, 36 constables, 4 supervisors, 60 devices, 1,000 offenders. Due dates lie around\n"
     "the force's clock (init --at). FOLDER, where device packages go, is DIR/devices unless given.\n",
     command_seed},
    {"list", "teams|officers|offenders|devices [--dir DIR]", "print the roster as tab-separated lines", "",
     command_list},
    {"quiet", "[--since 24h] [--dir DIR]", "list devices that went quiet, keep failing, or hold evidence back",
     "A line for each finding: device, officer, what it is, what to do; tab-separated. --since: how long a device may "
     "be\n"
     "silent, as 90m, 24h (the default) or 7d. A device that is connected right now is seen every five minutes. Works\n"
     "beside a running server. Devices declared lost are left out.\n",
     command_quiet},
    {"rescue", "FILE [--partly] [--dir DIR]", "take in what a phone could not push, from the file that it exported",
     "For a phone whose radio is broken, or that was declared lost and found again. While no server runs, its entries "
     "go\n"
     "into its own log, marked as brought in by hand; while one runs, your own device carries them, which counts too "
     "but\n"
     "doesn't make the phone's log complete. A lost phone's entries from the loss on are held. Every push in the file "
     "is\n"
     "checked first; if one is damaged or not of this force, nothing is taken in, unless --partly. Twice is "
     "harmless.\n",
     command_rescue},
    {"status", "[--dir DIR]", "print the store's head, mode and size", "", command_status},
    {"policy", "show|check|apply|history|what-if [FILE] [--days N] [--dir DIR]",
     "print the policy in force or its history; check a new version, try it, put it in force",
     "FILE: lines of 'parameter = value unit', such as 'max_alone = 10 min'. 'policy show' prints a file to start\n"
     "from; what FILE doesn't name stays as it is. 'effective_from = 2026-04-01' sets a version for later; none is "
     "ever\n"
     "back-dated. 'check' says what FILE would change. 'what-if' judges the visits of the last N days (90) again "
     "under\n"
     "FILE and prints the verdicts that would differ; it writes nothing.\n",
     command_policy},
    {"clock", "show|accept [--dir DIR]",
     "whether the server's clocks agree; accept: the wall clock is right as it stands",
     "When the wall clock steps against the boot clock, or stands before the journal's last record, the server issues "
     "no\n"
     "anchors and fires no timers until they agree again. So first repair time synchronisation. If the wall clock is "
     "right\n"
     "now and was wrong before, say so with 'accept', while the server runs; then look at 'anchor void'.\n",
     command_clock},
    {"anchor", "void --from TIME --to TIME --reason TEXT [--dir DIR]",
     "declare anchors void that were issued while the server's clock was wrong",
     "TIME is what the server's clock said then (wrongly). Times and watermarks that rested on those anchors are "
     "worked out\n"
     "without them, whether they came before or come later. It can't be taken back.\n",
     command_anchor},
    {"rebuild", "--check [--dir DIR]", "derive everything again from the journal, and compare it byte by byte",
     "Works beside a running server, on a copy (so the disk must have room for two). Exit code 1 when anything\n"
     "differs.\n",
     command_rebuild},
    {"verify", "[--dir DIR]", "check the store's pages, every signature in its journal, and all that follows from it",
     "Four things: SQLite finds every page sound; the journal has no gap and its times never fall; each push in it is\n"
     "signed with the key on record for its log; and 'rebuild --check' gives the same rows and the same Merkle root.\n"
     "It doesn't check signatures within entries (a partner's carried ones), nor the server's signed checkpoints.\n",
     command_verify},
    {"backup", "FILE [--dir DIR]", "copy the store while the server runs",
     "The store alone: keep DIR/certs, DIR/keys, DIR/operator and the two .conf files in a safe place too.\n",
     command_backup},
    {"explain", "PRESENCE [--dir DIR]", "show how a stored verdict came about, fact by fact",
     "PRESENCE: its id, or at least the first 8 hex digits. Works beside a running server, on a copy. What it prints "
     "is\n"
     "personal data: who was where.\n",
     command_explain},
    {"restore", "[FILE] [--stream FOLDER] [--key FILE] [--dir DIR]",
     "put a backup in the store's place, with what was streamed since, and begin a new epoch",
     "The server must be stopped. FILE is what 'backup' made; --stream is the folder of store.journal_copy, or a copy "
     "of\n"
     "it. One of them is enough; with both, the backup is carried on to the stream's end. The journal is replayed and\n"
     "compared, then the operator's key (DIR/operator/local/signing.pem, or --key) signs for the new epoch, which\n"
     "devices check. The store that was there is kept beside the new one. Nothing is changed unless all of it "
     "succeeds.\n",
     command_restore},
    {"epoch", "[--key FILE] [--dir DIR]", "begin a new epoch: sign that the journal goes on from this store",
     "For a store that was put in its place by hand. The server must be stopped. 'restore' does this by itself.\n",
     command_epoch},
    {"judge", "", "judge cases by the two-officer rule: a line of JSON in, a line of JSON out",
     "Nothing is stored. A case that can't be read gets {\"error\": \"...\", \"at\": \"...\"} on its line.\n",
     command_judge},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int print_commands(void)
{
    puts("Usage: doublecrewctl COMMAND [ARGUMENTS]\n\nCommands (help COMMAND says more; DIR is the force's folder, "
         "default '.'):");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    return EXIT_DONE;
}

static int print_help(const char *name)
{
    const struct command *command = find_command(name);

    if (command == NULL) {
        complain("there is no command '%s'; 'doublecrewctl help' lists them", name);
        return EXIT_USAGE;
    }
    printf("doublecrewctl %s %s\n\n%s.\n%s", command->name, command->arguments, command->summary, command->help);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return argc > 2 ? print_help(argv[2]) : print_commands();

    if (strcmp(argv[1], "--version") == 0) {
        puts("doublecrewctl " DOUBLECREW_VERSION);
        return EXIT_DONE;
    }

    const struct command *command = find_command(argv[1]);

    if (command == NULL) {
        complain("there is no command '%s'; 'doublecrewctl help' lists them", argv[1]);
        return EXIT_USAGE;
    }
    return command->run(command, argc - 1, argv + 1);
}
