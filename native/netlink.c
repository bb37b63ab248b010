/* One exchange with the kernel over a netlink socket (netlink(7)). */
#include <linux/netlink.h>

#include "execute.h"

enum { RECEIVE_SIZE = 32 << 10 }; /* the kernel makes no part of a dump longer */

/* Looks at one datagram of answers. Returns 0 or the first error that it tells; `dump` ends with its end. */
static int take(const struct nlmsghdr *header, size_t size, uint8_t *to, size_t room, int64_t *copied, bool *dump)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
		size_t length = NLMSG_ALIGN(header->nlmsg_len);
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
			int error = *(const int *)NLMSG_DATA(header);
			*dump = *dump && header->nlmsg_type != NLMSG_DONE;
			if (error < 0)
				return error;
		} else if (room > 0 && header->nlmsg_type != NLMSG_NOOP) {
			if (length > room - (size_t)*copied)
				return -EMSGSIZE;
			memcpy(to + *copied, header, header->nlmsg_len);
			*copied += (int64_t)length;
		}
		if (length > size)
			break;
	}
	return 0;
}

int netlink_exchange(int socket, const void *message, size_t length, uint8_t *to, size_t room, int64_t *copied)
{
	static _Alignas(8) uint8_t buffer[RECEIVE_SIZE];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (RETRY(sendto(socket, message, length, 0, (struct sockaddr *)&kernel, sizeof(kernel))) < 0)
		return -errno;
	/* The kernel answers before sendto() returns; the parts of a dump come as they are asked for. Of several errors the
	 * first is told, but all answers are taken, so that none is left for the next exchange. */
	const struct nlmsghdr *first = message;
	bool dump = length >= sizeof(*first) && (first->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	ssize_t got;
	int error = 0;
	while ((got = RETRY(recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC))) >= 0) {
		int told = got > RECEIVE_SIZE ? -EMSGSIZE : take((void *)buffer, (size_t)got, to, room, copied, &dump);
		error = error < 0 ? error : told;
	}
	return errno != EAGAIN ? -errno : error < 0 ? error : dump ? -EPROTO : 0;
}
