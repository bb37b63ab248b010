/* The relay: descriptor 3 takes a container's DNS queries by UDP, descriptor 4 by TCP; the engine's resolver answers
 * (PROTOCOL.md, section 4). Each connection of TCP is carried to one of its own; all datagrams go by the link, a connection
 * on which each stands in a frame with the address that it came from. What can't be passed on yet stays unread. */
#include <arpa/inet.h>
#include <sys/un.h>

#include "carry.h"

enum {
	UDP = 3,
	TCP = 4,
	BY_UDP = 0,
	BY_TCP = 1,
	RECEIVE_BUFFER = 4 << 20, /* of queries while the resolver is busy or away: thousands, of a few hundred bytes each */
	BURST = 16,               /* queries, before others have their turn */
	RETRY_TIME = 50,          /* ms between tries to find the resolver, while somebody may wait for an answer */
	TRIES = 100,              /* so many: as long as clients wait */
	REST_TIME = 5000,         /* ms between later ones. The resolver leaves when no relay has come for twice that */
};

/* As it stands on the link; `length` is of what follows it. */
struct frame {
	uint16_t length;
	struct sockaddr_in asker;
	uint8_t message[UINT16_MAX - sizeof(struct sockaddr_in)];
} __attribute__((packed));

static struct {
	const char *path, *id;
	int link;              /* to the resolver, or -1 */
	struct frame out, in;
	size_t size, sent; /* of `out`; 0: there is none */
	size_t have;       /* bytes of `in` */
} relay = { .link = -1 };

/* A connection to the resolver, on which it was told for whom it is. The socket's path may be longer than an address takes. */
static int open_link(uint8_t transport)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint8_t hello[2 + UINT8_MAX] = { transport, (uint8_t)strnlen(relay.id, UINT8_MAX) };
	int place = open(relay.path, O_PATH | O_CLOEXEC), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	put_number(put_text(address.sun_path, "/proc/self/fd/"), (uint64_t)place, 1);
	memcpy(hello + 2, relay.id, hello[1]);
	bool connected = place >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
			 send(fd, hello, 2U + hello[1], MSG_NOSIGNAL) == 2 + hello[1];
	close(place);
	if (connected)
		return fd;
	close(fd);
	return -1;
}

static int open_backend(void)
{
	return open_link(BY_TCP);
}

static void lose_link(void)
{
	close(relay.link);
	relay.link = -1;
	/* What it has only half is asked anew. */
	relay.have = relay.sent = 0;
}

/* Passes on a query, as far as the link takes it. Returns whether there may be more. */
static bool take_query(void)
{
	struct sockaddr_in asker;
	socklen_t length = sizeof(asker);
	if (relay.size == 0) {
		ssize_t got = recvfrom(UDP, relay.out.message, sizeof(relay.out.message), MSG_DONTWAIT,
				       (struct sockaddr *)&asker, &length);
		if (got < 0)
			return false;
		relay.out.asker = asker;
		relay.out.length = htons((uint16_t)(sizeof(asker) + (size_t)got));
		relay.size = offsetof(struct frame, message) + (size_t)got;
	}
	ssize_t sent = send(relay.link, (uint8_t *)&relay.out + relay.sent, relay.size - relay.sent, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		lose_link();
	if (sent < 0)
		return false;
	relay.sent += (size_t)sent;
	if (relay.sent < relay.size)
		return false;
	relay.size = relay.sent = 0;
	return true;
}

/* Passes on what the resolver answers. */
static void take_answers(void)
{
	uint8_t *at = (uint8_t *)&relay.in;
	const size_t head = offsetof(struct frame, message);
	ssize_t got = recv(relay.link, at + relay.have, sizeof(relay.in) - relay.have, MSG_DONTWAIT);
	relay.have += got > 0 ? (size_t)got : 0;
	while (got > 0 && relay.have >= sizeof(relay.in.length)) {
		struct frame *frame = (struct frame *)at;
		size_t size = sizeof(frame->length) + ntohs(frame->length);
		if (size < head)
			got = 0;
		if (size < head || relay.have < size)
			break;
		struct sockaddr_in asker = frame->asker;
		(void)!sendto(UDP, frame->message, size - head, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&asker, sizeof(asker));
		at += size;
		relay.have -= size;
	}
	memmove(&relay.in, at, relay.have);
	if (got == 0 || (got < 0 && errno != EAGAIN))
		lose_link();
}

int relay_main(int argc, char **argv)
{
	int size = RECEIVE_BUFFER, connections = streams_begin(TCP, open_backend, NULL);
	/* Not a connection's: it wakes for each query, those that stay unread included. */
	struct epoll_event query = { .events = EPOLLIN | (uint32_t)EPOLLET, .data.fd = UDP };
	bool paused = false;
	if (argc != 3 || connections < 0 || epoll_ctl(connections, EPOLL_CTL_ADD, UDP, &query) < 0)
		return 1;
	relay.path = argv[1];
	relay.id = argv[2];
	/* A smaller buffer does for all but floods. */
	if (setsockopt(UDP, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(UDP, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (int tries = 0;;) {
		if (relay.link < 0)
			relay.link = open_link(BY_UDP);
		bool full = relay.size > 0;
		struct pollfd set[] = {
			{ .fd = relay.link, .events = (short)(full ? POLLIN | POLLOUT : POLLIN) },
			{ .fd = full || relay.link < 0 ? -1 : UDP, .events = POLLIN },
			{ .fd = connections, .events = POLLIN },
		};
		poll(set, 3, relay.link >= 0 && !paused ? -1 : tries++ < TRIES ? RETRY_TIME : REST_TIME);
		if (set[0].revents & ~POLLOUT)
			take_answers();
		if ((set[0].revents & POLLOUT) || set[1].revents)
			for (int i = 0; i < BURST && relay.link >= 0 && take_query(); i++)
				continue;
		if (set[2].revents)
			tries = 0;
		if (set[2].revents || (paused && relay.link >= 0))
			paused = streams_step(0);
	}
}
