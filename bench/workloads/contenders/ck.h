/*
 * ck.h -- whether this build has Concurrency Kit (libck-dev). Not where ThreadSanitizer watches: it would not see ck's assembly.
 */
#ifndef CONTENDERS_CK_H
#define CONTENDERS_CK_H

#ifdef HAVE_CK
#define CONTENDERS_CK(names) names
#else
#define CONTENDERS_CK(names) "(ck: not in this build, it needs libck-dev and no ThreadSanitizer)"
#endif

#endif
