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
    finding->guest_pc_known = record->guest_pc_known != 0;
    finding->guest_pc = record->guest_pc;
    finding->site = record->site;
    finding->sample_count = record->sample_count < HANG_SAMPLES ? record->sample_count : HANG_SAMPLES;
    memcpy(finding->samples, record->samples, sizeof finding->samples);
}

void make_bool(bool *value)
{
    uint8_t byte;
    memcpy(&byte, value, sizeof byte);
    *value = byte != 0;
}

void finding_make_harmless(struct finding *finding)
{
    if (finding->kind >= FINDING_KIND_COUNT)
        finding->kind = FINDING_ABORT;
    if (finding->other >= RUN_ENGINES_MAX)
        finding->other = 0;
    if (finding->signal < 0 || finding->signal >= NSIG)
        finding->signal = 0;
    make_bool(&finding->guest_pc_known);
    make_bool(&finding->in_harness);
    make_bool(&finding->site.known);
    make_bool(&finding->site.code_known);
    make_bool(&finding->site.elsewhere);
    if (finding->site.byte_count > sizeof finding->site.bytes)
        finding->site.byte_count = 0;
    if (finding->sample_count > HANG_SAMPLES)
        finding->sample_count = 0;
    for (size_t i = 0; i < HANG_SAMPLES; i++)
        make_bool(&finding->samples[i].known);
    finding->diff.a.dirty = finding->diff.b.dirty = NULL;
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
