/* Carrying what comes to sockets: the roles `proxy`, from a port of the host to a container, where the firewall does not,
 * and `relay`, a container's DNS queries to the engine's resolver. */
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include "native.h"

#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif

/* An address of either family. */
union address {
	sa_family_t family;
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline socklen_t address_size(const union address *address)
{
	return address->family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

/* Where the port is, in network order. */
static inline in_port_t *address_port(union address *address)
{
	return address->family == AF_INET ? &address->v4.sin_port : &address->v6.sin6_port;
}

/* streams.c: each connection that `listener` gets is carried to a backend, a socket of its own. `open` makes the next one
 * before there is a client (-1: not now); `connect`, if there is one, begins to connect it (-1: the client is reset).
 * Returns what becomes readable when there is something to do, or -errno. */
int streams_begin(int listener, int (*open)(void), int (*connect)(int backend, int client));

/* Waits so many ms at most (-1: until there is something) and does it. Returns whether it must be called again soon though
 * there was nothing. */
bool streams_step(int timeout);

/* datagrams.c: the same for datagrams. Returns -errno if it can't begin. */
int carry_datagrams(int listener, const union address *container);

/* Makes the soft limit of descriptors the hard one. What whoever started this ignored or blocked is the default again, but
 * for SIGPIPE. */
void carry_prepare(void);

/* proxy.c, relay.c: the roles. They return the exit status. */
int proxy_main(int argc, char **argv);
int relay_main(int argc, char **argv);
