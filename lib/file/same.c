/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. The comparison of two files' identities. */
#include <string.h>

#include "same.h"

/* A host's file names the trace ids of its guests; a guest's file names that of its host. */
static bool host_of(const struct hvst_file *host, const struct hvst_file *guest)
{
	if (guest->host_trace_id && guest->host_trace_id == host->trace_id)
		return true;
	for (unsigned int i = 0; i < host->nr_guests; i++)
		if (host->guests[i].trace_id && host->guests[i].trace_id == guest->trace_id)
			return true;
	return false;
}

static bool strings_differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

/* trace-cmd split copies them unchanged; another recording of the same host has other ones. */
static bool comms_differ(const struct hvst_file *a, const struct hvst_file *b)
{
	if (!a->nr_comms || !b->nr_comms)
		return false;
	if (a->nr_comms != b->nr_comms)
		return true;
	for (unsigned int i = 0; i < a->nr_comms; i++)
		if (a->comms[i].pid != b->comms[i].pid ||
		    strcmp(a->comms[i].comm, b->comms[i].comm))
			return true;
	return false;
}

const char *hvst_file_differs(const struct hvst_file *a, const struct hvst_file *b)
{
	if (host_of(a, b) || host_of(b, a))
		return "kernels, host's and guest's,";
	if (a->trace_id && b->trace_id)
		return a->trace_id == b->trace_id ? NULL : "trace ids";
	if (strings_differ(a->uname, b->uname))
		return "hosts";
	if (strings_differ(a->clock, b->clock))
		return "trace clocks";
	if (a->cpu_count && b->cpu_count && a->cpu_count != b->cpu_count)
		return "numbers of CPUs";
	return comms_differ(a, b) ? "saved command lines" : NULL;
}
