/* parallax mint: golden vectors from an oracle. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/child.h"
#include "harness/commands.h"
#include "harness/gate/known.h"
#include "harness/interrupt.h"
#include "harness/oracle/oracle.h"
#include "harness/progress.h"
#include "harness/save.h"
#include "harness/vectors/groups.h"
#include "harness/vectors/mint.h"

struct minting {
    const struct command *command;
    const char *out;
    bool check, quiet;
    bool *wanted; /* by group; NULL: all */
    struct mint_options options;
    struct mint mint;
    struct progress progress;
    uint64_t cases, left_out;
    size_t files, written, stale, bytes;
};

static enum px_status write_bytes(FILE *file, const void *arg)
{
    const struct minted *minted = arg;
    return fwrite(minted->bytes, 1, minted->size, file) == minted->size ? PX_OK : PX_ERR_SYSTEM;
}

/* Whether the file at @path says the same but for the date; one that cannot be read does not. */
static bool is_there(const char *path, const struct minted *minted)
{
    struct px_error err;
    struct vectors old = { .cases = 0 }, new = { .cases = 0 };
    bool same = false;
    if (vectors_load(&old, path, &err) == PX_OK &&
        vectors_read(&new, path, minted->bytes, minted->size, &err) == PX_OK)
        same = strcmp(old.oracle, new.oracle) == 0 &&
               old.cases == new.cases &&old.size == new.size &&memcmp(old.bytes, new.bytes, new.size) == 0;
    vectors_fini(&old);
    vectors_fini(&new);
    return same;
}

static enum px_status put_file(struct minting *m, const char *name, const struct minted *minted,
                               struct px_error *err)
{
    char *path = NULL;
    enum px_status status = PX_OK;
    if (asprintf(&path, "%s/%s" VECTORS_SUFFIX, m->out, name) < 0)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a path");
    if (is_there(path, minted)) {
        m->files++;
    } else if (m->check) {
        progress_end(&m->progress);
        fprintf(stderr, "stale: %s: not what %s says today\n", path, m->options.name);
        m->stale++;
    } else {
        status = save_file(path, write_bytes, minted, err);
        m->written += status == PX_OK;
        m->files += status == PX_OK;
    }
    m->bytes += minted->size;
    free(path);
    return status;
}

static enum px_status mint_one(struct minting *m, size_t group, struct px_error *err)
{
    struct minted minted = { .bytes = NULL };
    char name[VECTORS_GROUP_NAME_ROOM], line[96];
    vectors_group_name(group, name);
    if (progress_due(&m->progress, child_clock())) {
        (void)snprintf(line, sizeof line, "group %zu of %zu | %s | %" PRIu64 " vectors", group + 1,
                       vectors_group_count(), name, m->cases);
        progress_show(&m->progress, line);
    }
    enum px_status status = mint_group(&m->mint, group, &minted, err);
    if (status != PX_OK)
        return status;
    m->cases += minted.cases;
    m->left_out += minted.left_out;
    if (minted.bytes)
        status = put_file(m, name, &minted, err);
    free(minted.bytes);
    return status;
}

static void print_summary(const struct minting *m)
{
    const struct mint_options *o = &m->options;
    printf("%" PRIu64 " vectors by %s in %zu files, %zu bytes", m->cases, o->name, m->files, m->bytes);
    if (m->check)
        printf("; %zu stale\n", m->stale);
    else
        printf(": %zu written, %zu as they were\n", m->written, m->files - m->written);
    for (size_t i = 0; i < o->errata_count; i++)
        if (m->mint.met[i] > 0)
            printf("  left out    %" PRIu64 " of %s: %s %s\n", m->mint.met[i],
                   px_ops[o->errata[i].op].mnemonic, o->errata[i].oracle, o->errata[i].what);
    if (m->mint.refused > 0)
        printf("  refused     %" PRIu64 " that no erratum explains, and with them the files they belong to\n",
               m->mint.refused);
}

