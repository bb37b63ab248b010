/* The relay: descriptor 3 takes queries by UDP, descriptor 4 by TCP, and one connection to the resolver takes them all
 * (PROTOCOL.md, section 4). What it can't pass on yet stays in the kernel's buffers, unread: queries of UDP, connections,
 * and messages of TCP that haven't come as a whole. */
#include <arpa/inet.h>
#include <sys/un.h>

#include "execute.h"
#include "relay.h"

struct relay relay;

static void time_passes(void)
{
	relay.now = (uint32_t)(clock_now(CLOCK_MONOTONIC) / 1000000);
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
	connections_give_up();
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
uint8_t *frame_message(void)
{
	return relay.out.data + LENGTH + HEADER;
}

void frame_send(uint32_t tag, enum transport transport, size_t length)
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
		expire_askers();
		expire_connections();
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
