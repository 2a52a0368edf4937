/*
 * incref-decref.c -- two threads take and drop references to one object; the last drop frees it once.
 */
static struct { struct obj *o; } pair;

static void pair_setup(void) { pair.o = list_new(0); obj_incref(pair.o); }
static void pair_thread(void)
{
    obj_incref(pair.o);
    obj_decref(pair.o);
    obj_decref(pair.o);
}
static const struct scenario incref_decref = {
    .name = "incref-decref", .summary = "two threads, one object: increfs and decrefs, the last one frees it once",
    .source = "Choi et al. 2018", .setup = pair_setup, .thread = {pair_thread, pair_thread},
};
SCENARIO(incref_decref);
