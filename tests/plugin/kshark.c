/* SPDX-License-Identifier: GPL-2.0 */
/* kshark FILE: "EVENT: INFO" of each event, as KernelShark's library has them, in order of time. */
#include <stdio.h>
#include <stdlib.h>

#include <libkshark.h>

static void print(const struct kshark_entry *entry)
{
	char *event = kshark_get_event_name(entry);
	char *info = kshark_get_info(entry);

	printf("%s: %s\n", event ? event : "", info ? info : "");
	free(event);
	free(info);
}

int main(int argc, char **argv)
{
	struct kshark_context *ctx = NULL;
	struct kshark_entry **rows = NULL;
	ssize_t n;
	int sd;

	if (argc != 2 || !kshark_instance(&ctx))
		return 2;
	sd = kshark_open(ctx, argv[1]);
	if (sd < 0) {
		fprintf(stderr, "kshark: cannot open %s\n", argv[1]);
		return 1;
	}
	n = kshark_load_entries(ctx, sd, &rows);
	for (ssize_t i = 0; i < n; i++)
		print(rows[i]);
	for (ssize_t i = 0; i < n; i++)
		free(rows[i]);
	free(rows);
	kshark_close(ctx, sd);
	kshark_free(ctx);
	return n < 0;
}
