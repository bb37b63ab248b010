/* The shim: PROTOCOL.md, section 3. */
#ifndef CAISSON_SHIM_H
#define CAISSON_SHIM_H

/* The role `caisson-shim ID`: argv as it came. Returns the exit status. */
int shim_main(int argc, char **argv);

#endif
