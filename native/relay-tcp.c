/* The relay's queries by TCP: a connection brings several, and answers come in any order. */
#include <arpa/inet.h>
#include <sys/ioctl.h>

#include "execute.h"
#include "relay.h"

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

void connection_accept(void)
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

void answer_connection(uint16_t generation, uint16_t index, const uint8_t *message, size_t length)
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

void connection_event(struct connection *connection, uint32_t events)
{
	if (connection->fd == 0)
		return;
	/* One that isn't read is only heard of when it is gone. */
	if (connection->paused || connection->ended)
		connection_close(connection);
	else
		take_messages(connection, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

void connections_give_up(void)
{
	/* They shall ask again. */
	for (int i = 0; i < CONNECTIONS; i++)
		if (relay.connections[i].fd != 0 && relay.connections[i].outstanding > 0)
			connection_close(&relay.connections[i]);
}

void expire_connections(void)
{
	for (int i = 0; i < CONNECTIONS && relay.open > 0; i++)
		if (relay.connections[i].fd != 0 && relay.now - relay.connections[i].active >= ANSWER_TIME)
			connection_close(&relay.connections[i]);
}
