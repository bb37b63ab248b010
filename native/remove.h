/* Removing trees that others filled. */
#ifndef CAISSON_REMOVE_H
#define CAISSON_REMOVE_H

#include <stdint.h>

/*
 * Removes `name` (one component) in `directory`, with all that is in it. Follows no link, enters no mount (EXDEV).
 * Missing is fine. Returns 0 and the number of removed entries, or -errno.
 */
int remove_tree(int directory, const char *name, int64_t *removed);

#endif
