/*
 * wordcount.c -- an index of the words of any text, made by all threads in one shared dict.
 *
 * A word is a maximal run of ASCII letters, lower-cased. It becomes a str; the dict maps it to a list, to which the word's
 * byte offset is appended as an int; the length of the list is the word's count. A missing list is put in by setdefault, so two
 * threads that meet a word at the same time share one. A repetition is one pass over the text with a fresh dict, which
 * thread 0 makes and drops while the others wait.
 *
 * The text is read (and lower-cased) before anything is timed: one file, or the regular files under a directory in the order
 * of their paths, links not followed, a newline between two, up to `limit` KiB; facts say how much was taken. The threads'
 * parts begin at word boundaries.
 *
 * The answer comes from a second, plain count of the same text that knows nothing of objects: all words sorted, equal ones
 * counted. Compared are the words met, the words indexed and the distinct words of every pass (a few per cent of its time) and, of
 * the last, each word with its count and positions (as sums that do not depend on an order).
 */
#include "../workload.h"
#include <inttypes.h>
#include <fcntl.h>
#include <fts.h>

enum { WORDCOUNT_BATCH = 16 }; /* words from safepoint to safepoint: some four operations each */
#define WORDCOUNT_INPUT "/usr/share/common-licenses"

struct wordcount_text {
    char *bytes;
    size_t length, limit;
    int64_t files, skipped; /* taken; not readable */
};

/* What two counts of a text must agree in. */
struct wordcount_sum {
    int64_t words, distinct;
    uint64_t counts, positions; /* each word's hash mixed with its count; times the sum of its positions */
};

struct wordcount_part {
    _Alignas(CACHE_LINE) size_t from;
    size_t to;
    int64_t words; /* in the last pass */
};

struct wordcount {
    struct wordcount_text text;
    struct wordcount_sum expected;
    struct wordcount_part *part; /* of each thread */
    struct obj *index;           /* the dict; written by thread 0 between barriers; NULL: could not be made */
    int64_t passes, wrong;
};

/* --- reading --- */

/* Takes what fits of an open file. 0, or -1 with errno. */
static int wordcount_take(struct wordcount_text *t, int fd)
{
    while (t->length < t->limit) {
        ssize_t n = read(fd, t->bytes + t->length, t->limit - t->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : 0;
        t->length += (size_t)n;
    }
    return 0;
}

/* 0, or -1 with errno: nothing was taken. */
static int wordcount_take_file(struct wordcount_text *t, const char *path)
{
    size_t before = t->length;
    if (before > 0 && before < t->limit)
        t->bytes[t->length++] = '\n';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 ? -1 : wordcount_take(t, fd), error = errno;
    if (fd >= 0)
        close(fd);
    if (failed)
        t->length = before;
    t->files += !failed;
    errno = error;
    return failed;
}

static int wordcount_by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

/* Takes one entry of the walk. 0, or an errno that concerns the input itself. */
static int wordcount_entry(struct wordcount_text *t, const FTSENT *e)
{
    int error = 0;
    if (e->fts_info == FTS_F)
        error = wordcount_take_file(t, e->fts_path) == 0 ? 0 : errno;
    else if (e->fts_info == FTS_DNR || e->fts_info == FTS_NS || e->fts_info == FTS_ERR)
        error = e->fts_errno;
    else if (e->fts_level == 0 && e->fts_info == FTS_DEFAULT)
        error = EINVAL; /* a device, a socket */
    if (error && e->fts_level == 0)
        return error;
    t->skipped += error != 0;
    return 0;
}

/* 0, or an errno. */
static int wordcount_walk(struct wordcount_text *t, char *path)
{
    char *const roots[] = {path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, wordcount_by_name);
    const FTSENT *e;
    int error = walk ? 0 : errno;
    while (!error && t->length < t->limit && (errno = 0, e = fts_read(walk)) != NULL)
        error = wordcount_entry(t, e);
    if (walk)
        fts_close(walk);
    return error;
}

/* Reads the input and lower-cases it. 0, or -1 with an error that names the input (which must stay, as the request does). */
static int wordcount_read(struct wordcount_text *t, const char *input)
{
    size_t size = strlen(input) + 1;
    char *path = os_alloc(size); /* fts wants it writable */
    t->bytes = os_alloc(t->limit);
    if (!path || !t->bytes) {
        os_free(path);
        err_memory();
        return -1;
    }
    int error = wordcount_walk(t, memcpy(path, input, size));
    os_free(path);
    if (error) {
        err_set_name(ERR_VALUE, "input '%s' cannot be read: %s", input, strerror(error));
        return -1;
    }
    for (size_t i = 0; i < t->length; i++)
        if (t->bytes[i] >= 'A' && t->bytes[i] <= 'Z')
            t->bytes[i] = (char)(t->bytes[i] + ('a' - 'A'));
    return 0;
}

/* --- words --- */

/* The next word in [*at, to), of which *at moves behind it; its length, or 0: no more. */
INLINE size_t wordcount_next(const char *bytes, size_t *at, size_t to, const char **word)
{
    size_t i = *at, from;
    while (i < to && !(bytes[i] >= 'a' && bytes[i] <= 'z'))
        i++;
    for (from = i; i < to && bytes[i] >= 'a' && bytes[i] <= 'z'; i++)
        continue;
    *word = bytes + from;
    *at = i;
    return i - from;
}

static uint64_t wordcount_hash(const char *word, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)word[i]) * 0x100000001b3u;
    return hash;
}

