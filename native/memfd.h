/* Sealed memory files. */
#ifndef CAISSON_MEMFD_H
#define CAISSON_MEMFD_H

#include <stddef.h>

/* A file with these bytes that nobody can change any more, close-on-exec; or -errno. */
int memfd_sealed(const char *name, const void *bytes, size_t length);

/*
 * Makes sure that this program runs from a sealed memfd, else executes it again from one. Returns a descriptor of that
 * file (close-on-exec), or -errno.
 */
int memfd_reexecute(char **argv);

#endif
