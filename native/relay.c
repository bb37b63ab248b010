/* The relay: descriptor 3 takes queries by UDP, descriptor 4 by TCP, and one connection to the resolver takes them all
 * (PROTOCOL.md, section 4). What it can't pass on yet stays in the kernel's buffers, unread: queries of UDP, connections,
 * and messages of TCP that haven't come as a whole. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "execute.h"
#include "relay.h"

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

static struct {
	const char *path, *id;
	int link, sources; /* the resolver or -1; an epoll of all that brings queries */
	struct buffer out, in;
	struct asker *askers;
	uint16_t newest, oldest, free, used, generation;
	struct connection connections[CONNECTIONS];
	int open;                  /* connections */
	uint32_t now, lost, tried; /* ms */
} relay;

static void time_passes(void)
{
	relay.now = (uint32_t)(clock_now(CLOCK_MONOTONIC) / 1000000);
}

/* askers */

static void asker_forget(uint16_t index)
{
	struct asker *asker = &relay.askers[index];
	*(asker->newer != NONE ? &relay.askers[asker->newer].older : &relay.newest) = asker->older;
	*(asker->older != NONE ? &relay.askers[asker->older].newer : &relay.oldest) = asker->newer;
	asker->waits = false;
	asker->older = relay.free;
	relay.free = index;
}

static uint32_t asker_add(const struct sockaddr_in6 *address)
{
	if (relay.free == NONE && relay.used == ASKERS)
		asker_forget(relay.oldest);
	uint16_t index = relay.free != NONE ? relay.free : relay.used++;
	struct asker *asker = &relay.askers[index];
	if (relay.free == index)
		relay.free = asker->older;
	asker->address = *address;
	asker->waits = true;
	asker->generation = ++relay.generation;
	asker->asked = relay.now;
	asker->newer = NONE;
	asker->older = relay.newest;
	*(relay.newest != NONE ? &relay.askers[relay.newest].newer : &relay.oldest) = index;
	relay.newest = index;
	return (uint32_t)asker->generation << 16 | index;
}

/* connections */

static void connection_close(struct connection *connection)
{
	close(connection->fd);
	connection->fd = 0;
	connection->generation++;
	relay.open--;
}

/* Says of what a connection brings whether it shall wake this process. */
static void connection_watch(struct connection *connection, int operation)
{
	bool asleep = connection->paused || connection->ended;
	uint64_t name = (uint64_t)(connection - relay.connections);
	struct epoll_event event = { .events = asleep ? 0 : EPOLLIN | EPOLLRDHUP, .data.u64 = name };
	if (epoll_ctl(relay.sources, operation, connection->fd, &event) < 0)
		connection_close(connection);
}

