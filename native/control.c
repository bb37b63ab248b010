/* The connections to the shim's socket: who they are, what the engine says on them, when they end. */
#include <sys/ioctl.h>

#include "execute.h"
#include "shim.h"

static void send_state(struct client *client)
{
	struct shim_state message = {
		.length = sizeof(message) - 8, .type = 1, .phase = (uint8_t)shim.phase, .version = SHIM_VERSION,
		.pid = shim.pid, .code = shim.code, .signal = shim.signal,
		.started = shim.started, .finished = shim.finished,
		.index = shim.failure.index, .error = shim.failure.error,
	};
	/* An engine that lets so many states lie is not listening any more. */
	if (send(client->fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(message))
		client->gone = true;
}

void change_phase(enum shim_phase phase)
{
	shim.phase = phase;
	for (uint32_t i = 0; i < shim.client_count; i++)
		if (clients[i].kind == CLIENT_CONTROL)
			send_state(&clients[i]);
}

void apply_size(void)
{
	struct winsize size = { .ws_row = shim.rows, .ws_col = shim.columns };
	int master = shim.context ? shim.context->slots[SLOT_MASTER] : shim.streams[0].fd;
	if (shim.tty && master >= 0 && (shim.rows > 0 || shim.columns > 0))
		ioctl(master, TIOCSWINSZ, &size);
}

static void handle_control(enum control type, uint32_t number)
{
	if (type == CONTROL_SIGNAL && shim.pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, shim.pidfd, (int)number, NULL, 0);
	} else if (type == CONTROL_RESIZE) {
		shim.rows = (uint16_t)number;
		shim.columns = (uint16_t)(number >> 16);
		apply_size();
	} else if (type == CONTROL_CLOSE_STDIN) {
		shim.input.closing = !shim.tty;
	} else if (type == CONTROL_ROTATE) {
		log_rotate(clock_now(CLOCK_MONOTONIC));
	} else if (type == CONTROL_GO) {
		shim.go = true;
	} else if (type == CONTROL_EXPECT) {
		shim.expected = number;
		shim.expected_until = clock_now(CLOCK_MONOTONIC) + EXPECT_TIME;
	}
}

/* Reads a message, of which all have one size. Returns whether there is one. */
static bool read_message(struct client *client)
{
	uint8_t *at = (uint8_t *)&client->in + client->have;
	ssize_t n = RETRY(recv(client->fd, at, sizeof(client->in) - client->have, MSG_DONTWAIT));
	if (n == 0 || (n < 0 && errno != EAGAIN))
		client->gone = true;
	client->have += (uint8_t)(n > 0 ? n : 0);
	if (client->have < sizeof(client->in))
		return false;
	client->have = 0;
	return true;
}

static void read_control(struct client *client)
{
	while (read_message(client))
		handle_control(client->in.kind, client->in.number);
}

static void read_hello(struct client *client)
{
	if (!read_message(client))
		return;
	client->kind = client->in.kind;
	client->flags = client->in.flags;
	if (client->kind == CLIENT_CONTROL) {
		send_state(client);
		read_control(client);
	} else if (client->kind == CLIENT_ATTACH) {
		shim.expected -= shim.expected > 0;
	} else {
		client->gone = true;
	}
}

void accept_clients(void)
{
	while (shim.client_count < MAX_CLIENTS) {
		int fd = accept4(shim.listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct client *client = &clients[shim.client_count++];
		*client = (struct client){ .fd = fd };
		/* Usually the hello is there already: who attached before GO has attached before the process runs. */
		read_hello(client);
	}
}

struct pollfd poll_client(const struct client *client)
{
	bool input = client->kind != CLIENT_ATTACH || attach_wants_input(client);
	short events = (short)((input ? POLLIN : 0) | (client->begin < client->end ? POLLOUT : 0));
	/* poll() reports a hang-up whether one asks or not, again and again. */
	return (struct pollfd){ client->gone && !input ? -1 : client->fd, events, 0 };
}

void serve_client(struct client *client, short events)
{
	if (events & (POLLHUP | POLLERR)) {
		client->gone = true;
		client->begin = client->end = 0;
	}
	if ((events & POLLOUT) && client->begin < client->end)
		attach_flush(client);
	if (!(events & POLLIN))
		return;
	if (client->kind == CLIENT_NEW)
		read_hello(client);
	else if (client->kind == CLIENT_CONTROL)
		read_control(client);
	else if (attach_wants_input(client))
		attach_input(client);
}

void sweep_clients(void)
{
	uint32_t kept = 0;
	bool more_input = false;
	for (uint32_t i = 0; i < shim.client_count; i++) {
		struct client *client = &clients[i];
		bool attached = client->kind == CLIENT_ATTACH;
		bool may_bring_input = attached && (client->flags & ATTACH_STDIN) && shim.input.open;
		bool served = attached && shim.phase == PHASE_EXITED && client->begin == client->end;
		int unread = 0;

		if (served || (client->gone && !may_bring_input)) {
			client_close(client);
			continue;
		}
		if (may_bring_input && shim.input.closing && (ioctl(client->fd, FIONREAD, &unread) < 0 || unread > 0))
			more_input = true;
		clients[kept++] = *client;
	}
	shim.client_count = kept;
	if (shim.input.closing && !more_input)
		input_close();
}
