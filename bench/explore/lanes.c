/*
 * lanes.c -- the failing execution as text: one column a thread, time downwards, arrows from a write to who reads it.
 *
 * The picture is made of rows first (a step has several: what, with which values, a remark) and arrows are laid into the gutters
 * between neighbouring lanes afterwards, where there is room; the remark says the same in words.
 */
#include "lanes.h"
#include "source.h"
#include "things.h"
#include "trace.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LANES = CLOCKS + 1, NUMBER = 5, GUTTER = 3, WIDE = 100, NARROW = 60, SOURCE = 27, LANE_MIN = 26, TEXT = 400, ARROW_ROWS = 48 };

enum style { PLAIN_TEXT, DIM, RED, BOLD };
static bool colours;

struct row {
    int step;                 /* whose first row it is, or -1 */
    int lane;                 /* -1: over all lanes */
    enum style style;
    char text[TEXT], source[TEXT];
    const char *gutter[LANES]; /* gutter[i]: between lane i and i + 1; NULL: nothing */
    enum style gutter_style[LANES];
};

static struct {
    int thread[LANES], lanes;
    int width, lane_width, source_width;
    struct row *row;
    int rows, room;
    int *first_row; /* of each step */
} picture;

/* --- text --- */

static int columns_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Bytes of as many whole columns as fit; breaks after a blank where there is one in the second half. */
static size_t fitting(const char *text, int columns)
{
    size_t end = 0, blank = 0;
    for (int n = 0; text[end]; n++) {
        size_t next = end + 1;
        while (((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        if (n == columns)
            return blank > end / 2 ? blank : end;
        if (text[end] == ' ' || text[end] == '.')
            blank = next;
        end = next;
    }
    return end;
}

static const char *paint(enum style s)
{
    static const char *const code[] = {"", "\033[2m", "\033[31m", "\033[1m"};
    return colours ? code[s] : "";
}

static void put(FILE *to, const char *text, int columns, enum style s)
{
    int had = columns_of(text);
    fprintf(to, "%s%s%s%*s", paint(s), text, s == PLAIN_TEXT ? "" : colours ? "\033[0m" : "", columns > had ? columns - had : 0, "");
}

/* --- rows --- */

static struct row *add_row(int lane, enum style style)
{
    if (picture.rows == picture.room) {
        picture.room = picture.room * 2 + 128;
        picture.row = realloc(picture.row, (size_t)picture.room * sizeof *picture.row);
        if (!picture.row)
            abort();
    }
    struct row *r = &picture.row[picture.rows++];
    memset(r, 0, sizeof *r);
    r->step = -1;
    r->lane = lane;
    r->style = style;
    return r;
}

static void add_text(int lane, enum style style, const char *text)
{
    for (int line = 0; *text; line++) {
        size_t n = fitting(text, picture.lane_width - (line ? 2 : 0)), next = n;
        while (n > 0 && text[n - 1] == ' ')
            n--;
        struct row *r = add_row(lane, style);
        snprintf(r->text, sizeof r->text, "%s%.*s", line ? "  " : "", n < TEXT - 3 ? (int)n : TEXT - 3, text);
        text += next;
        while (*text == ' ')
            text++;
    }
}

static int lane_of(int thread)
{
    for (int i = 0; i < picture.lanes; i++)
        if (picture.thread[i] == thread)
            return i;
    return -1;
}

static void put_place(char *buf, size_t size, const struct frame *f)
{
    buf[0] = 0;
    if (f)
        snprintf(buf, size, "%s:%d %s", source_base(f->file), f->line, f->function);
    if (columns_of(buf) > (picture.source_width ? picture.source_width : picture.lane_width))
        snprintf(buf, size, "%s:%d", source_base(f->file), f->line);
}

/* The runtime's place beside the step's first row, the scenario's beside its second. */
static void add_places(const struct step *s, int first, int lane)
{
    char place[2][TEXT] = {"", ""};
    const struct frame *inner = trace_place(s), *own = trace_scenario_place(s);
    put_place(place[0], sizeof place[0], inner);
    if (own && own != inner)
        put_place(place[1], sizeof place[1], own);
    if (!inner && s->calls > 0)
        snprintf(place[0], sizeof place[0], "%#lx", (unsigned long)s->call[0]);
    for (int i = 0; i < 2 && place[i][0]; i++) {
        if (picture.source_width == 0) {
            place[i][fitting(place[i], picture.lane_width)] = 0;
            add_text(lane, DIM, place[i]);
            continue;
        }
        if (first + i == picture.rows)
            add_row(lane, PLAIN_TEXT);
        int cut = picture.source_width;
        if (columns_of(place[i]) > cut)
            place[i][cut] = 0; /* names of functions and files have one byte a column */
        memcpy(picture.row[first + i].source, place[i], sizeof place[i]);
    }
}

/* Two texts in one row where they fit, else in two. */
static void add_pair(int lane, enum style style, const char *a, const char *between, const char *b)
{
    char both[2 * TEXT];
    snprintf(both, sizeof both, "%s%s%s", a, a[0] && b[0] ? between : "", b);
    if (columns_of(both) <= picture.lane_width) {
        add_text(lane, style, both);
        return;
    }
    add_text(lane, style, a);
    add_text(lane, style, b);
}

/* Main has no lane when all it does is to find the failure. */
static void add_main(int number)
{
    const struct step *s = trace_step(number);
    const struct frame *own = trace_scenario_place(s), *place = own ? own : trace_place(s);
    char where[TEXT];
    put_place(where, sizeof where, place);
    struct row *r = add_row(-1, RED);
    r->step = number;
    snprintf(r->text, sizeof r->text, "%s: %s  %.300s", run_thread_name(s->thread), trace_verb(s), where);
}

static void add_step(int number)
{
    const struct step *s = trace_step(number);
    char name[160] = "", values[TEXT], note[TEXT], what[2 * TEXT], order[16];
    int lane = lane_of(s->thread), first = picture.rows;
    picture.first_row[number] = first;
    if (lane < 0) {
        add_main(number);
        return;
    }
    enum style style = s->fails ? RED : PLAIN_TEXT;
    trace_name(s, name, sizeof name);
    trace_values(s, values, sizeof values);
    trace_note(number, note, sizeof note);
    snprintf(what, sizeof what, "%s%s%s", trace_verb(s), name[0] ? " " : "", name);
    snprintf(order, sizeof order, "%s", trace_order(s));
    if (columns_of(what) + columns_of(values) + columns_of(order) + 2 <= picture.lane_width) {
        char joined[TEXT + 32];
        snprintf(joined, sizeof joined, "%s%s%s", values, values[0] && order[0] ? "  " : "", order);
        add_pair(lane, style, what, " ", joined);
    } else {
        add_text(lane, style, what);
        add_pair(lane, style, values, "  ", order);
    }
    if (note[0]) {
        snprintf(what, sizeof what, "← %s", note);
        add_text(lane, s->stale || s->fails ? RED : DIM, what);
    }
    if (s->fails && s->kind != STEP_FAIL)
        add_text(lane, RED, "✗ here it fails");
    picture.row[first].step = number;
    add_places(s, first, lane);
}

static void add_folded(int count)
{
    struct row *r = add_row(-1, DIM);
    snprintf(r->text, sizeof r->text, "⋯ %d step%s without effect on others", count, count == 1 ? "" : "s");
}

/* --- arrows --- */

static bool gutter_free(int gutter, int from, int to)
{
    for (int r = from; r <= to; r++)
        if (picture.row[r].gutter[gutter] || picture.row[r].lane < 0)
            return false;
    return true;
}

static void add_arrow(int number)
{
    const struct step *s = trace_step(number);
    int source = s->from >= 0 ? lane_of(trace_step(s->from)->thread) : -1, target = lane_of(s->thread);
    if (source < 0 || abs(source - target) != 1 || trace_step(s->from)->folded)
        return;
    int gutter = source < target ? source : target, from = picture.first_row[s->from], to = picture.first_row[number];
    if (to <= from || to - from > ARROW_ROWS || !gutter_free(gutter, from, to))
        return;
    bool right = source < target;
    for (int r = from; r <= to; r++) {
        picture.row[r].gutter[gutter] = r == from ? (right ? "─┐ " : " ┌─") : r == to ? (right ? " └▶" : "◀┘ ") : " │ ";
        picture.row[r].gutter_style[gutter] = s->stale ? RED : BOLD;
    }
}

/* --- printing --- */

static void print_row(FILE *to, const struct row *r)
{
    char number[16] = "";
    if (r->step >= 0)
        snprintf(number, sizeof number, "%4d", trace_step(r->step)->number);
    put(to, number, NUMBER, r->step >= 0 ? BOLD : PLAIN_TEXT);
    if (r->lane < 0) {
        put(to, r->text, 0, r->style);
        fputc('\n', to);
        return;
    }
    for (int i = 0; i < picture.lanes; i++) {
        bool last = i == picture.lanes - 1 && !r->source[0];
        put(to, i == r->lane ? r->text : "", last ? 0 : picture.lane_width, i == r->lane ? r->style : PLAIN_TEXT);
        if (i + 1 < picture.lanes)
            put(to, r->gutter[i] ? r->gutter[i] : " ┊ ", GUTTER, r->gutter[i] ? r->gutter_style[i] : DIM);
    }
    if (r->source[0]) {
        fputs("  ", to);
        put(to, r->source, 0, DIM);
    }
    fputc('\n', to);
}

static void print_head(FILE *to)
{
    fprintf(to, "%*s", NUMBER, "");
    for (int i = 0; i < picture.lanes; i++) {
        put(to, run_thread_name(picture.thread[i]), picture.lane_width, BOLD);
        if (i + 1 < picture.lanes)
            put(to, " ┊ ", GUTTER, DIM);
    }
    if (picture.source_width)
        fputs("  source", to);
    fputc('\n', to);
}

/* What the object's head holds at the end, member by member. */
static void print_object(FILE *to, const struct thing *t)
{
    const struct explore_part *head = &t->is.part[0];
    int used = fprintf(to, "%s:", t->name);
    for (int i = 0; i < head->fields; i++) {
        const struct explore_field *f = &head->field[i];
        char words[96] = "?", text[200];
        uint64_t value;
        if (f->bytes <= 8 && trace_value(t->at + head->offset + f->offset, (unsigned)f->bytes, trace_length(), &value))
            things_words(t->at + head->offset + f->offset, value, (unsigned)f->bytes, words, sizeof words);
        snprintf(text, sizeof text, " %s%s = %s%s", head->prefix, f->name, words, i + 1 < head->fields ? "," : "");
        if (used + columns_of(text) > picture.width)
            used = fprintf(to, "\n   ") - 1;
        used += columns_of(text);
        fputs(text, to);
    }
    fprintf(to, "%s\n", trace_is_freed(t->at) ? " (freed)" : "");
}

static void print_objects(FILE *to)
{
    uintptr_t shown[64];
    int count = 0;
    for (int i = 0; i < trace_length() && count < 64; i++) {
        const struct step *s = trace_step(i);
        const struct thing *t = s->folded || !s->addr ? NULL : things_at(s->addr);
        bool known = !t || !t->is.object || t->is.part[0].fields == 0;
        for (int k = 0; k < count && !known; k++)
            known = shown[k] == t->at;
        if (known)
            continue;
        fputs(count ? "" : "\nAt the end:\n", to);
        shown[count++] = t->at;
        print_object(to, t);
    }
}

static void measure(FILE *to)
{
    const char *text = getenv("COLUMNS");
    struct winsize w;
    picture.width = text ? atoi(text) : 0;
    if (picture.width <= 0 && isatty(fileno(to)) && ioctl(fileno(to), TIOCGWINSZ, &w) == 0)
        picture.width = w.ws_col;
    if (picture.width <= 0 || picture.width > WIDE)
        picture.width = WIDE;
    if (picture.width < NARROW)
        picture.width = NARROW;
    int lanes = picture.lanes ? picture.lanes : 1, room = picture.width - NUMBER - GUTTER * (lanes - 1);
    picture.source_width = (room - SOURCE - 2) / lanes >= LANE_MIN ? SOURCE : 0;
    picture.lane_width = (room - (picture.source_width ? picture.source_width + 2 : 0)) / lanes;
    colours = isatty(fileno(to)) && !getenv("NO_COLOR");
}

static void find_lanes(void)
{
    picture.lanes = 0;
    for (int t = -1; t < run_thread_count(); t++) {
        int thread = t + 1 < run_thread_count() ? t + 1 : -1; /* main comes last */
        for (int i = 0; i < trace_length(); i++)
            if (!trace_step(i)->folded && trace_step(i)->thread == thread && (thread >= 0 || trace_step(i)->kind != STEP_FAIL)) {
                picture.thread[picture.lanes++] = thread;
                break;
            }
    }
}

static void print_failure(FILE *to, const struct failure *failure)
{
    char text[2 * TEXT];
    const char *rest = text, *thread = trace_thread(failure);
    snprintf(text, sizeof text, "%s%s%s: %s", failure->kind, thread[0] ? " in " : "", thread, failure->text);
    fputc('\n', to);
    for (bool first = true; *rest; first = false) {
        size_t n = fitting(rest, picture.width - (first ? 0 : 2));
        size_t end = n;
        while (end > 0 && rest[end - 1] == ' ')
            end--;
        fprintf(to, "%s%s%.*s%s\n", paint(RED), first ? "" : "  ", (int)end, rest, colours ? "\033[0m" : "");
        rest += n;
    }
}

void lanes_print(FILE *to, const struct failure *failure)
{
    int folded = 0;
    picture.first_row = calloc((size_t)trace_length() + 1, sizeof *picture.first_row);
    if (!picture.first_row)
        abort();
    find_lanes();
    measure(to);
    for (int i = 0; i < trace_length(); i++) {
        if (trace_step(i)->folded) {
            folded++;
            continue;
        }
        if (folded)
            add_folded(folded);
        folded = 0;
        add_step(i);
    }
    if (folded)
        add_folded(folded);
    for (int i = 0; i < trace_length(); i++)
        if (!trace_step(i)->folded)
            add_arrow(i);
    print_head(to);
    for (int i = 0; i < picture.rows; i++)
        print_row(to, &picture.row[i]);
    print_objects(to);
    print_failure(to, failure);
    free(picture.first_row);
}
