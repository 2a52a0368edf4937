/*
 * test_labs.c -- the labs' texts, and how what they find is drawn.
 */
#define _GNU_SOURCE 1
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/lab.h"
#include "../../bench/lab_page.h"
#include "../../bench/lab_print.h"
#include "../../bench/lab_run.h"
#include "../../bench/lab_text.h"

static const char labs_text[] = "# A `title`\n\n## Question\n\nOne paragraph\nof two lines.\n\nAnother.\n\n## Prediction\n\nWhich?\n\n- this\n  one\n"
                                "- that\n\n## What happens\n\nIt *does*.\n\n    code <b>\n    more\n\n## Why\n\nSee [PEP 703](https://peps.python.org/pep-0703/).\n\n"
                                "## Elsewhere\n\nNo.\n\n## Exercises\n\n1. First.\n2. Second.\n";

/* --- texts --- */

Test(labs, every_lab_has_its_sections_and_two_exercises)
{
    size_t count;
    const struct lab *const *all = lab_all(&count);

    cr_assert_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        struct lab_text text;
        char *objection;

        lab_text_parse(&text, all[i]->text);
        objection = lab_text_objection(&text);
        cr_assert_null(objection, "%s.md: %s", all[i]->name, objection);
        lab_text_free(&text);
    }
}

Test(labs, every_why_names_a_source)
{
    static const char *const marks[] = {"PEP", "19", "20", "http", "Manual", "C11", "ft_utils"};
    size_t count;
    const struct lab *const *all = lab_all(&count);

    for (size_t i = 0; i < count; i++) {
        struct lab_text text;
        bool named = false;

        lab_text_parse(&text, all[i]->text);
        for (size_t j = 0; j < sizeof marks / sizeof marks[0]; j++)
            named |= strstr(text.section[LAB_WHY], marks[j]) != NULL;
        cr_assert(named, "%s.md: no source under Why", all[i]->name);
        lab_text_free(&text);
    }
}

Test(labs, a_text_is_cut_into_sections_and_blocks)
{
    struct lab_text text;
    struct lab_block block;
    const char *at;

    lab_text_parse(&text, labs_text);
    cr_assert_str_eq(text.title, "A `title`");
    cr_assert_null(lab_text_objection(&text));
    at = text.section[LAB_QUESTION];
    cr_assert(lab_text_block(&at, &block) && block.kind == LAB_PARAGRAPH);
    cr_assert_str_eq(block.text, "One paragraph of two lines.");
    free(block.text);
    cr_assert_eq(lab_text_items(text.section[LAB_PREDICTION]), 2);
    at = text.section[LAB_PREDICTION];
    cr_assert(lab_text_block(&at, &block));
    free(block.text);
    cr_assert(lab_text_block(&at, &block) && block.kind == LAB_ITEM);
    cr_assert_str_eq(block.text, "this one");
    free(block.text);
    at = text.section[LAB_HAPPENS];
    cr_assert(lab_text_block(&at, &block));
    free(block.text);
    cr_assert(lab_text_block(&at, &block) && block.kind == LAB_CODE);
    cr_assert_str_eq(block.text, "code <b>\nmore");
    free(block.text);
    lab_text_free(&text);
}

Test(labs, what_a_text_lacks_is_said)
{
    static const struct {
        const char *cut, *said;
    } lacks[] = {{"# A `title`", "title"}, {"## Why", "Why"}, {"2. Second.", "exercises"}, {"- that", "choices"}};

    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++) {
        char *copy = strdup(labs_text), *at = strstr(copy, lacks[i].cut), *objection;
        struct lab_text text;

        memset(at, ' ', strlen(lacks[i].cut));
        lab_text_parse(&text, copy);
        objection = lab_text_objection(&text);
        cr_assert(objection && strstr(objection, lacks[i].said), "%s: %s", lacks[i].cut, objection ? objection : "nothing");
        free(objection);
        lab_text_free(&text);
        free(copy);
    }
}

static char *labs_html(const char *line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    lab_text_html(out, line);
    fclose(out);
    return text;
}

Test(labs, marks_within_a_line)
{
    static const struct {
        const char *line, *plain, *html;
    } lines[] = {
        {"`a*b*c` and **x < y**", "a*b*c and x < y", "<code>a*b*c</code> and <strong>x &lt; y</strong>"},
        {"2 * 3 * 4", "2 * 3 * 4", "2 * 3 * 4"},
        {"*why* <script>", "why <script>", "<em>why</em> &lt;script&gt;"},
        {"[PEP \"7\"](https://e.org/?a&b)", "PEP \"7\" <https://e.org/?a&b>", "<a href=\"https://e.org/?a&amp;b\">PEP &quot;7&quot;</a>"},
        {"a[0] = `b", "a[0] = `b", "a[0] = `b"},
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char *plain = lab_text_plain(lines[i].line), *html = labs_html(lines[i].line);

        cr_assert_str_eq(plain, lines[i].plain);
        cr_assert_str_eq(html, lines[i].html);
        free(plain);
        free(html);
    }
}

/* --- what was found --- */

