/* The two ends of a CLONE's channel: messages of PROTOCOL.md between a process and its child. */
#include <sys/uio.h>

#include "execute.h"

union rights {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(int) * MAX_PASSED)];
};

int channel_send(int channel, const struct message *message, const int *descriptors, struct outcome *remote)
{
	uint8_t present[MAX_PASSED];
	union rights rights;
	struct iovec parts[2] = { { (void *)message, sizeof(*message) }, { present, message->count } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	uint32_t sent = 0;

	for (uint32_t i = 0; i < message->count; i++) {
		present[i] = descriptors[i] >= 0;
		if (present[i])
			memcpy(CMSG_DATA(&rights.header) + sizeof(int) * sent++, &descriptors[i], sizeof(int));
	}
	if (sent > 0) {
		rights.header.cmsg_level = SOL_SOCKET;
		rights.header.cmsg_type = SCM_RIGHTS;
		rights.header.cmsg_len = CMSG_LEN(sizeof(int) * sent);
		header.msg_control = &rights;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * sent);
	}
	int error = RETRY(sendmsg(channel, &header, MSG_NOSIGNAL)) < 0 ? -errno : 0;
	if (error == -EPIPE || error == -ECONNRESET) {
		struct message last;
		while (channel_receive(channel, &last, NULL, 0, remote) > 0)
			;
		if (remote->error != 0)
			return -remote->error;
	}
	return error;
}

int channel_receive(int channel, struct message *message, int *descriptors, uint32_t expected, struct outcome *remote)
{
	uint8_t present[MAX_PASSED];
	union rights rights;
	struct iovec parts[2] = { { message, sizeof(*message) }, { present, sizeof(present) } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t length;

	*remote = (struct outcome){ 0 };
	/* Without a control buffer the kernel drops what is passed. */
	if (descriptors != NULL) {
		header.msg_control = &rights;
		header.msg_controllen = sizeof(rights);
	}
	/* ECONNRESET says that the other side went without reading all; what it wrote before comes after that. */
	do
		length = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	while (length < 0 && (errno == EINTR || errno == ECONNRESET));
	if (length <= 0)
		return length < 0 ? -errno : 0;
	if ((size_t)length < sizeof(*message))
		return -EPROTO;
	if (message->type == MESSAGE_ERROR && message->error >= 1 && message->error <= MALFORMED) {
		*remote = (struct outcome){ message->index, (int)message->error };
		return -remote->error;
	}
	if (descriptors == NULL)
		return 1;

	/* All of `expected`, or nothing. */
	bool any = header.msg_controllen >= CMSG_LEN(sizeof(int)) && rights.header.cmsg_type == SCM_RIGHTS;
	size_t count = any ? (rights.header.cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0, used = 0;
	const int *came = (const int *)CMSG_DATA(&rights.header);
	for (uint32_t i = 0; i < expected; i++)
		descriptors[i] = present[i] && used < count ? came[used++] : -1;
	if (message->type == MESSAGE_FDS && message->count == expected && (size_t)length == sizeof(*message) + expected &&
	    used == count && !(header.msg_flags & MSG_CTRUNC))
		return 1;
	while (count > 0)
		close(came[--count]);
	/* The kernel cuts off what doesn't fit into the descriptor table. */
	return header.msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
}
