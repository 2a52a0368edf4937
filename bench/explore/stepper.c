/*
 * stepper.c -- fills stepper.html with a failing execution: its steps, the memory that they touch, the source around them, as JSON.
 *
 * The page computes nothing about the program: every value is written here in words, each step with the members it changed.
 */
#include "stepper.h"
#include "../die.h"
#include "source.h"
#include "things.h"
#include "trace.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char stepper_html[]; /* stepper_html.S */

enum { FIELDS_MAX = 512, CONTEXT = 5 };

/* A member that the page shows. */
static struct shown {
    const struct thing *thing;
    int thing_number;
    uintptr_t addr;
    unsigned bytes;
    char name[96];
    bool head, known;
    uint64_t value;
} shown[FIELDS_MAX];
static int shown_count;

static const struct thing *shown_thing[FIELDS_MAX];
static int thing_count;

/* --- JSON --- */

static FILE *out;

static void put_text(const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ' || c == '<' || c == '>' || c == '&')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_member(const char *name, const char *text)
{
    fprintf(out, "\"%s\":", name);
    put_text(text);
}

/* --- what is shown of memory --- */

static struct thing *keep(const struct thing *t)
{
    struct thing *kept = malloc(sizeof *kept); /* a static's is overwritten by the next one's */
    if (!kept)
        abort();
    *kept = *t;
    return kept;
}

static int thing_number(const struct thing *t)
{
    for (int i = 0; i < thing_count; i++)
        if (shown_thing[i]->at == t->at)
            return i;
    shown_thing[thing_count] = keep(t);
    return thing_count++;
}

static void show_field(const struct thing *t, uintptr_t addr, size_t bytes, bool head)
{
    if (bytes == 0 || bytes > 8 || shown_count == FIELDS_MAX)
        return;
    for (int i = 0; i < shown_count; i++)
        if (shown[i].addr == addr && shown[i].bytes == bytes)
            return;
    struct shown *s = &shown[shown_count++];
    *s = (struct shown){.thing_number = thing_number(t), .addr = addr, .bytes = (unsigned)bytes, .head = head};
    s->thing = shown_thing[s->thing_number];
    things_place(t, addr, s->name, sizeof s->name);
}

static void show_head(const struct thing *t)
{
    const struct explore_part *p = &t->is.part[0];
    for (int i = 0; i < p->fields; i++)
        show_field(t, t->at + p->offset + p->field[i].offset, p->field[i].bytes, true);
}

static void choose_fields(void)
{
    for (int i = 0; i < trace_length(); i++) {
        const struct step *s = trace_step(i);
        const struct thing *t = s->folded || s->bytes == 0 ? NULL : things_at(s->addr);
        const struct explore_part *part;
        if (!t || side_belongs_to(s->addr, &(int){0}))
            continue;
        if (t->is.object)
            show_head(t);
        if (s->kind == STEP_ALLOC || s->kind == STEP_ALLOC_ZEROED || s->kind == STEP_FREE)
            continue;
        const struct explore_field *f = things_field(t, s->addr, &part);
        if (f)
            show_field(t, t->at + part->offset + f->offset, f->bytes, t->is.object && part == &t->is.part[0]);
        else
            show_field(t, s->addr, s->bytes, false);
    }
}

static void put_words(const struct shown *s)
{
    char words[160];
    if (!s->known) {
        fputs("null", out);
        return;
    }
    things_words(s->addr, s->value, s->bytes, words, sizeof words);
    put_text(words);
}

static void put_things(void)
{
    fputs("\"things\":[", out);
    for (int t = 0; t < thing_count; t++) {
        fprintf(out, "%s{", t ? "," : "");
        put_member("name", shown_thing[t]->name);
        fprintf(out, ",\"object\":%s,\"fields\":[", shown_thing[t]->is.object ? "true" : "false");
        for (int i = 0, first = 1; i < shown_count; i++) {
            struct shown *s = &shown[i];
            if (s->thing_number != t)
                continue;
            s->known = trace_initial(s->addr, s->bytes, &s->value);
            fprintf(out, "%s{\"id\":%d,\"head\":%s,", first ? "" : ",", i, s->head ? "true" : "false");
            put_member("name", s->name);
            fputs(",\"value\":", out);
            put_words(s);
            fputc('}', out);
            first = 0;
        }
        fputs("]}", out);
    }
    fputs("],\n", out);
}

/* --- steps --- */

static int lane[CLOCKS + 1], lanes;

static int lane_of(int thread)
{
    for (int i = 0; i < lanes; i++)
        if (lane[i] == thread)
            return i;
    lane[lanes] = thread;
    return lanes++;
}

/* Main has none when all it does is to find the failure. */
static bool has_lane(const struct step *s) { return !s->folded && (s->thread >= 0 || s->kind != STEP_FAIL); }

static void put_lanes(void)
{
    for (int t = 0; t <= run_thread_count(); t++)
        for (int i = 0; i < trace_length(); i++)
            if (has_lane(trace_step(i)) && trace_step(i)->thread == (t < run_thread_count() ? t : -1))
                lane_of(trace_step(i)->thread);
    fputs("\"lanes\":[", out);
    for (int i = 0; i < lanes; i++) {
        fputs(i ? "," : "", out);
        put_text(run_thread_name(lane[i]));
    }
    fputs("],\n", out);
}

/* [function, file, line] from the access outwards. */
static void put_frames(const struct step *s)
{
    const struct frame *frames;
    bool first = true;
    fputs("\"frames\":[", out);
    for (int i = 0; i < s->calls; i++) {
        int n = source_frames(s->call[i], &frames);
        for (int k = 0; k < n; k++) {
            if (strncmp(frames[k].file, "bench/explore/", 14) == 0 && strcmp(source_base(frames[k].file), "os.h") != 0)
                continue; /* the explorer's own */
            fputs(first ? "[" : ",[", out);
            put_text(frames[k].function);
            fputc(',', out);
            put_text(frames[k].file);
            fprintf(out, ",%d]", frames[k].line);
            first = false;
        }
    }
    fputs("]", out);
}

/* The members that changed since the last step that is shown, with what they are now. */
static void put_changes(const bool *changed)
{
    fputs("\"sets\":[", out);
    for (int i = 0, first = 1; i < shown_count; i++) {
        if (!changed[i])
            continue;
        fprintf(out, "%s[%d,", first ? "" : ",", i);
        put_words(&shown[i]);
        fputc(']', out);
        first = 0;
    }
    fputs("]", out);
}

static void note_changes(const struct step *s, bool *changed)
{
    for (int i = 0; i < shown_count; i++)
        if (trace_wrote(s, shown[i].addr, shown[i].bytes, &shown[i].value))
            changed[i] = shown[i].known = true;
}

static int freed_thing(const struct step *s)
{
    for (int i = 0; i < thing_count && s->kind == STEP_FREE && !s->fails; i++)
        if (shown_thing[i]->at == s->addr)
            return i;
    return -1;
}

static int number_of(int step) { return step < 0 ? step : trace_step(step)->number; }

static void put_step(int number, int folded)
{
    const struct step *s = trace_step(number);
    const struct frame *place = trace_place(s), *own = trace_scenario_place(s);
    char name[160] = "", values[400], note[400];
    trace_name(s, name, sizeof name);
    trace_values(s, values, sizeof values);
    trace_note(number, note, sizeof note);
    fprintf(out, "{\"n\":%d,\"lane\":%d,\"folded\":%d,\"from\":%d,\"newest\":%d,\"related\":%d,\"stale\":%s,\"fails\":%s,\"plain\":%s,\"frees\":%d,",
            s->number, s->thread < 0 && s->kind == STEP_FAIL ? -1 : lane_of(s->thread), folded, number_of(s->from), number_of(s->newest), number_of(s->related), s->stale ? "true" : "false",
            s->fails ? "true" : "false", s->kind == STEP_READ || s->kind == STEP_WRITE ? "true" : "false", freed_thing(s));
    put_member("verb", trace_verb(s)), fputc(',', out);
    put_member("name", name), fputc(',', out);
    put_member("values", values), fputc(',', out);
    put_member("order", trace_order(s)), fputc(',', out);
    put_member("note", note), fputc(',', out);
    if (place)
        fputs("\"place\":[", out), put_text(place->file), fprintf(out, ",%d],", place->line);
    if (own)
        fputs("\"own\":[", out), put_text(own->file), fprintf(out, ",%d],", own->line);
    put_frames(s);
}

static void put_steps(void)
{
    static bool changed[FIELDS_MAX];
    int folded = 0, first = 1;
    fputs("\"steps\":[\n", out);
    for (int i = 0; i < trace_length(); i++) {
        note_changes(trace_step(i), changed);
        if (trace_step(i)->folded) {
            folded++;
            continue;
        }
        fputs(first ? "" : ",\n", out);
        put_step(i, folded);
        fputc(',', out);
        put_changes(changed);
        fputc('}', out);
        memset(changed, 0, sizeof changed);
        folded = first = 0;
    }
    fprintf(out, "],\n\"folded\":%d,\n", folded);
}

/* --- source --- */

static bool wanted(const char *file, int line)
{
    const struct frame *place[2];
    for (int i = 0; i < trace_length(); i++) {
        if (trace_step(i)->folded)
            continue;
        place[0] = trace_place(trace_step(i));
        place[1] = trace_scenario_place(trace_step(i));
        for (int k = 0; k < 2; k++)
            if (place[k] && abs(place[k]->line - line) <= CONTEXT && strcmp(place[k]->file, file) == 0)
                return true;
    }
    return false;
}

static void put_file(const char *file)
{
    char text[1024];
    bool first = true;
    put_text(file);
    fputs(":{", out);
    for (int line = 1; source_line(file, line, text, sizeof text); line++) {
        if (!wanted(file, line))
            continue;
        fprintf(out, "%s\"%d\":", first ? "" : ",", line);
        put_text(text);
        first = false;
    }
    fputs("}", out);
}

static void put_files(void)
{
    const char *done[128];
    int count = 0;
    fputs("\"files\":{", out);
    for (int i = 0; i < 2 * trace_length(); i++) {
        const struct step *s = trace_step(i / 2);
        const struct frame *f = s->folded ? NULL : i % 2 ? trace_scenario_place(s) : trace_place(s);
        bool known = !f || count == 128;
        for (int k = 0; k < count && !known; k++)
            known = strcmp(done[k], f->file) == 0;
        if (known)
            continue;
        fputs(count ? ",\n" : "\n", out);
        done[count++] = f->file;
        put_file(f->file);
    }
    fputs("}}\n", out);
}

/* --- the page --- */

void stepper_write(const char *path, const struct failure *failure, const struct proof_request *request)
{
    static const char marker[] = "@DATA@";
    const char *data = strstr(stepper_html, marker);
    out = fopen(path, "w");
    if (!out)
        die(path, errno);
    shown_count = thing_count = lanes = 0;
    choose_fields();
    fwrite(stepper_html, 1, (size_t)(data - stepper_html), out);
    fputc('{', out);
    put_member("scenario", request->scenario->name), fputc(',', out);
    put_member("summary", request->scenario->summary ? request->scenario->summary : ""), fputc(',', out);
    put_member("source", request->scenario->source ? request->scenario->source : ""), fputc(',', out);
    put_member("strategy", request->target->strategy), fputc(',', out);
    put_member("model", request->model == MODEL_SC ? "sc" : "rc11"), fputc(',', out);
    put_member("schedule", walk_schedule()), fputc(',', out);
    put_member("kind", failure->kind), fputc(',', out);
    put_member("text", failure->text), fputc(',', out);
    put_member("thread", trace_thread(failure)), fputs(",\n", out);
    put_lanes();
    put_things();
    put_steps();
    put_files();
    fputs(data + strlen(marker), out);
    if (fclose(out) != 0)
        die(path, errno);
}
