/*
 * test_str.c -- str: bytes with NULs, slices, hash, order, repr; the growing text buffer; repr and hash of what has none.
 */
#include "build.h"

TEST(str_keeps_every_byte_and_closes_with_a_zero)
{
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct obj *s = own(str_new(all, sizeof all)), *empty = own(str_new(NULL, 0));
    cr_assert(str_length(s) == 256 && memcmp(str_bytes(s), all, 256) == 0 && str_bytes(s)[256] == 0);
    cr_assert(str_length(empty) == 0 && str_bytes(empty)[0] == 0);
    cr_assert_eq(obj_equal(empty, text("")), 1);
    drop_owned();
}

TEST(str_compares_hashes_and_orders_past_embedded_nuls)
{
    struct obj *a = own(str_new("x\0a", 3)), *b = own(str_new("x\0b", 3));
    struct obj *x = own(str_new("x", 1)), *xn = own(str_new("x\0", 2));
    cr_assert(obj_equal(a, b) == 0 && obj_equal(x, xn) == 0 && obj_equal(a, own(str_new("x\0a", 3))) == 1);
    cr_assert(obj_less(a, b) == 1 && obj_less(b, a) == 0 && obj_less(x, xn) == 1 && obj_less(xn, x) == 0 && obj_less(a, a) == 0);
    cr_assert(hash_of(x) != hash_of(xn) && hash_of(a) != hash_of(b));
    struct obj *joined = own(str_concat(xn, a));
    cr_assert(str_length(joined) == 5 && memcmp(str_bytes(joined), "x\0x\0a", 6) == 0);
    drop_owned();
}

TEST(str_orders_bytes_as_unsigned)
{
    struct obj *low = text("a"), *high = text("\xc3\xa9");
    cr_assert(obj_less(low, high) == 1 && obj_less(high, low) == 0);
    cr_assert(obj_less(text(""), low) == 1 && obj_less(text("ab"), text("b")) == 1 && obj_less(text("b"), text("ab")) == 0);
    cr_assert(obj_less(low, num(1)) == -1 && raised(ERR_TYPE, "str and int"));
    drop_owned();
}

TEST(str_hash_depends_on_every_byte_and_on_nothing_else)
{
    char bytes[40] = {0};
    int64_t seen[41 * 8 + 41];
    int count = 0;
    for (int length = 0; length <= 40; length++) /* only zeros: the length tells them apart */
        seen[count++] = hash_of(own(str_new(bytes, (size_t)length)));
    for (int bit = 0; bit < 40 * 8; bit++) {
        bytes[bit / 8] = (char)(1 << bit % 8);
        struct obj *s = own(str_new(bytes, 40));
        seen[count++] = hash_of(s);
        cr_assert_eq(hash_of(s), hash_of(own(str_new(bytes, 40))));
        cr_assert_neq(hash_of(s), 0);
        bytes[bit / 8] = 0;
    }
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            cr_assert_neq(seen[i], seen[k], "%d and %d", i, k);
    drop_owned();
}

TEST(str_equality_does_not_depend_on_who_was_hashed)
{
    struct obj *a = text("same text"), *b = text("same text"), *c = text("same texu");
    hash_of(a);
    cr_assert(obj_equal(a, b) == 1 && obj_equal(b, a) == 1 && obj_equal(a, c) == 0);
    hash_of(b);
    hash_of(c);
    cr_assert(obj_equal(a, b) == 1 && obj_equal(a, c) == 0);
    drop_owned();
}

TEST(str_slices_are_clipped_and_count_from_the_end)
{
    static const struct {
        int64_t from, to;
        const char *part;
    } row[] = {{0, 5, "'hello'"}, {1, 3, "'el'"}, {-3, -1, "'ll'"}, {-99, 2, "'he'"}, {3, 99, "'lo'"},
               {4, 2, "''"}, {5, 9, "''"}, {9, 12, "''"},
               {INT64_MIN, INT64_MAX, "'hello'"}, {INT64_MAX, INT64_MIN, "''"}, {-1, INT64_MAX, "'o'"},
               {0, 0, "''"}, {-5, -5, "''"}};
    struct obj *s = text("hello");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        cr_assert_str_eq(shown(own(str_slice(s, row[i].from, row[i].to))), row[i].part);
    cr_assert_str_eq(shown(own(str_slice(own(str_new("a\0b\0c", 5)), 1, 4))), "'\\x00b\\x00'");
    drop_owned();
}

