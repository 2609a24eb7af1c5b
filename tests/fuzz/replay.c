// SPDX-License-Identifier: GPL-2.0
/* main() of a fuzz target that is built without a fuzzer: runs each file, or standard input. */
#include "fuzz.h"

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* The input in memory of just its size, so that a sanitizer sees a read beyond it. */
static int run(FILE *f)
{
	uint8_t *data = NULL, *fit;
	size_t n = 0, cap = 0, got;

	do {
		if (n == cap)
			data = realloc(data, cap = 2 * cap + 4096);
		if (!data)
			return 1;
		got = fread(data + n, 1, cap - n, f);
		n += got;
	} while (got);
	fit = malloc(n ? n : 1);
	if (fit) {
		memcpy(fit, data, n);
		LLVMFuzzerTestOneInput(fit, n);
	}
	free(data);
	free(fit);
	return !fit;
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	int rc;

	if (!f) {
		perror(path);
		return 1;
	}
	rc = run(f);
	fclose(f);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	LLVMFuzzerInitialize(&argc, &argv);
	if (argc == 1)
		return run(stdin);
	for (int i = 1; i < argc && !rc; i++)
		rc = run_file(argv[i]);
	if (!rc)
		printf("%d inputs\n", argc - 1);
	return rc;
}
