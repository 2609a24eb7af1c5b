// SPDX-License-Identifier: LGPL-2.1
/*
 * The drawing of the KernelShark plugin, in C++ because KernelShark's shapes are. In each bin of a
 * vCPU's graph there is a red column as high as the highest skew where an arm is past due, else a
 * point of a curve as high as the least time ahead. Above storms there is a bar.
 */
#include <algorithm>
#include <vector>

#include <KsPlugins.hpp>

#include "kshark_hv_stimer.h"

namespace
{

const KsPlot::Color past_due(220, 30, 30), ahead(0, 0, 120), storm(255, 140, 0);
const int THICK = 3; /* pixels of a curve */

void add_line(KsCppArgV *argv, int x, int y0, int y1, const KsPlot::Color &color, float size)
{
	auto *line = new KsPlot::Line(KsPlot::Point(x, y0), KsPlot::Point(x, y1));

	line->_color = color;
	line->_size = size;
	argv->_shapes->push_front(line);
}

void add_bar(KsCppArgV *argv, int x0, int x1, int y)
{
	auto *line = new KsPlot::Line(KsPlot::Point(x0, y), KsPlot::Point(x1, y));

	line->_color = storm;
	line->_size = 5;
	argv->_shapes->push_front(line);
}

void draw_arms(KsCppArgV *argv, const std::vector<struct ks_bin> &bins)
{
	KsPlot::Graph *graph = argv->_graph;

	for (size_t i = 0; i < bins.size(); i++) {
		const struct ks_bin &bin = bins[i];
		int height = graph->height(), y = graph->base(), x;

		if (!bin.arms)
			continue;
		x = graph->bin((int)i)._base.x();
		if (bin.most_ns != HVST_UNKNOWN)
			height = ks_skew_height(bin.most_ns, height);
		if (bin.past_due)
			add_line(argv, x, y, y - height, past_due, 2);
		else
			add_line(argv, x, y - height + THICK, y - height, ahead, THICK);
	}
}

void draw_storms(KsCppArgV *argv, const struct ks_task *task, int n)
{
	kshark_trace_histo *histo = argv->_histo;
	KsPlot::Graph *graph = argv->_graph;
	int y = graph->base() - graph->height() - 4, first, last;

	for (size_t i = 0; i < task->nr_storms; i++) {
		if (!ks_bin_storm(&task->storms[i], histo->min, histo->bin_size, n, &first, &last))
			continue;
		add_bar(argv, graph->bin(first)._base.x(), graph->bin(last)._base.x() + 1, y);
	}
}

} // namespace

void ks_draw(struct kshark_cpp_argv *c, int sd, int pid, int action)
{
	KsCppArgV *argv = KS_ARGV_TO_CPP(c);
	const struct ks_recording *recording = ks_recording_of(sd);
	const struct ks_task *task = recording ? ks_task_find(recording, pid) : nullptr;
	int n = std::min(argv->_histo->n_bins, argv->_graph->size());

	if (!(action & KSHARK_TASK_DRAW) || !task || n <= 0 || argv->_histo->bin_size <= 0)
		return;
	std::vector<struct ks_bin> bins(n);

	ks_bin_arms(task, argv->_histo->min, argv->_histo->bin_size, bins.data(), n);
	draw_arms(argv, bins);
	draw_storms(argv, task, n);
}