static int mint_groups(struct minting *m)
{
    struct px_error err = { "" };
    struct interrupt before;
    enum px_status status = mint_open(&m->mint, &m->options, &err);
    if (status != PX_OK)
        return options_fail_status(m->command, status, &err);
    progress_init(&m->progress, m->quiet);
    interrupt_watch(&before);
    for (size_t i = 0; i < vectors_group_count() && status == PX_OK && !interrupt_came(NULL); i++)
        if (!m->wanted || m->wanted[i])
            status = mint_one(m, i, &err);
    bool stopped = m->mint.stopped || interrupt_came(NULL);
    interrupt_unwatch(&before);
    progress_end(&m->progress);
    int code = EXIT_INTERRUPTED;
    if (!stopped && status != PX_OK) {
        code = options_fail_status(m->command, status, &err);
    } else if (!stopped) {
        size_t stale = mint_check_errata(&m->mint, !m->wanted);
        print_summary(m);
        code = m->mint.refused + stale + m->stale > 0 ? EXIT_DIVERGED : EXIT_AGREE;
    }
    mint_close(&m->mint);
    return code;
}

/* Finds the groups that are named. -1, or the exit code. */
static int choose(struct minting *m, char **names, size_t count)
{
    if (count == 0)
        return -1;
    m->wanted = calloc(vectors_group_count(), sizeof *m->wanted);
    if (!m->wanted)
        return options_fail_status(m->command, PX_ERR_NOMEM, &(struct px_error){ "out of memory" });
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t k = 0; k < vectors_group_count(); k++) {
            char name[VECTORS_GROUP_NAME_ROOM];
            vectors_group_name(k, name);
            if (strcmp(name, names[i]) == 0)
                m->wanted[k] = found = true;
        }
        if (!found)
            return options_fail(
                m->command, "group '%.60s': expected an instruction, such as add, or flow, compressed, words",
                names[i]);
    }
    return -1;
}

/* What can be wrong before anything is minted. -1, or the exit code. */
static int prepare(struct minting *m, const char *day, char name[PX_NAME_MAX], char date[VECTORS_DATE_ROOM])
{
    struct px_error err = { "" };
    struct stat info;
    char version[ORACLE_VERSION_TEXT];
    gate_date when = gate_date_today();
    if (day && !gate_date_parse(day, strlen(day), &when))
        return options_fail(m->command, "--date: '%.60s': expected a day, YYYY-MM-DD", day);
    (void)gate_date_format(when, date);
    if (stat(m->out, &info) != 0 || !S_ISDIR(info.st_mode))
        return options_fail(m->command, "--out: '%.200s': %s", m->out, strerror(errno ? errno : ENOTDIR));
    enum px_status status = oracle_check(&err);
    if (status == PX_OK)
        status = oracle_version(version, sizeof version, &err);
    if (status != PX_OK)
        return options_fail_status(m->command, status, &err);
    (void)snprintf(name, PX_NAME_MAX, "qemu-%s", version);
    return -1;
}

static int run_mint(const struct command *command, int argc, char **argv)
{
    struct minting m = { .command = command, .out = "corpus/vectors" };
    const char *day = NULL;
    char name[PX_NAME_MAX], date[VECTORS_DATE_ROOM];
    const struct option options[] = {
        { "out", OPTION_TEXT, &m.out, 0, 0, "FOLDER", "where the files are (default corpus/vectors)" },
        { "check", OPTION_FLAG, &m.check, 0, 0, NULL,
          "write nothing; exit code 1 when a file is not what would be written" },
        { "date", OPTION_TEXT, &day, 0, 0, "DATE",
          "the day that files name, YYYY-MM-DD (default today, UTC)" },
        { "quiet", OPTION_FLAG, &m.quiet, 0, 0, NULL, "no live line" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code < 0)
        code = choose(&m, argv + 1, (size_t)positional);
    if (code < 0)
        code = prepare(&m, day, name, date);
    m.options = (struct mint_options){ .reference = "interp",
                                       .oracle = "qemu",
                                       .name = name,
                                       .date = date,
                                       .errata = vectors_errata,
                                       .errata_count = vectors_errata_count,
                                       .complaints = stderr,
                                       .interrupted = interrupt_came };
    if (code < 0)
        code = mint_groups(&m);
    free(m.wanted);
    return code;
}

const struct command command_mint = {
    .name = "mint",
    .summary = "Makes golden vectors: what qemu says of every instruction at its edges.",
    .usage = "[OPTIONS] [GROUP]...",
    .examples =
        "  parallax mint                              every group that there is, into corpus/vectors\n"
        "  parallax mint --out=/tmp ctzw compressed   two of them elsewhere\n"
        "  parallax mint --check                      whether corpus/vectors is what qemu says today\n",
    .run = run_mint,
};
