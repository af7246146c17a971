/*
 * ./run bench judge: random cases through `doublecrewctl judge`, cases a second, and every answer compared with the oracle.
 *
 * The cases go in and out as lines of JSON, through the real program. Then each is read again and judged by the oracle
 * (tests/oracle), which shares no code with the engine; the program's line must say what the engine says, and the engine's
 * verdict must be one that the oracle accepts. Times are exact, or uncertain by some minutes; up to six officers, chains,
 * gaps, missing check-outs, held evidence, co-signing, plans, authorities, decisions.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/judge_json.h"
#include "bench/judge_case_print.h"
#include "bench/machine.h"
#include "bench/result.h"
#include "client-sim/process.h"
#include "core/limits.h"
#include "tests/lib/rule_gen.h"
#include "tests/oracle/oracle.h"

#define CASES 100000
#define SECOND_US INT64_C(1000000)
#define LINE_SIZE (1024 * 1024)
#define SHOWN_MAX 5
#define WORKERS 2

/* What the form of the cases can say. */
#define FEATURES                                                                                                       \
    (RULE_GEN_ALL & ~(unsigned)(RULE_GEN_TROUBLE | RULE_GEN_HISTORY | RULE_GEN_LOG_ORDER | RULE_GEN_UNCERTAIN))

static const struct {
    const char *name;
    size_t officers_max;
    size_t presences_max;
    unsigned features;
    size_t worlds;  /* that the oracle samples */
    unsigned share; /* of ten cases */
} kinds[] = {
    {"exact times", 6, 10, FEATURES, 1, 7},
    {"a pair, uncertain times", 2, 2, FEATURES | RULE_GEN_UNCERTAIN, 60, 2},
    {"several, uncertain times", 6, 6, FEATURES | RULE_GEN_UNCERTAIN, 30, 1},
};

static size_t kind_of(size_t number)
{
    size_t at = 0;
    unsigned turn = (unsigned)(number % 10);

    while (turn >= kinds[at].share)
        turn -= kinds[at++].share;
    return at;
}

static bool write_cases(const char *path, uint64_t seed, size_t count)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t kind = kind_of(i);
        struct rule_gen_options options = {kinds[kind].officers_max, kinds[kind].presences_max, SECOND_US,
                                           kinds[kind].features};
        struct rule_gen gen;

        rule_gen_make(seed + i, &options, &gen);
        judge_case_print(&gen.rule_case, file);
    }
    return fclose(file) == 0;
}

