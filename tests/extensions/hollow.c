/*
 * hollow.c -- a shared object that is no extension: it exports no rclab_module. What the loader says of it is tested.
 */
extern const int hollow_nothing;
const int hollow_nothing = 0;
