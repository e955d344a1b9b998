#define _GNU_SOURCE
#include "harness/finding.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

void finding_from_death(struct finding *finding, const struct host_record *record, int wait_status)
{
    uint32_t words = atomic_load(&record->words);
    finding->kind = words == WORDS_HANG ? FINDING_HANG : FINDING_ABORT;
    if (words == WORDS_NONE) { /* killed from outside, or by itself without a word */
        finding->signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
        finding->in_harness = true;
        return;
    }
    finding->signal = record->signal;
    finding->address = record->address;
    finding->in_harness = words == WORDS_HARNESS;
    finding->guest_pc_known = record->guest_pc_known;
    finding->guest_pc = record->guest_pc;
}

bool finding_same(const struct finding *a, const struct finding *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == FINDING_LEAK)
        return a->other == b->other;
    if (a->kind == FINDING_DIFF)
        return a->other == b->other && a->diff.fields == b->diff.fields;
    return a->kind != FINDING_ABORT || a->signal == b->signal;
}

size_t finding_format(const struct finding *finding, char *text, size_t size)
{
    if (finding->kind == FINDING_DIFF)
        return diff_fields_format(finding->diff.fields, text, size);
    int n;
    if (finding->kind == FINDING_LEAK) {
        n = snprintf(text, size, "state-leak");
    } else if (finding->kind == FINDING_HANG) {
        n = snprintf(text, size, "hang");
    } else {
        const char *name = finding->signal ? sigabbrev_np(finding->signal) : NULL;
        n = snprintf(text, size, "abort:%s%s", name ? "SIG" : "", name ? name : "exit");
    }
    return n > 0 ? (size_t)n : 0;
}