Test(labs, values_grow_with_their_unit)
{
    char text[LAB_RUN_TEXT];

    cr_assert_str_eq(lab_run_value(12.34, "ns", text), "12.3 ns");
    cr_assert_str_eq(lab_run_value(2500000, "ns", text), "2.50 ms");
    cr_assert_str_eq(lab_run_value(1.5e6, "/s", text), "1.50 M/s");
    cr_assert_str_eq(lab_run_value(42, "", text), "42");
    cr_assert_str_eq(lab_run_value(1.254, "×", text), "1.25×");
}

Test(labs, series_are_summed_up)
{
    struct lab_series series = {0};

    cr_assert(isnan(lab_median(&series)) && isnan(lab_least(&series)));
    for (int i = 1; i <= LAB_SERIES + 10; i++)
        lab_add(&series, i);
    cr_assert_eq(series.count, LAB_SERIES);
    cr_assert_float_eq(lab_least(&series), 1, 0);
    cr_assert_float_eq(lab_median(&series), (LAB_SERIES + 1) / 2.0, 1e-9);
}

Test(labs, a_lane_shows_what_fills_most_of_a_column)
{
    json_t *spans = json_pack("[[s,i,i],[s,i,i],[s,i,i]]", "run", 0, 40, "wait", 40, 65, "hold", 65, 80);
    char *lane = lab_print_lane(spans, 0, 100, 10);

    cr_assert_str_eq(lane, "████··▓▓  ");
    free(lane);
    json_decref(spans);
}

/* A lab of each kind of block. */
static void labs_body(struct lab_run *run)
{
    lab_say(run, "It *says* <i>.");
    lab_figure(run, "a figure", 1500, "ns", 20);
    lab_figure(run, "not measured", NAN, "ns", -1);
    lab_bars(run, "bars", "/s");
    lab_bar(run, "half", 50, -1, "<note>");
    lab_bar(run, "all", 100, 1, NULL);
    lab_table(run, "table", "name|>value");
    lab_row(run, "one & two|%d", 12);
    lab_timeline(run, "line", 0, 1000);
    lab_legend(run, LAB_RUN, "runs");
    lab_lane(run, "thread <0>");
    lab_span(run, LAB_RUN, -100, 500);
    lab_span(run, LAB_RUN, 2000, 3000);
    lab_answer(run, 'b');
    lab_shown(run, "it came out");
}
static const struct lab labs_lab = {.name = "some", .text = labs_text, .number = 7, .run = labs_body};

Test(labs, a_result_holds_what_the_code_said)
{
    json_t *document = lab_run_here(&labs_lab, 1), *blocks = json_object_get(document, "blocks"), *spans;

    cr_assert_str_eq(json_string_value(json_object_get(document, "status")), "shown");
    cr_assert_str_eq(json_string_value(json_object_get(document, "answer")), "b");
    cr_assert_eq(json_array_size(blocks), 5, "figures that are neighbours make one list");
    spans = json_object_get(json_array_get(json_object_get(json_array_get(blocks, 4), "lanes"), 0), "spans");
    cr_assert_eq(json_array_size(spans), 1, "what is outside is cut");
    cr_assert_eq(json_integer_value(json_array_get(json_array_get(spans, 0), 1)), 0);
    json_decref(document);
}

static void labs_silent_body(struct lab_run *run)
{
    (void)run;
}

Test(labs, a_lab_that_says_nothing_has_failed)
{
    static const struct lab silent = {.name = "silent", .text = labs_text, .number = 8, .run = labs_silent_body};
    json_t *document = lab_run_here(&silent, 1);

    cr_assert_str_eq(json_string_value(json_object_get(document, "status")), "failed");
    json_decref(document);
}

static char *labs_drawn(json_t *document, bool page)
{
    struct lab_page_entry entry = {.lab = &labs_lab, .document = document};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (page)
        lab_page_write(out, &entry, 1);
    else
        lab_print_result(out, document, 80);
    fclose(out);
    return text;
}

Test(labs, the_terminal_gets_every_block)
{
    static const char *const parts[] = {"It says <i>.", "a figure      1.50 µs ± 20 ns", "not measured  –", "100 /s ± 1 /s\n", "<note>", "one & two     12",
                                        "thread <0> │██", "█ runs", "shown: it came out"};
    json_t *document = lab_run_here(&labs_lab, 1);
    char *text = labs_drawn(document, false);

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_assert(strstr(text, parts[i]), "'%s' is not in:\n%s", parts[i], text);
    free(text);
    json_decref(document);
}

Test(labs, the_page_gets_every_block_and_escapes_texts)
{
    static const char *const parts[] = {"It <em>says</em> &lt;i&gt;.", "1.50 µs <small>± 20 ns</small>", "&lt;note&gt;", "one &amp; two", "thread &lt;0&gt;",
                                        "<rect class=\"run\" x=\"0\" width=\"5000\"", "data-answer=\"b\"", "<strong>Shown:</strong> it came out",
                                        "<b>b)</b> that", "<li>Second.</li>", "href=\"#some\""};
    json_t *document = lab_run_here(&labs_lab, 1);
    char *text = labs_drawn(document, true);

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_assert(strstr(text, parts[i]), "'%s' is not in the page", parts[i]);
    cr_assert_null(strstr(text, "@RCLAB-LABS@"));
    free(text);
    json_decref(document);
}
