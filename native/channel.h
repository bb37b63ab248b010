/* The two ends of a CLONE's channel: messages of PROTOCOL.md between a process and its child. */
#ifndef CAISSON_CHANNEL_H
#define CAISSON_CHANNEL_H

#include "wire.h"

/* Where an ERROR that the other side sent came from. */
struct remote_error {
	uint32_t index;
	int error; /* 0: there was none */
};

/*
 * Sends `message`; `descriptors` are message->count (FDS; -1: absent). 0 or -errno. When the other side is gone but left
 * an ERROR, that is what `remote` says: it is the reason, EPIPE is not.
 */
int channel_send(int channel, const struct message *message, const int *descriptors, struct remote_error *remote);

/*
 * Waits for a message: 1, 0 at the end, or -errno. FDS are only received when `descriptors` isn't NULL: exactly
 * `expected`, else EPROTO. An ERROR is returned as its errno, and in `remote`.
 */
int channel_receive(int channel, struct message *message, int *descriptors, uint32_t expected,
		    struct remote_error *remote);

#endif