TEST(str_operations_name_the_wrong_type)
{
    struct obj *s = text("s"), *one = num(1);
    cr_assert(!str_concat(s, one) && raised(ERR_TYPE, "expected str, not int"));
    cr_assert(!str_concat(one, s) && raised(ERR_TYPE, "expected str, not int"));
    cr_assert(!str_slice(one, 0, 1) && raised(ERR_TYPE, "int"));
    cr_assert(str_length(one) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(!str_bytes(none_get()) && raised(ERR_TYPE, "NoneType"));
    drop_owned();
}

TEST(str_repr_is_pythons)
{
    cr_assert_str_eq(shown(text("")), "''");
    cr_assert_str_eq(shown(text("it's")), "\"it's\"");
    cr_assert_str_eq(shown(text("say \"hi\"")), "'say \"hi\"'");
    cr_assert_str_eq(shown(text("it's \"both\"")), "'it\\'s \"both\"'");
    cr_assert_str_eq(shown(text("a\\b\n\r\t\x01\x7f")), "'a\\\\b\\n\\r\\t\\x01\\x7f'");
    cr_assert_str_eq(shown(own(str_new("\0", 1))), "'\\x00'");
    cr_assert_str_eq(shown(text("h\xc3\xa9")), "'h\xc3\xa9'");
    drop_owned();
}

TEST(strbuf_grows_from_nothing_over_many_sizes)
{
    char want[5000];
    struct strbuf b = {0};
    build_seed = 4;
    cr_assert_eq(strbuf_add(&b, NULL, 0), 0);
    for (size_t length = 0; length < sizeof want - 300;) {
        size_t more = (size_t)draw_below(300);
        memset(want + length, (int)draw(), more);
        cr_assert_eq(strbuf_add(&b, want + length, more), 0);
        length += more;
        cr_assert(b.length == length && b.room >= length && memcmp(b.bytes, want, length) == 0);
    }
    size_t length = b.length;
    struct obj *s = own(strbuf_finish(&b));
    cr_assert(str_length(s) == (int64_t)length && memcmp(str_bytes(s), want, length) == 0);
    cr_assert(b.bytes == NULL && b.length == 0 && b.room == 0);
    cr_assert_eq(strbuf_add_text(&b, "again"), 0);
    strbuf_drop(&b);
    cr_assert_str_eq(shown(own(strbuf_finish(&b))), "''");
    drop_owned();
}

/* A type without slots: compared by identity, not hashed, not ordered, shown by name and address. */
TEST(type_without_slots_gets_the_defaults)
{
    static const struct type bare = {.name = "bare", .dealloc = none_dealloc};
    struct obj *a = own(obj_alloc(&bare, sizeof *a)), *b = own(obj_alloc(&bare, sizeof *b));
    int64_t hash;
    cr_assert(obj_equal(a, a) == 1 && obj_equal(a, b) == 0 && obj_equal(a, num(1)) == 0);
    cr_assert(obj_hash(a, &hash) == -1 && raised(ERR_TYPE, "a bare cannot be hashed"));
    cr_assert(obj_less(a, b) == -1 && raised(ERR_TYPE, "bare and bare"));
    cr_assert(strncmp(shown(a), "<bare at 0x", 11) == 0);
    drop_owned();
}

TEST(error_text_fits_any_buffer)
{
    char message[64];
    cr_assert(!list_get(list_of_ints(1, 2, 3), 9));
    cr_assert_str_eq(err_format(message, sizeof message), "IndexError: list index 9 out of range (length 3)");
    for (size_t size = 1; size < sizeof message; size++) {
        memset(message, '#', sizeof message);
        err_format(message, size);
        cr_assert(strlen(message) < size && message[size] == '#', "%zu", size);
        cr_assert(strncmp(message, "IndexError: list index 9 out of range (length 3)", strlen(message)) == 0);
    }
    cr_assert_eq(err_take(), ERR_INDEX);
    cr_assert_eq(err_take(), ERR_NONE);
    cr_assert_str_eq(err_format(message, sizeof message), "no error");
    drop_owned();
}
