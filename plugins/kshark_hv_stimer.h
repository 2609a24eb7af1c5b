/* SPDX-License-Identifier: LGPL-2.1 */
/* The arms and storms of a recording, and their bins in KernelShark's graphs. */
#ifndef HVST_KSHARK_HV_STIMER_H
#define HVST_KSHARK_HV_STIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hvstimer/hvstimer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Times are those that KernelShark shows: with a cycle clock, cycles. */
struct ks_arm {
	int64_t ts, skew_ns; /* @skew_ns HVST_UNKNOWN: not known */
	bool past_due;
};

struct ks_storm {
	int64_t start, end;
};

/* A vCPU's thread: its arms and storms in order of time. */
struct ks_task {
	int tid;
	struct ks_arm *arms;
	struct ks_storm *storms;
	size_t nr_arms, nr_storms, arms_room, storms_room;
};

/* Tasks by thread id. */
struct ks_recording {
	struct ks_task *tasks;
	size_t nr_tasks, room;
	bool no_memory; /* reading stopped for that reason */
};

/* What of a thread's arms falls into one bin; skews HVST_UNKNOWN: none is known. */
struct ks_bin {
	unsigned int arms, past_due;
	int64_t most_ns; /* the highest skew */
};

#define KS_ERROR_LEN 512

/* 0, or a negative errno and the reason in @error. ks_recording_free() in every case. */
int ks_recording_read(struct ks_recording *r, const char *path, char error[KS_ERROR_LEN]);
void ks_recording_free(struct ks_recording *r);
/* NULL: not a vCPU. */
const struct ks_task *ks_task_find(const struct ks_recording *r, int tid);
/* Count arms of [@from, @from + @n * @width) into @n bins, which are cleared before. */
void ks_bin_arms(const struct ks_task *t, int64_t from, int64_t width, struct ks_bin *bins, int n);
/* The bins [*@first, *@last] that a storm lies in; false: none. */
bool ks_bin_storm(const struct ks_storm *s, int64_t from, int64_t width, int n, int *first,
		  int *last);
/* The height of a skew in a graph of so many pixels: by its logarithm, from 1 us to 100 s. */
int ks_skew_height(int64_t skew_ns, int height);

/* What the plugin holds for a stream of KernelShark; NULL: nothing. */
const struct ks_recording *ks_recording_of(int sd);

struct kshark_cpp_argv;
/* Draws on the graph of a task (kshark_draw.cpp). */
void ks_draw(struct kshark_cpp_argv *argv, int sd, int pid, int action);

#ifdef __cplusplus
}
#endif
#endif
