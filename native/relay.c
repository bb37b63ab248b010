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
	BURST = 16,               /* of queries, none but the last LARGE: the link takes so many when it takes any */
	LARGE = 4096,
	KEPT = 8192, /* bytes of each buffer that stay in memory */
	RETRY_TIME = 50, /* ms */
	PATIENCE = 1000,
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
	struct frame *out, *in;
	size_t have; /* bytes of `in` */
} relay;

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

static int connect_backend(int backend, int client)
{
	(void)backend;
	(void)client;
	return 0;
}

static void lose_link(void)
{
	close(relay.link);
	relay.link = -1;
	relay.have = 0;
}

/* Passes on what has come, if the link takes it. */
static void take_datagrams(void)
{
	ssize_t got = 0;
	for (int i = 0; i < BURST && got < LARGE; i++) {
		struct frame *frame = relay.out;
		struct sockaddr_in asker;
		socklen_t size = sizeof(asker);
		got = recvfrom(UDP, frame->message, sizeof(frame->message), MSG_DONTWAIT, (struct sockaddr *)&asker, &size);
		if (got < 0)
			return;
		frame->asker = asker;
		frame->length = htons((uint16_t)(sizeof(frame->asker) + (size_t)got));
		size_t whole = offsetof(struct frame, message) + (size_t)got;
		if (send(relay.link, frame, whole, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)whole) {
			lose_link();
			return;
		}
	}
	if (got >= LARGE)
		give_back(relay.out, KEPT, sizeof(struct frame));
}

/* Passes on what the resolver answers. */
static void take_answers(void)
{
	uint8_t *bytes = (uint8_t *)relay.in;
	ssize_t got = recv(relay.link, bytes + relay.have, sizeof(struct frame) - relay.have, MSG_DONTWAIT);
	relay.have += got > 0 ? (size_t)got : 0;
	size_t at = 0, touched = relay.have;
	while (relay.have - at >= sizeof(relay.in->length)) {
		struct frame *frame = (struct frame *)(bytes + at);
		size_t size = sizeof(frame->length) + ntohs(frame->length), head = offsetof(struct frame, message);
		if (size < head)
			got = 0;
		if (size < head || relay.have - at < size)
			break;
		struct sockaddr_in asker = frame->asker;
		(void)!sendto(UDP, frame->message, size - head, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&asker, sizeof(asker));
		at += size;
	}
	relay.have -= at;
	memmove(bytes, bytes + at, relay.have);
	if (relay.have == 0 && touched > KEPT)
		give_back(bytes, KEPT, sizeof(struct frame));
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		lose_link();
}

int relay_main(int argc, char **argv)
{
	const struct streams streams = { .listener = TCP, .open = open_backend, .connect = connect_backend };
	int size = RECEIVE_BUFFER, connections = streams_begin(&streams);
	int paused = 0;
	bool full = false; /* the link */
	if (argc != 3 || connections < 0)
		return 1;
	relay.path = argv[1];
	relay.id = argv[2];
	relay.link = -1;
	relay.out = map_memory(sizeof(struct frame), MAP_PRIVATE);
	relay.in = map_memory(sizeof(struct frame), MAP_PRIVATE);
	/* A smaller buffer does for all but floods. */
	if (setsockopt(UDP, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(UDP, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (relay.out == NULL || relay.in == NULL)
		return 1;
	for (;;) {
		struct pollfd set[] = {
			{ .fd = relay.link, .events = (short)(full ? POLLIN | POLLOUT : POLLIN) },
			{ .fd = full ? -1 : UDP, .events = POLLIN },
			{ .fd = connections, .events = POLLIN },
		};
		/* Whoever asks hastens the next attempt. */
		if (relay.link < 0 && (relay.link = set[0].fd = open_link(BY_UDP)) < 0)
			poll(NULL, 0, RETRY_TIME);
		poll(set, 3, relay.link < 0 ? PATIENCE : paused > 0 ? RETRY_TIME : -1);
		if (relay.link >= 0 && set[0].revents != 0) {
			full &= (set[0].revents & POLLOUT) == 0;
			if (set[0].revents & ~POLLOUT)
				take_answers();
		}
		if (relay.link >= 0 && set[1].revents != 0) {
			struct pollfd room = { .fd = relay.link, .events = POLLOUT };
			full = poll(&room, 1, 0) == 0;
			if (!full)
				take_datagrams();
		}
		full &= relay.link >= 0;
		if (set[2].revents != 0 || paused > 0)
			paused = streams_step(0);
		if (paused < 0)
			return 1;
	}
}
