/*
 * pace.c -- how requests are timed, as text and as JSON.
 */
#include "pace.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const char *const pace_modes[] = {[PACE_CLOSED] = "closed", [PACE_FIXED] = "fixed"};
enum { PACE_MODES = sizeof pace_modes / sizeof pace_modes[0] };

bool pace_mode_parse(const char *text, enum pace_mode *mode)
{
    for (int i = PACE_OFF + 1; i < PACE_MODES; i++)
        if (strcmp(pace_modes[i], text) == 0) {
            *mode = (enum pace_mode)i;
            return true;
        }
    return false;
}

bool pace_rate_parse(const char *text, int64_t *rate)
{
    size_t digits = strspn(text, "0123456789."); /* strtod alone would take 0x10, 1e3 and inf */
    char *end;
    double number = strtod(text, &end);

    if (!isdigit((unsigned char)*text) || end != text + digits)
        return false;
    if (*end == 'k' || *end == 'M')
        number *= *end++ == 'k' ? 1e3 : 1e6;
    if (*end && strcmp(end, "/s") != 0)
        return false;
    if (!(number >= 1 && number <= PACE_MOST_RATE) || number != (double)(int64_t)number)
        return false;
    *rate = (int64_t)number;
    return true;
}

bool pace_equal(const struct pace *a, const struct pace *b)
{
    return a->mode == b->mode && a->rate == b->rate && a->request == b->request;
}

json_t *pace_json(const struct pace *pace)
{
    if (pace->mode == PACE_OFF)
        return json_null();
    return json_pack("{s:s, s:o, s:I}", "mode", pace_modes[pace->mode], "rate",
                     pace->mode == PACE_FIXED ? json_integer(pace->rate) : json_null(), "request", (json_int_t)pace->request);
}

bool pace_take(const json_t *value, struct pace *pace)
{
    const char *mode = json_string_value(json_object_get(value, "mode"));
    const json_t *rate = json_object_get(value, "rate"), *request = json_object_get(value, "request");

    *pace = (struct pace){0};
    if (!value || json_is_null(value))
        return true;
    if (!mode || !pace_mode_parse(mode, &pace->mode) || json_is_integer(rate) != (pace->mode == PACE_FIXED))
        return false;
    pace->rate = json_integer_value(rate);
    pace->request = json_integer_value(request);
    return pace->request >= 1 && pace->request <= PACE_MOST_REQUEST &&
           (pace->mode == PACE_CLOSED || (pace->rate >= 1 && pace->rate <= PACE_MOST_RATE));
}

char *pace_key(const struct pace *pace)
{
    char *rate = pace->mode == PACE_FIXED ? memory_text(",rate=%" PRId64, pace->rate) : memory_text("%s", "");
    char *request = pace->request > 1 ? memory_text(",request=%" PRId64, pace->request) : memory_text("%s", "");
    char *key = pace->mode == PACE_OFF ? memory_text("%s", "")
                                       : memory_text("/latency=%s%s%s", pace_modes[pace->mode], rate, request);

    free(rate);
    free(request);
    return key;
}

char *pace_words(const struct pace *pace)
{
    if (pace->mode == PACE_CLOSED)
        return memory_text("service time (closed loop)");
    if (pace->mode == PACE_FIXED)
        return memory_text("latency from the intended start (fixed rate %" PRId64 "/s a thread)", pace->rate);
    return memory_text("throughput");
}
