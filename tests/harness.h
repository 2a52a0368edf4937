/*
 * harness.h -- how a test is written, the same with Criterion and without it.
 *
 * TEST(name) { … } runs with a started runtime, the calling thread attached; when it ends the runtime is stopped and a
 * leaked object fails the test. Assertions (cr_assert…) belong to the main thread: threads return verdicts, see threads.h.
 * ThreadSanitizer does not work with Criterion (its arena maps into TSan's range): in such builds the same macros are defined
 * here, tests register by constructor, and each one is forked before any thread exists.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include "../rc/os.h"

/* Called around every test; defined in instance.c. */
static void test_start(void);
static void test_stop(void);

#ifndef OS_TSAN

#include <criterion/criterion.h>
/* The leak check is part of the body: Criterion 2.4 prints an assertion that fails in .fini and counts the test as passed. */
#define TEST_SUITE_(suite, name)                                                                                        \
    static void test_body_##name(void);                                                                                 \
    Test(suite, name, .init = test_start, .timeout = 120)                                                               \
    {                                                                                                                   \
        test_body_##name();                                                                                             \
        test_stop();                                                                                                    \
    }                                                                                                                   \
    static void test_body_##name(void)
#define TEST_SUITE(suite, name) TEST_SUITE_(suite, name)
#define TEST(name) TEST_SUITE(RC_STRATEGY, name)

#else

#include <sys/wait.h>

struct test_case {
    const char *name;
    void (*body)(void);
    struct test_case *next;
};
static struct test_case *test_cases;

#define TEST(test_name)                                                                                                 \
    static void test_body_##test_name(void);                                                                            \
    static struct test_case test_case_##test_name = {.name = #test_name, .body = test_body_##test_name};                \
    __attribute__((constructor)) static void test_register_##test_name(void)                                            \
    {                                                                                                                   \
        test_case_##test_name.next = test_cases;                                                                        \
        test_cases = &test_case_##test_name;                                                                            \
    }                                                                                                                   \
    static void test_body_##test_name(void)

#define cr_fail_at(text) (fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, (text)), fflush(stderr), _exit(1))
/* The message arguments of Criterion's asserts are accepted and dropped: the condition's text says what failed. */
#define cr_assert(condition, ...) ((condition) ? (void)0 : (void)cr_fail_at(#condition))
#define cr_assert_not(condition, ...) cr_assert(!(condition))
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b))
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b))
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b))
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b))
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b))
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b))
#define cr_assert_null(a, ...) cr_assert((a) == NULL)
#define cr_assert_not_null(a, ...) cr_assert((a) != NULL)
#define cr_assert_str_eq(a, b, ...) cr_assert(strcmp((a), (b)) == 0)

/* Runs one case in a child of its own; true: passed. ThreadSanitizer's exit status 66 fails it too. */
static bool test_fork(const struct test_case *t)
{
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        die("fork", errno);
    if (child == 0) {
        alarm(600);
        test_start();
        t->body();
        test_stop();
        exit(0); /* not _exit: the sanitizer reports at exit */
    }
    int status;
    waitpid(child, &status, 0);
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ok)
        printf("[FAIL] %s (status 0x%x)\n", t->name, (unsigned)status);
    return ok;
}

/* An argument chooses the tests whose name contains it. */
int main(int argc, char **argv)
{
    int tested = 0, passed = 0;
    for (const struct test_case *t = test_cases; t; t = t->next) {
        if (argc > 1 && argv[1][0] != '-' && !strstr(t->name, argv[1]))
            continue;
        tested++;
        passed += test_fork(t);
    }
    printf("[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: 0\n", tested, passed, tested - passed);
    return tested == passed ? 0 : 1;
}

#endif
#endif
