/* The role `proxy`: passes on what comes to a port of the host to a port of a container, where the firewall does not. */
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

/* What the arguments say. */
struct proxy {
	int protocol; /* IPPROTO_* */
	union address host, container;
	uint16_t count; /* ports from the host's on, of which the firewall redirects the others to this one */
	int listener;
};

/* The port as a number, not in network order. */
uint16_t address_port(const union address *address);
void address_set_port(union address *address, uint16_t port);

/* proxy-tcp.c, proxy-udp.c: serves proxy->listener. Returns -errno when nothing more can come of it. */
int proxy_streams(const struct proxy *proxy);
int proxy_datagrams(const struct proxy *proxy);

/* Returns the exit status. */
int proxy_main(int argc, char **argv);