/* doublecrewctl judge < cases > answers */
static bool run_judge(const char *cases, const char *answers, double *ret_took_s)
{
    const char *program = getenv("DOUBLECREWCTL");
    double begin_s = machine_now_s();
    int status = 0;
    pid_t child;

    if (program == NULL)
        return false;
    child = fork();
    if (child == 0) {
        if (freopen(cases, "r", stdin) == NULL || freopen(answers, "w", stdout) == NULL)
            _exit(1);
        (void)execl(program, program, "judge", (char *)NULL);
        _exit(1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return false;
    *ret_took_s = machine_now_s() - begin_s;
    return true;
}

/* What the line says of a presence, against the engine's verdict. */
static bool says_the_same(const json_t *said, const struct rule_verdict *verdict)
{
    const char *grade = json_string_value(json_object_get(said, "grade"));
    const char *confirmed = json_string_value(json_object_get(said, "confirmed_by"));
    const char *company = json_string_value(json_object_get(said, "company"));
    const char *authority = json_string_value(json_object_get(said, "authority"));

    return company != NULL && authority != NULL && strcmp(company, rule_company_name(verdict->company)) == 0 &&
           strcmp(authority, rule_authority_name(verdict->authority)) == 0 &&
           strcmp(grade != NULL ? grade : "", rule_grade_name(verdict->grade)) == 0 &&
           strcmp(confirmed != NULL ? confirmed : "", rule_confirmed_name(verdict->confirmed_by)) == 0 &&
           json_is_true(json_object_get(said, "due_met")) == verdict->due_met;
}

/* NULL: the line is right. */
static const char *check_line(const char *line, const char *answer, size_t number, char text[512])
{
    struct oracle_settings settings = {number + 1, kinds[kind_of(number)].worlds};
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    struct judge_error error = {.what = ""};
    struct judge_case judged;
    const char *wrong = NULL;
    json_t *said = json_loads(answer, 0, NULL);

    if (said == NULL || judge_json_read(line, strlen(line), &judged, &error) != STATUS_OK) {
        (void)snprintf(text, 512, "a case can't be read: %s at %s", error.what, error.at);
        json_decref(said);
        return text;
    }
    if (rule_judge(&judged.rule_case, verdicts) != STATUS_OK)
        wrong = "the engine failed";
    for (size_t i = 0; wrong == NULL && i < judged.rule_case.presence_count; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "p%zu", i);
        if (!says_the_same(json_object_get(said, name), &verdicts[i]))
            wrong = "the program's line isn't the engine's verdict";
    }
    if (wrong == NULL)
        wrong = oracle_compare(&judged.rule_case, verdicts, settings, text, 512);
    judge_case_done(&judged);
    json_decref(said);
    return wrong;
}

struct tally {
    size_t compared;
    size_t differing;
};

/* Every WORKERS-th line. */
static struct tally check_share(const char *cases, const char *answers, size_t worker, size_t count)
{
    FILE *in = fopen(cases, "re");
    FILE *out = fopen(answers, "re");
    char *line = malloc(LINE_SIZE);
    char *answer = malloc(LINE_SIZE);
    struct tally tally = {.compared = 0};
    char text[512];

    for (size_t i = 0; in != NULL && out != NULL && line != NULL && answer != NULL && i < count; i++) {
        const char *wrong;

        if (fgets(line, LINE_SIZE, in) == NULL || fgets(answer, LINE_SIZE, out) == NULL)
            break;
        if (i % WORKERS != worker)
            continue;
        wrong = check_line(line, answer, i, text);
        tally.compared++;
        if (wrong != NULL && tally.differing++ < SHOWN_MAX)
            printf("case %zu (%s): %s\n    %s    %s", i, kinds[kind_of(i)].name, wrong, line, answer);
    }
    free(answer);
    free(line);
    if (in != NULL)
        (void)fclose(in);
    if (out != NULL)
        (void)fclose(out);
    return tally;
}

static bool check_all(const char *cases, const char *answers, size_t count, struct tally *ret_tally)
{
    int pipes[WORKERS][2];
    bool good = true;

    (void)fflush(stdout);
    for (size_t i = 0; i < WORKERS; i++) {
        pid_t child = -1;

        if (pipe(pipes[i]) != 0 || (child = fork()) < 0)
            return false;
        if (child == 0) {
            struct tally share = check_share(cases, answers, i, count);

            (void)fflush(stdout);
            _exit(write(pipes[i][1], &share, sizeof(share)) == (ssize_t)sizeof(share) ? 0 : 1);
        }
        (void)close(pipes[i][1]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        struct tally share = {.compared = 0};

        good = read(pipes[i][0], &share, sizeof(share)) == (ssize_t)sizeof(share) && good;
        (void)close(pipes[i][0]);
        ret_tally->compared += share.compared;
        ret_tally->differing += share.differing;
    }
    while (wait(NULL) > 0)
        continue;
    return good;
}

static bool tell(const char *path, double cases_per_s, size_t differing)
{
    struct result *told = NULL;

    if (result_new("judge", &told) != STATUS_OK)
        return false;
    result_figure(told, "judge.rate", "Doublecrew, JSON in and out", "cases/s", cases_per_s);
    result_check(told, "no case's verdict differs from the independent oracle's", differing == 0);
    enum status status = result_write(told, path);
    result_free(told);
    return status == STATUS_OK;
}

static bool run(const char *folder, uint64_t seed, size_t count, const char *json)
{
    char cases[PROCESS_PATH_MAX + 16];
    char answers[PROCESS_PATH_MAX + 16];
    struct tally tally = {.compared = 0};
    double took_s = 0;

    (void)snprintf(cases, sizeof(cases), "%s/cases", folder);
    (void)snprintf(answers, sizeof(answers), "%s/answers", folder);
    if (!write_cases(cases, seed, count) || !run_judge(cases, answers, &took_s)) {
        fprintf(stderr, "bench judge: doublecrewctl judge did not take the cases: no figure\n");
        return false;
    }
    double begin_s = machine_now_s();
    if (!check_all(cases, answers, count, &tally) || tally.compared != count) {
        fprintf(stderr, "bench judge: %zu of %zu answers came: no figure\n", tally.compared, count);
        return false;
    }
    machine_print();
    printf("the oracle took %.1f s\n", machine_now_s() - begin_s);
    printf("judge: %zu cases, %.0f cases a second (JSON in and out), different from the oracle: %zu\n", count,
           (double)count / took_s, tally.differing);
    return tell(json, (double)count / took_s, tally.differing) && tally.differing == 0;
}

int main(int argc, char **argv)
{
    char folder[PROCESS_PATH_MAX];
    const char *json = NULL;
    size_t count = CASES;
    uint64_t seed = 1;

    for (int i = 1; i < argc; i += 2) {
        char *end = NULL;
        unsigned long long number = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;

        if (i + 1 < argc && strcmp(argv[i], "--json") == 0) {
            json = argv[i + 1];
        } else if (end == NULL || *end != '\0' || number == 0 ||
                   (strcmp(argv[i], "--cases") != 0 && strcmp(argv[i], "--seed") != 0)) {
            fprintf(stderr, "Usage: bench judge [--cases N (%d)] [--seed N (1)] [--json FILE]\n", CASES);
            return 2;
        } else if (strcmp(argv[i], "--cases") == 0) {
            count = (size_t)number;
        } else {
            seed = number;
        }
    }
    if (!process_scratch(folder, "judge"))
        return 1;
    bool good = run(folder, seed, count, json);
    process_remove_tree(folder);
    return good ? 0 : 1;
}
