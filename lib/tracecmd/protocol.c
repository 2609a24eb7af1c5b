/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: tracecmd. Complete transfers over the socket, for both ends. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol.h"

int hvst_protocol_send(int fd, const void *p, size_t len)
{
	const char *from = p;

	while (len) {
		ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

int hvst_protocol_receive(int fd, void *p, size_t len)
{
	char *to = p;

	while (len) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}
