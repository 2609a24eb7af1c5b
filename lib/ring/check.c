/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: ring. Reads all records of a file for libtracecmd's sake. */
#include <errno.h>

#include "check.h"
#include "pages.h"
#include "subbuf.h"

#define WINDOW (1u << 20)

/* libtracecmd 1.3.1 stops after 256 MiB of a CPU that has 2 GiB or more, and reports the end. */
#define TRACECMD_MAX INT32_MAX

/* Adds the number of unsound sub-buffers to *@unsound. */
static int check_pages(struct hvst_pages *p, struct hvst_unpack *u, unsigned long long *unsound)
{
	struct hvst_block b = { 0 };
	int rc = p->end - p->start > TRACECMD_MAX ? -EOVERFLOW : hvst_pages_rewind(p);
	uint64_t size = 0;
	uint32_t end;

	while (!rc) {
		rc = hvst_pages_load(p, &b, u);
		if (rc <= 0)
			break;
		size += b.len;
		rc = size > TRACECMD_MAX ? -EOVERFLOW : 0;
		for (size_t at = 0; at + p->page_size <= b.len; at += p->page_size)
			*unsound += !hvst_subbuf_end(b.data + at, p->page_size, &end);
	}
	hvst_block_free(&b);
	return rc;
}

static int check_cpu(struct hvst_file *f, unsigned int buffer, const struct hvst_cpu_data *cpu,
		     unsigned long long *unsound)
{
	struct hvst_unpack *u = NULL;
	struct hvst_pages p;
	char why[256];
	int rc;

	hvst_pages_init(&p, f, buffer, cpu,
			f->buffers[buffer].compressed ? HVST_MAX_CHUNK : WINDOW);
	if (p.compressed)
		u = hvst_unpack_new(f->compression);
	rc = p.compressed && !u ? -ENOMEM : check_pages(&p, u, unsound);
	if (rc == -EOVERFLOW) {
		hvst_file_fail(
			f, rc,
			"CPU %u has more than 2 GiB of data, of which libtracecmd reads a part; "
			"the page reader takes the file",
			cpu->cpu);
	} else if (rc) {
		hvst_pages_error(&p, cpu->cpu, rc, why, sizeof(why));
		hvst_file_fail(f, rc, "%s", why);
	}
	hvst_unpack_free(u);
	hvst_pages_free(&p);
	return rc;
}

int hvst_ring_check(struct hvst_file *f)
{
	unsigned long long unsound = 0;

	for (unsigned int i = 0; i < f->nr_buffers; i++)
		for (unsigned int c = 0; c < f->buffers[i].nr_cpus; c++) {
			int rc = f->buffers[i].text || !f->buffers[i].cpus[c].size
					 ? 0
					 : check_cpu(f, i, &f->buffers[i].cpus[c], &unsound);

			if (rc)
				return rc;
		}
	if (!unsound)
		return 0;
	return hvst_file_fail(f, -EBADMSG,
			      "corrupt: %llu sub-buffers make no sense, which libtracecmd does not "
			      "survive; the page reader takes the file",
			      unsound);
}