static void connection_accept(void)
{
	struct connection *best = &relay.connections[0];
	for (int i = 0; i < CONNECTIONS && best->fd != 0; i++) {
		struct connection *other = &relay.connections[i];
		if (other->fd == 0 || (int32_t)(other->active - best->active) < 0)
			best = other;
	}
	int fd = accept4(TCP, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	/* Without a descriptor for it, whoever has been silent for longest makes room. */
	bool full = fd < 0 && (errno == EMFILE || errno == ENFILE);
	if (best->fd != 0 && (full || fd >= 0))
		connection_close(best);
	if (fd < 0)
		return;
	relay.open++;
	*best = (struct connection){ .fd = fd, .active = relay.now, .generation = best->generation };
	connection_watch(best, EPOLL_CTL_ADD);
}

/* the resolver's connection */

static void buffer_empty(struct buffer *buffer)
{
	buffer->begin = buffer->end = 0;
	if (buffer->touched > KEPT)
		give_back(buffer->data, KEPT, buffer->touched);
	buffer->touched = 0;
}

static void link_lose(void)
{
	if (relay.link < 0)
		return;
	close(relay.link);
	relay.link = -1;
	relay.lost = relay.now;
	buffer_empty(&relay.out);
	buffer_empty(&relay.in);
	/* Nobody will answer them: they shall ask again. */
	for (int i = 0; i < CONNECTIONS; i++)
		if (relay.connections[i].fd != 0 && relay.connections[i].outstanding > 0)
			connection_close(&relay.connections[i]);
}

static void link_send(void)
{
	struct buffer *out = &relay.out;
	while (out->begin < out->end) {
		ssize_t sent = send(relay.link, out->data + out->begin, out->end - out->begin, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0 && errno != EINTR) {
			link_lose();
			return;
		}
		out->begin += sent > 0 ? (size_t)sent : 0;
	}
	buffer_empty(out);
}

/* Where the message of the next frame has its place; before it, its header. */
static uint8_t *frame_message(void)
{
	return relay.out.data + LENGTH + HEADER;
}

static void frame_send(uint32_t tag, enum transport transport, size_t length)
{
	uint16_t size = htons((uint16_t)(length + HEADER));
	uint8_t *data = relay.out.data;
	tag = htonl(tag);
	memcpy(data, &size, LENGTH);
	memcpy(data + LENGTH, &tag, sizeof(tag));
	data[LENGTH + sizeof(tag)] = (uint8_t)transport;
	relay.out.end = relay.out.touched = LENGTH + HEADER + length;
	link_send();
}

/* The socket's path may be longer than an address takes. */
static int link_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int place = open(relay.path, O_PATH | O_CLOEXEC);
	if (place < 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	put_number(put_text(address.sun_path, "/proc/self/fd/"), (uint64_t)place, 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	close(place);
	return fd;
}

static void link_open(void)
{
	relay.tried = relay.now;
	relay.link = link_connect();
	if (relay.link < 0)
		return;
	size_t length = strnlen(relay.id, 64);
	memcpy(frame_message(), relay.id, length);
	frame_send(UINT32_MAX, TRANSPORT_HELLO, length);
}

/* queries */

/* When the first query that waits came, in ms of the real time; 0: none waits. */
static int64_t waiting_since(void)
{
	uint8_t byte;
	union { struct cmsghdr header; uint8_t space[CMSG_SPACE(sizeof(struct timespec))]; } control;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct timespec came = { 0 };
	if (recvmsg(UDP, &message, MSG_DONTWAIT | MSG_PEEK) < 0)
		return 0;
	struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
	if (stamp != NULL && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SO_TIMESTAMPNS)
		memcpy(&came, CMSG_DATA(stamp), sizeof(came));
	return (int64_t)came.tv_sec * 1000 + came.tv_nsec / 1000000;
}

/* Throws away what has waited for longer than anybody waits for an answer. */
static void drop_stale(void)
{
	int64_t oldest = clock_now(CLOCK_REALTIME) / 1000000 - PATIENCE, came;
	while ((came = waiting_since()) != 0 && came < oldest)
		(void)!recv(UDP, NULL, 0, MSG_DONTWAIT);
}

static void take_datagrams(void)
{
	for (int i = 0; i < BURST && relay.link >= 0 && relay.out.end == 0; i++) {
		struct sockaddr_in6 from;
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(UDP, frame_message(), MESSAGE, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (got < 0)
			return;
		frame_send(asker_add(&from), TRANSPORT_UDP, (size_t)got);
	}
}

/* Wakes this process only when that much is there, or the end. */
static void connection_expect(struct connection *connection, int least)
{
	if (connection->least == least)
		return;
	setsockopt(connection->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
	connection->least = least;
}

/* No more queries come; it may still want its answers. */
static void connection_end(struct connection *connection, bool error)
{
	connection->ended = true;
	/* Closing what has unread bytes would reset the connection, and the answers on their way with it. */
	if (!error)
		(void)!recv(connection->fd, NULL, FRAME, MSG_TRUNC);
	if (!error && connection->outstanding > 0)
		connection_watch(connection, EPOLL_CTL_MOD);
	else
		connection_close(connection);
}

/* The length of the message that has come as a whole. 0: not yet; less: there will be none. */
static int next_message(const struct connection *connection, int *least)
{
	uint16_t length;
	int there = 0;
	ssize_t got = recv(connection->fd, &length, LENGTH, MSG_PEEK);
	*least = LENGTH;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == LENGTH) {
		length = ntohs(length);
		if (length == 0 || length > MESSAGE || ioctl(connection->fd, FIONREAD, &there) < 0)
			return -EPROTO;
		*least += length;
	}
	return got == LENGTH && there >= *least ? length : 0;
}

/* Takes the messages that have come, each behind its length. Of one that isn't whole the kernel keeps the beginning.
 * `end`: nothing comes behind what is there. */
static void take_messages(struct connection *connection, bool end)
{
	while (relay.link >= 0 && relay.out.end == 0) {
		int least, length = next_message(connection, &least);
		if (length < 0 || (length == 0 && end)) {
			connection_end(connection, length < 0);
			return;
		}
		connection_expect(connection, least);
		if (length == 0)
			return;
		uint16_t index = (uint16_t)(connection - relay.connections);
		recv(connection->fd, frame_message(), LENGTH, 0);
		recv(connection->fd, frame_message(), (size_t)length, 0);
		connection->active = relay.now;
		connection->paused = ++connection->outstanding >= OUTSTANDING;
		bool paused = connection->paused;
		if (paused)
			connection_watch(connection, EPOLL_CTL_MOD);
		/* Closes the connection when there is no resolver any more. */
		frame_send((uint32_t)connection->generation << 16 | index, TRANSPORT_TCP, (size_t)length);
		if (paused)
			return;
	}
}

/* answers */

static void answer_datagram(uint16_t generation, uint16_t index, const uint8_t *message, size_t length)
{
	struct asker *asker = &relay.askers[index < ASKERS ? index : 0];
	if (index >= relay.used || !asker->waits || asker->generation != generation)
		return;
	socklen_t size = asker->address.sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(asker->address);
	(void)!sendto(UDP, message, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&asker->address, size);
	asker_forget(index);
}

static void answer_connection(uint16_t generation, uint16_t index, const uint8_t *message, size_t length)
{
	struct connection *connection = &relay.connections[index < CONNECTIONS ? index : 0];
	uint16_t size = htons((uint16_t)length);
	if (index >= CONNECTIONS || connection->fd == 0 || connection->generation != generation)
		return;
	struct iovec parts[2] = { { &size, LENGTH }, { (void *)(uintptr_t)message, length } };
	struct msghdr whole = { .msg_iov = parts, .msg_iovlen = 2 };
	connection->active = relay.now;
	connection->outstanding -= connection->outstanding > 0;
	/* Who lets its answers pile up as far as the kernel lets it gets no more. */
	if (sendmsg(connection->fd, &whole, MSG_NOSIGNAL) < (ssize_t)(LENGTH + length) ||
	    (connection->ended && connection->outstanding == 0)) {
		connection_close(connection);
	} else if (connection->paused) {
		connection->paused = false;
		connection_watch(connection, EPOLL_CTL_MOD);
	}
}

/* Returns false when this process shall leave. */
static bool take_frame(const uint8_t *frame, size_t length)
{
	uint32_t tag;
	memcpy(&tag, frame, sizeof(tag));
	tag = ntohl(tag);
	uint16_t generation = (uint16_t)(tag >> 16), index = (uint16_t)tag;
	uint8_t transport = frame[sizeof(tag)];
	if (transport == TRANSPORT_UDP)
		answer_datagram(generation, index, frame + HEADER, length - HEADER);
	else if (transport == TRANSPORT_TCP)
		answer_connection(generation, index, frame + HEADER, length - HEADER);
	return transport != TRANSPORT_LEAVE;
}

/* Reads what the resolver says. Returns false when this process shall leave. */
static bool link_receive(void)
{
	struct buffer *in = &relay.in;
	ssize_t got = recv(relay.link, in->data + in->end, FRAME - in->end, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got <= 0) {
		link_lose();
		return true;
	}
	in->end += (size_t)got;
	if (in->end > in->touched)
		in->touched = in->end;
	while (in->end - in->begin >= LENGTH) {
		uint16_t length;
		memcpy(&length, in->data + in->begin, LENGTH);
		length = ntohs(length);
		if (length < HEADER) {
			link_lose();
			return true;
		}
		if (in->end - in->begin - LENGTH < length)
			break;
		if (!take_frame(in->data + in->begin + LENGTH, length))
			return false;
		in->begin += LENGTH + (size_t)length;
	}
	if (in->begin == in->end) {
		buffer_empty(in);
		return true;
	}
	in->end -= in->begin;
	memmove(in->data, in->data + in->begin, in->end);
	in->begin = 0;
	return true;
}

static void expire(void)
{
	while (relay.oldest != NONE && relay.now - relay.askers[relay.oldest].asked >= ANSWER_TIME)
		asker_forget(relay.oldest);
	if (relay.oldest == NONE && relay.used * sizeof(struct asker) > KEPT) {
		give_back(relay.askers, 0, relay.used * sizeof(struct asker));
		relay.used = 0;
		relay.free = NONE;
	}
	for (int i = 0; i < CONNECTIONS && relay.open > 0; i++)
		if (relay.connections[i].fd != 0 && relay.now - relay.connections[i].active >= ANSWER_TIME)
			connection_close(&relay.connections[i]);
}

static void connection_event(struct connection *connection, uint32_t events)
{
	if (connection->fd == 0)
		return;
	/* One that isn't read is only heard of when it is gone. */
	if (connection->paused || connection->ended)
		connection_close(connection);
	else
		take_messages(connection, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

static void take_queries(void)
{
	struct epoll_event events[EVENTS];
	int ready = epoll_wait(relay.sources, events, EVENTS, 0);
	for (int i = 0; i < ready; i++) {
		uint64_t name = events[i].data.u64;
		if (name == CONNECTIONS + UDP)
			take_datagrams();
		else if (name == CONNECTIONS + TCP)
			connection_accept();
		else
			connection_event(&relay.connections[name], events[i].events);
	}
}

/* Waits until the next attempt to reach the resolver: one a second when it has been gone for long and nobody asks. */
static void wait_for_resolver(void)
{
	struct pollfd query = { .fd = relay.sources, .events = POLLIN };
	drop_stale();
	if (relay.now - relay.lost > PATIENCE && poll(&query, 1, 0) == 0)
		poll(&query, 1, PATIENCE);
	else
		poll(NULL, 0, RETRY_TIME);
}

static bool prepare(int argc, char **argv)
{
	int one = 1, size = RECEIVE_BUFFER;
	struct epoll_event udp = { .events = EPOLLIN, .data.u64 = CONNECTIONS + UDP };
	struct epoll_event tcp = { .events = EPOLLIN, .data.u64 = CONNECTIONS + TCP };
	if (argc != 3)
		return false;
	relay.path = argv[1];
	relay.id = argv[2];
	relay.link = -1;
	relay.newest = relay.oldest = relay.free = NONE;
	relay.askers = map_memory(sizeof(struct asker) * ASKERS, MAP_PRIVATE);
	relay.out.data = map_memory(FRAME, MAP_PRIVATE);
	relay.in.data = map_memory(FRAME, MAP_PRIVATE);
	relay.sources = epoll_create1(EPOLL_CLOEXEC);
	/* A smaller buffer does for all but floods. */
	if (setsockopt(UDP, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(UDP, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return relay.askers != NULL && relay.out.data != NULL && relay.in.data != NULL && relay.sources >= 0 &&
	       setsockopt(UDP, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) == 0 &&
	       fcntl(TCP, F_SETFL, O_NONBLOCK) == 0 && epoll_ctl(relay.sources, EPOLL_CTL_ADD, UDP, &udp) == 0 &&
	       epoll_ctl(relay.sources, EPOLL_CTL_ADD, TCP, &tcp) == 0;
}

int relay_main(int argc, char **argv)
{
	signals_reset(UINT64_MAX);
	if (!prepare(argc, argv))
		return 1;
	time_passes();
	relay.lost = relay.now;
	for (;;) {
		time_passes();
		expire();
		if (relay.link < 0 && relay.now - relay.tried >= RETRY_TIME)
			link_open();
		if (relay.link < 0) {
			wait_for_resolver();
			continue;
		}
		bool behind = relay.out.end > 0;
		struct pollfd polls[2] = {
			{ .fd = relay.link, .events = (short)(POLLIN | (behind ? POLLOUT : 0)) },
			{ .fd = behind ? -1 : relay.sources, .events = POLLIN },
		};
		poll(polls, 2, relay.oldest != NONE || relay.open > 0 ? PATIENCE : -1);
		time_passes();
		if (polls[0].revents != 0 && !link_receive())
			return 0;
		if (relay.link >= 0 && (polls[0].revents & POLLOUT))
			link_send();
		if (relay.link >= 0 && polls[1].revents != 0)
			take_queries();
	}
}
