/* Attached clients: their input to the container, the container's output to them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

#define PEEK_SIZE 1024

bool attach_wants_input(const struct client *client, const struct input *input)
{
	return client->kind == CLIENT_ATTACH && (client->flags & ATTACH_STDIN) && input->open && !input->full;
}

void input_close(struct input *input)
{
	/* A terminal's descriptor is the one that output comes from. */
	if (input->open && !input->tty)
		close(input->fd);
	input->fd = -1;
	input->open = false;
}

/* An engine that was killed looks like this. The process may not take that for the end of its input. */
static bool has_hung_up(int fd)
{
	struct pollfd poll_fd = { .fd = fd };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR));
}

/* The kernel moves the bytes from the socket to the pipe: the shim holds none of them, so nothing is lost or kept. */
static ssize_t move_to_pipe(int from, int to)
{
	return splice(from, NULL, to, NULL, READ_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

/* A terminal can't be spliced to. Bytes leave the socket only once the terminal has them. */
static ssize_t move_to_terminal(int from, int to)
{
	char data[PEEK_SIZE];
	ssize_t n = recv(from, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n;
	n = write(to, data, (size_t)n);
	return n > 0 ? recv(from, data, (size_t)n, MSG_DONTWAIT) : n;
}

void attach_input(struct client *client, struct input *input)
{
	ssize_t n;

	do
		n = (input->tty ? move_to_terminal : move_to_pipe)(client->fd, input->fd);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return;
	if (n == 0) {
		client->flags &= (uint8_t)~ATTACH_STDIN;
		/* A terminal has no end of input but the key for it. */
		if (input->once && !input->tty && !has_hung_up(client->fd))
			input->closing = true;
	} else if (errno == EAGAIN) {
		/* The socket had something, so it is the other side that takes nothing. */
		input->full = true;
	} else if (errno == EPIPE && !input->tty) {
		/* Nobody reads it any more. What is still sent stays in the sockets: whoever sends it has to wait, as with
		 * Docker. */
		input_close(input);
	} else {
		client->flags &= (uint8_t)~ATTACH_STDIN;
	}
}

/* Keeps what the client didn't take. */
static void keep(struct client *client, const uint8_t *data, size_t length)
{
	size_t need = client->end + length, size;
	void *larger;

	if (need > client->size) {
		/* A frame fits at once; only the drain after the exit needs more. */
		size = need < READ_SIZE + 4096 ? READ_SIZE + 4096 : (need + READ_SIZE) & ~(size_t)4095;
		larger = client->pending ? mremap(client->pending, client->size, size, MREMAP_MAYMOVE) : map_memory(size);
		if (!larger || larger == MAP_FAILED) {
			/* A gap in the stream would be a lie; a lost connection says what happened. */
			client->gone = true;
			client->begin = client->end = 0;
			return;
		}
		client->pending = larger;
		client->size = (uint32_t)size;
	}
	memcpy(client->pending + client->end, data, length);
	client->end += (uint32_t)length;
}

/* Returns what was taken; 0 also for a client that is gone. */
static size_t offer(struct client *client, struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	ssize_t n;

	do
		n = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (size_t)n;
	if (errno != EAGAIN)
		client->gone = true;
	return 0;
}

void attach_output(struct client *client, bool tty, uint8_t number, const uint8_t *data, size_t length)
{
	uint8_t header[8] = { number, 0, 0, 0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
			      (uint8_t)length };
	size_t head = tty ? 0 : sizeof(header), sent = 0;
	struct iovec parts[2] = { { header, head }, { (void *)(uintptr_t)data, length } };

	if (client->kind != CLIENT_ATTACH || client->gone || !(client->flags & (number == 2 ? ATTACH_STDERR : ATTACH_STDOUT)))
		return;
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

	client->begin += (uint32_t)offer(client, &part, 1);
	if (client->gone)
		client->begin = client->end = 0;
}

void attach_give_back(struct client *client)
{
	if (client->pending && client->begin == client->end) {
		munmap(client->pending, client->size);
		client->pending = NULL;
		client->size = client->begin = client->end = 0;
	}
}

void client_close(struct client *client)
{
	char data[PEEK_SIZE];

	client->begin = client->end = 0;
	attach_give_back(client);
	/* Closing a socket that holds unread input resets the connection, and the other side may throw away output that it
	 * has not read yet. So nothing more is let in, and what is in is read. */
	shutdown(client->fd, SHUT_RDWR);
	while (recv(client->fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	close(client->fd);
	*client = (struct client) { .fd = -1 };
}
