/* Attached clients: their input to the container, the container's output to them. */
#include "shim.h"

enum { PEEK_SIZE = 1024, MAX_PENDING = 64 << 20 };

bool attach_wants_input(const struct client *client)
{
	return client->kind == CLIENT_ATTACH && (client->flags & ATTACH_STDIN) && shim.input.open && !shim.input.full;
}

void input_close(void)
{
	/* A terminal's descriptor is the one that output comes from. */
	if (shim.input.open && !shim.tty)
		close(shim.input.fd);
	shim.input.fd = -1;
	shim.input.open = false;
}

/* An engine that was killed looks like this. The process may not take that for the end of its input. */
static bool has_hung_up(int fd)
{
	struct pollfd entry = { .fd = fd };
	return poll(&entry, 1, 0) == 1 && (entry.revents & (POLLHUP | POLLERR));
}

/* A terminal can't be spliced to. Bytes leave the socket only once the terminal has them. */
static ssize_t move_to_terminal(int from, int to)
{
	char data[PEEK_SIZE];
	ssize_t n = recv(from, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
	if (n > 0)
		n = write(to, data, (size_t)n);
	return n > 0 ? recv(from, data, (size_t)n, MSG_DONTWAIT) : n;
}

void attach_input(struct client *client)
{
	/* The kernel moves the bytes from the socket to the pipe: the shim holds none of them. */
	ssize_t n = shim.tty ? RETRY(move_to_terminal(client->fd, shim.input.fd))
			     : RETRY(splice(client->fd, NULL, shim.input.fd, NULL, READ_SIZE, SPLICE_F_NONBLOCK));
	if (n > 0)
		return;
	if (n < 0 && errno == EAGAIN) {
		/* The socket had something, so it is the other side that takes nothing. */
		shim.input.full = true;
	} else if (n < 0 && errno == EPIPE && !shim.tty) {
		/* Nobody reads it any more. What is still sent stays in the sockets, as with Docker. */
		input_close();
	} else {
		client->flags &= (uint8_t)~ATTACH_STDIN;
		/* A terminal has no end of input but the key for it. */
		if (n == 0 && shim.input.once && !shim.tty && !has_hung_up(client->fd))
			shim.input.closing = true;
	}
}

/* What was not sent yet is of no use to anybody. */
static void lose(struct client *client)
{
	client->gone = true;
	client->begin = client->end = 0;
}

/* Keeps what the client didn't take: a frame, or after the exit what was in the pipes. */
static void keep(struct client *client, const uint8_t *data, size_t length)
{
	if (client->pending == NULL)
		client->pending = map_memory(MAX_PENDING, MAP_PRIVATE);
	/* A gap in the stream would be a lie; a lost connection says what happened. */
	if (client->pending == NULL || length > MAX_PENDING - client->end) {
		lose(client);
		return;
	}
	memcpy(client->pending + client->end, data, length);
	client->end += (uint32_t)length;
}

/* Returns what was taken; 0 also for a client that is gone. */
static size_t offer(struct client *client, struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	ssize_t n = RETRY(sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (n < 0 && errno != EAGAIN)
		lose(client);
	return n < 0 ? 0 : (size_t)n;
}

void attach_output(struct client *client, uint8_t number, const uint8_t *data, size_t length)
{
	uint32_t size = __builtin_bswap32((uint32_t)length);
	uint8_t header[8] = { number };
	size_t head = shim.tty ? 0 : sizeof(header), sent = 0;
	struct iovec parts[2] = { { header, head }, { (void *)(uintptr_t)data, length } };
	uint8_t wanted = number == 2 ? ATTACH_STDERR : ATTACH_STDOUT;
	if (client->kind != CLIENT_ATTACH || client->gone || !(client->flags & wanted))
		return;
	memcpy(header + 4, &size, sizeof(size));
	if (client->begin == client->end) {
		client->begin = client->end = 0;
		sent = offer(client, parts, 2);
	}
	if (sent < head && !client->gone)
		keep(client, header + sent, head - sent);
	sent = sent < head ? 0 : sent - head;
	if (sent < length && !client->gone)
		keep(client, data + sent, length - sent);
}

void attach_flush(struct client *client)
{
	struct iovec part = { client->pending + client->begin, client->end - client->begin };
	size_t taken = offer(client, &part, 1);
	client->begin += (uint32_t)taken;
}

void attach_give_back(struct client *client)
{
	if (!client->pending || client->begin < client->end)
		return;
	munmap(client->pending, MAX_PENDING);
	client->pending = NULL;
	client->begin = client->end = 0;
}

void client_close(struct client *client)
{
	char data[PEEK_SIZE];
	client->begin = client->end = 0;
	attach_give_back(client);
	/* Closing a socket that holds unread input resets the connection, and the other side may throw away output that
	 * it has not read yet. So nothing more is let in, and what is in is read. */
	shutdown(client->fd, SHUT_RDWR);
	while (recv(client->fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	close(client->fd);
}
