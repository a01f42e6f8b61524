/* plan_main.c -- owns what the main module's own code still has before it. In:
 * the frame in which it runs (a main module whose last statement runs the
 * program), both texts. Out: which statements are under way; what is said
 * about their edits.
 */
#include "../heap/frames.h"
#include "plan_parts.h"

struct mf_target *
mf_plan_main_of(struct mf_change *change)
{
    for (size_t i = 0; i < change->targets.len; i++) {
        struct mf_target *target = change->targets.items[i];
        if (PyUnicode_CompareWithASCIIString(target->module->name,
                                             "__main__") == 0) {
            return target;
        }
    }
    return NULL;
}

/* The first statement of the new text that has not ended: that which is
 * paired with the one in which the code stands, or with one after it. */
static uint32_t
find_new_line(const struct mf_diff *diff, uint32_t old_line)
{
    uint32_t line = UINT32_MAX, behind = 0;
    for (uint32_t i = 0; i < diff->len; i++) {
        const struct mf_delta *d = &diff->deltas[i];
        if (d->parent != MF_UNIT_NONE || d->old_unit == MF_UNIT_NONE ||
            d->new_unit == MF_UNIT_NONE) {
            continue;
        }
        const struct mf_unit *new_unit =
            &diff->new_of.split->units[d->new_unit];
        if (diff->old_of.split->units[d->old_unit].end_line < old_line) {
            behind = new_unit->end_line + 1 > behind ? new_unit->end_line + 1
                                                     : behind;
        }
        else if (new_unit->line < line) {
            line = new_unit->line;
        }
    }
    return line != UINT32_MAX ? line : behind;
}

static void
find_main(struct mf_change *change)
{
    struct mf_target *target = mf_plan_main_of(change);
    change->main.known = true;
    PyFrameObject *frame =
        target ? mf_frames_of_module(target->module->dict,
                                     change->source->path)
               : NULL;
    if (frame != NULL) {
        int line = PyFrame_GetLineNumber(frame);
        Py_DECREF(frame);
        change->main.old_line = line > 0 ? (uint32_t)line : 0;
        change->main.new_line =
            find_new_line(&change->diff, change->main.old_line);
    }
}

bool
mf_plan_under_way(struct mf_change *change, struct mf_delta *delta)
{
    if (!change->main.known) {
        find_main(change);
    }
    if (change->main.old_line == 0) {
        return false;
    }
    struct mf_diff *diff = &change->diff;
    return delta->old_unit != MF_UNIT_NONE
               ? diff->old_of.split->units[delta->old_unit].end_line >=
                     change->main.old_line
               : diff->new_of.split->units[delta->new_unit].line >=
                     change->main.new_line;
}

/* ---- what is said ---------------------------------------------------------- */

/* What will happen in place of the edit, or NULL: it takes effect. */
static const char *
words_for(struct mf_change *change, struct mf_delta *delta)
{
    const struct mf_diff *diff = &change->diff;
    if (delta->runs || delta->parent != MF_UNIT_NONE ||
        delta->kind == MF_DELTA_SAME || delta->kind == MF_DELTA_CODE) {
        return NULL;
    }
    bool guard = delta->new_unit != MF_UNIT_NONE &&
                 (diff->new_of.split->units[delta->new_unit].flags &
                  MF_UNIT_MAIN_GUARD);
    if (!mf_plan_under_way(change, delta)) {
        return guard ? "this never runs again: the edit takes effect at the "
                       "next start"
                     : NULL;
    }
    if (delta->old_unit == MF_UNIT_NONE) {
        return "the program has not come to this place yet: what was added "
               "here runs at the next start";
    }
    return diff->old_of.split->units[delta->old_unit].line <=
                   change->main.old_line
               ? "the program stands in this statement: it goes on in the "
                 "old code"
               : "the program has not come to this statement yet: it will "
                 "run as it was";
}

static int
report_one(struct mf_change *change, struct mf_delta *delta,
           struct mf_report *report, bool reject)
{
    const char *words = words_for(change, delta);
    if (words == NULL) {
        return 0;
    }
    struct mf_target *target = mf_plan_main_of(change);
    long line = mf_plan_unit_line(change, delta);
    if (mf_report_add(report, 501, '=', target->module->name, NULL,
                      change->source->path, line, "%s", words) < 0) {
        return -1;
    }
    return reject && mf_plan_under_way(change, delta)
               ? mf_report_add(report, 430, '=', target->module->name, NULL,
                               change->source->path, line,
                               "%s, and the rule for stragglers is reject",
                               words)
               : 0;
}

int
mf_plan_report_main(struct mf_plan *plan, struct mf_report *report,
                    bool reject)
{
    for (size_t i = 0; i < plan->changes.len; i++) {
        struct mf_change *change = plan->changes.items[i];
        if (change->kind != MF_CHANGE_EDITED ||
            mf_plan_main_of(change) == NULL) {
            continue;
        }
        for (uint32_t d = 0; d < change->diff.len; d++) {
            if (report_one(change, &change->diff.deltas[d], report, reject) <
                0) {
                return -1;
            }
        }
    }
    return 0;
}
