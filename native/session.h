/* The role `execute`: PROTOCOL.md, section 2. */
#ifndef CAISSON_SESSION_H
#define CAISSON_SESSION_H

/* Serves descriptor 3 until its end. `self` is the sealed memfd that shims are started from. Returns the exit status. */
int session_main(int self);

#endif
