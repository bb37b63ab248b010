/* The role `relay`: passes a container's DNS queries on to the engine's resolver, and its answers back. */
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include "native.h"

enum {
	UDP = 3,
	TCP = 4,
	ASKERS = 16384,
	CONNECTIONS = 256,
	OUTSTANDING = 64, /* queries of one connection; then it must wait for answers */
	EVENTS = 16,
	BURST = 64,
	RECEIVE_BUFFER = 4 << 20, /* of queries while the resolver is busy or away: thousands, of a few hundred bytes each */
	LENGTH = 2,               /* bytes of a frame's length, which doesn't count itself */
	HEADER = 5,               /* tag and transport */
	FRAME = LENGTH + UINT16_MAX,
	MESSAGE = UINT16_MAX - HEADER,
	KEPT = 4096, /* bytes of each buffer that stay in memory */
	RETRY_TIME = 50,
	PATIENCE = 1000,      /* ms that queries are kept for a resolver that is gone */
	ANSWER_TIME = 10000,  /* ms until a query is forgotten, and a connection on which nothing happens */
	NONE = 0xffff,
};
enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_HELLO, TRANSPORT_LEAVE = 255 };

/* One that asked by UDP. Its tag is `generation` and its index, so that a late answer reaches nobody else. */
struct asker {
	struct sockaddr_in6 address; /* of either family */
	uint32_t asked;              /* ms */
	uint16_t generation, newer, older; /* by age; `older` links the free ones */
	bool waits;
};

struct connection {
	int fd; /* 0: none */
	uint32_t active; /* ms */
	uint16_t generation, outstanding;
	int least; /* bytes without which it doesn't wake this process; 0: any */
	bool paused, ended;
};

/* Bytes of a stream that are between `begin` and `end`. */
struct buffer {
	uint8_t *data;
	size_t begin, end, touched;
};

extern struct relay {
	const char *path, *id;
	int link, sources; /* the resolver or -1; an epoll of all that brings queries */
	struct buffer out, in;
	struct asker *askers;
	uint16_t newest, oldest, free, used, generation;
	struct connection connections[CONNECTIONS];
	int open;                  /* connections */
	uint32_t now, lost, tried; /* ms */
} relay;

/* relay.c: where the message of the next frame has its place, and sending it. Without a resolver everything is lost. */
uint8_t *frame_message(void);
void frame_send(uint32_t tag, enum transport transport, size_t length);

/* relay-udp.c */
void take_datagrams(void);
void drop_stale(void); /* throws away what has waited for longer than anybody waits for an answer */
void answer_datagram(uint16_t generation, uint16_t index, const uint8_t *message, size_t length);
void expire_askers(void);

/* relay-tcp.c */
void connection_accept(void);
void connection_event(struct connection *connection, uint32_t events);
void connections_give_up(void); /* those with queries that nobody will answer */
void answer_connection(uint16_t generation, uint16_t index, const uint8_t *message, size_t length);
void expire_connections(void);

/* Returns the exit status. */
int relay_main(int argc, char **argv);