/* Adds one word with all its occurrences. */
static void wordcount_sum_add(struct wordcount_sum *sum, uint64_t hash, int64_t count, uint64_t positions)
{
    uint64_t state = hash + (uint64_t)count;
    sum->words += count;
    sum->distinct++;
    sum->counts += work_random(&state);
    sum->positions += hash * positions;
}

/* --- the plain count --- */

struct wordcount_word {
    const char *bytes;
    size_t length;
};

static int wordcount_by_bytes(const void *a, const void *b)
{
    const struct wordcount_word *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static size_t wordcount_collect(const struct wordcount_text *t, struct wordcount_word *word)
{
    size_t at = 0, n = 0, length;
    const char *bytes;
    while ((length = wordcount_next(t->bytes, &at, t->length, &bytes)) > 0) {
        if (word)
            word[n] = (struct wordcount_word){bytes, length};
        n++;
    }
    return n;
}

/* 0, or -1: no memory. */
static int wordcount_plain(const struct wordcount_text *t, struct wordcount_sum *sum)
{
    size_t n = wordcount_collect(t, NULL);
    struct wordcount_word *word = os_alloc((n + 1) * sizeof *word);
    if (!word) {
        err_memory();
        return -1;
    }
    wordcount_collect(t, word);
    qsort(word, n, sizeof *word, wordcount_by_bytes);
    for (size_t i = 0, first = 0; i < n; i++) {
        if (i + 1 < n && wordcount_by_bytes(&word[i], &word[i + 1]) == 0)
            continue;
        uint64_t positions = 0;
        for (size_t j = first; j <= i; j++)
            positions += (uint64_t)(word[j].bytes - t->bytes);
        wordcount_sum_add(sum, wordcount_hash(word[i].bytes, word[i].length), (int64_t)(i + 1 - first), positions);
        first = i + 1;
    }
    os_free(word);
    return 0;
}

/* --- set-up --- */

/* Parts of about equal length; each ends at the end of a word. */
static void wordcount_split(const struct wordcount_text *t, struct wordcount_part *part, int threads)
{
    size_t at = 0;
    const char *word;
    for (int i = 0; i < threads; i++) {
        size_t to = t->length * (size_t)(i + 1) / (size_t)threads;
        to = to < at ? at : to;
        if (to > 0 && t->bytes[to - 1] >= 'a' && t->bytes[to - 1] <= 'z' && to < t->length && t->bytes[to] >= 'a' &&
            t->bytes[to] <= 'z')
            wordcount_next(t->bytes, &to, t->length, &word);
        part[i] = (struct wordcount_part){.from = at, .to = to};
        at = to;
    }
}

static void wordcount_teardown(struct work *w)
{
    struct wordcount *s = w->state;
    obj_xdecref(s->index);
    os_free(s->part);
    os_free(s->text.bytes);
    os_free(s);
}

static int wordcount_setup(struct work *w)
{
    const char *input = work_param(w, "input");
    struct wordcount *s = w->state = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    input = *input ? input : WORDCOUNT_INPUT;
    s->text.limit = (size_t)work_int(w, "limit") << 10;
    if (wordcount_read(&s->text, input) != 0 || wordcount_plain(&s->text, &s->expected) != 0)
        goto failed;
    if (s->expected.words == 0) {
        err_set_name(ERR_VALUE, "input '%s' has no word in it%s", input, "");
        goto failed;
    }
    if (!(s->part = os_alloc_aligned(CACHE_LINE, (size_t)w->threads * sizeof *s->part))) {
        err_memory();
        goto failed;
    }
    wordcount_split(&s->text, s->part, w->threads);
    return 0;
failed:
    wordcount_teardown(w);
    return -1;
}

/* --- a pass --- */

/* The list of a word, put into the index if it is not there. New, or NULL. */
static struct obj *wordcount_list(struct obj *index, struct obj *word)
{
    struct obj *list;
    int found = dict_get(index, word, &list);
    if (found != 0)
        return list;
    struct obj *fresh = list_new(0);
    if (!fresh)
        return NULL;
    dict_setdefault(index, word, fresh, &list); /* NULL in list: an error */
    obj_decref(fresh);
    return list;
}

/* 0, or -1. */
static int wordcount_add(struct obj *index, const char *bytes, size_t length, int64_t position)
{
    struct obj *word = str_new(bytes, length), *list = word ? wordcount_list(index, word) : NULL;
    struct obj *at = list ? int_new(position) : NULL;
    int failed = at ? list_append(list, at) : -1;
    obj_xdecref(at);
    obj_xdecref(list);
    obj_xdecref(word);
    return failed;
}

/* The thread's part. 0, or -1. */
static int wordcount_pass(struct wordcount *s, struct wordcount_part *p)
{
    size_t at = p->from, length;
    const char *word;
    p->words = 0;
    while (s->index && (length = wordcount_next(s->text.bytes, &at, p->to, &word)) > 0) {
        if (unlikely(wordcount_add(s->index, word, length, word - s->text.bytes) != 0))
            return -1;
        if (++p->words % WORDCOUNT_BATCH == 0)
            rt_safepoint();
    }
    return 0;
}

/* By thread 0, while the others wait: a fresh dict in place of the last pass's. 0, or -1. */
static int wordcount_begin(struct wordcount *s)
{
    obj_xdecref(s->index);
    s->index = dict_new(0);
    return s->index ? 0 : -1;
}

/* The words that are in the index, each as often as its list is long; -1: an error. */
static int64_t wordcount_indexed(struct obj *index)
{
    struct obj *lists = dict_values(index);
    int64_t words = 0, n = lists ? list_length(lists) : -1;
    for (int64_t i = 0; i < n; i++) {
        struct obj *list = list_get(lists, i);
        words += list ? list_length(list) : 0;
        obj_xdecref(list);
    }
    obj_xdecref(lists);
    return n < 0 ? -1 : words;
}

/* By thread 0, when all are done. The dict stays for check(), or until the next pass. 0, or -1. */
static int wordcount_finish(struct work *w, struct wordcount *s)
{
    int64_t words = 0, indexed = wordcount_indexed(s->index);
    for (int i = 0; i < w->threads; i++)
        words += s->part[i].words;
    s->passes++;
    s->wrong += words != s->expected.words || indexed != words || dict_length(s->index) != s->expected.distinct;
    return indexed < 0 ? -1 : 0;
}

/* After an error a thread counts no more words but comes to every barrier. */
static int64_t wordcount_run(struct work *w, int thread, uint64_t reps)
{
    struct wordcount *s = w->state;
    int64_t words = 0;
    int failed = 0;
    for (uint64_t i = 0; i < reps; i++) {
        if (thread == 0)
            failed |= wordcount_begin(s);
        work_barrier(w);
        if (!failed)
            failed = wordcount_pass(s, &s->part[thread]);
        words += s->part[thread].words;
        work_barrier(w);
        if (thread == 0 && !failed)
            failed = wordcount_finish(w, s);
    }
    return failed ? -1 : words;
}

/* --- the answer --- */

/* Adds what one entry of the dict holds. 0, or -1. */
static int wordcount_sum_entry(struct wordcount_sum *sum, struct obj *word, struct obj *list)
{
    int64_t count = list_length(list), position = 0;
    uint64_t positions = 0;
    for (int64_t i = 0; i < count; i++) {
        struct obj *at = list_get(list, i);
        int failed = at ? int_value(at, &position) : -1;
        obj_xdecref(at);
        if (failed)
            return -1;
        positions += (uint64_t)position;
    }
    const char *bytes = str_bytes(word);
    if (!bytes || count < 1)
        return -1;
    wordcount_sum_add(sum, wordcount_hash(bytes, (size_t)str_length(word)), count, positions);
    return 0;
}

/* What the dict holds. 0, or -1. */
static int wordcount_sum_index(struct wordcount_sum *sum, struct obj *index)
{
    struct obj *items = dict_items(index);
    int64_t n = items ? list_length(items) : -1;
    int failed = n < 0 ? -1 : 0;
    for (int64_t i = 0; i < n && !failed; i++) {
        struct obj *pair = list_get(items, i);
        failed = pair ? wordcount_sum_entry(sum, tuple_get_borrowed(pair, 0), tuple_get_borrowed(pair, 1)) : -1;
        obj_xdecref(pair);
    }
    obj_xdecref(items);
    return failed;
}

static void wordcount_facts(struct work *w, const struct wordcount *s)
{
    work_fact(w, "files", s->text.files);
    work_fact(w, "skipped", s->text.skipped);
    work_fact(w, "bytes", (int64_t)s->text.length);
    work_fact(w, "words", s->expected.words);
    work_fact(w, "distinct", s->expected.distinct);
}

static bool wordcount_check(struct work *w)
{
    struct wordcount *s = w->state;
    const struct wordcount_sum *expected = &s->expected;
    struct wordcount_sum sum = {0};
    wordcount_facts(w, s);
    if (s->wrong || s->passes == 0 || !s->index)
        return work_wrong(w, "%" PRId64 " of %" PRId64 " passes found another number of words", s->wrong, s->passes);
    if (wordcount_sum_index(&sum, s->index) != 0)
        return work_wrong(w, "the index holds something that is not a word with its positions");
    if (sum.words != expected->words || sum.distinct != expected->distinct)
        return work_wrong(w, "%" PRId64 " words, %" PRId64 " distinct ones, instead of %" PRId64 " and %" PRId64, sum.words,
                          sum.distinct, expected->words, expected->distinct);
    if (sum.counts != expected->counts)
        return work_wrong(w, "as many words as a plain count finds, but not the same counts of each");
    if (sum.positions != expected->positions)
        return work_wrong(w, "the same words as in a plain count, but at other positions");
    return true;
}

static const struct param wordcount_params[] = {
    {"input", PARAM_PATH, NULL, 0, 0, "", "a file or directory; none: " WORDCOUNT_INPUT},
    {"limit", PARAM_INT, NULL, 1, 1 << 20, "4096", "KiB of text that are taken at most"},
    {0},
};

static const struct joint wordcount_joint[] = {{NULL, NULL, "a repetition is one pass of all threads over the text"}, {0}};

static const struct workload workload_wordcount = {
    .info = {.name = "wordcount", .unit = "words", .summary = "an index of a text's words in one shared dict",
             .params = wordcount_params, .joint = wordcount_joint},
    .setup = wordcount_setup,
    .run = wordcount_run,
    .check = wordcount_check,
    .teardown = wordcount_teardown,
};
