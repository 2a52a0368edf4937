/*
 * page.h -- `rclab report FILE… -o report.html`: one HTML file that opens from disk. The template (scripts/page, built by
 * `make page`) draws; every figure in it was reduced here, by the modules that make the table.
 */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

int page_main(int argc, char **argv);

#endif
