// SPDX-License-Identifier: GPL-2.0
/*
 * kshark_draw PLUGIN FILE TID BINS: opens FILE with libkshark, loads PLUGIN as KernelShark does,
 * has it draw on the graph of a task and on those of the CPUs, without a screen. Prints a line for
 * each shape: "BIN HEIGHT COLOR" of a line upwards, "bar BIN BIN COLOR" of a level one; then "cpu
 * N" shapes.
 */
#include <cstdio>
#include <cstdlib>

#include <KsPlugins.hpp>

static KsPlot::Graph *graph;

static int bin_of(int x)
{
	for (int i = 0; i < graph->size(); i++)
		if (graph->bin(i)._base.x() == x)
			return i;
	return -1;
}

static void print(const KsPlot::PlotObject *object)
{
	auto *line = dynamic_cast<const KsPlot::Line *>(object);
	auto &c = object->_color;

	if (!line)
		printf("something else\n");
	else if (line->pointY(0) == line->pointY(1))
		printf("bar %d %d %d,%d,%d\n", bin_of(line->pointX(0)), bin_of(line->pointX(1) - 1),
		       c.r(), c.g(), c.b());
	else
		printf("%d %d %d,%d,%d\n", bin_of(line->pointX(0)), graph->base() - line->pointY(1),
		       c.r(), c.g(), c.b());
}

static KsPlot::PlotObjList draw(kshark_data_stream *stream, kshark_trace_histo *histo, int val,
				int action)
{
	KsPlot::PlotObjList shapes;
	KsCppArgV argv = { histo, graph, &shapes };

	for (auto *h = stream->draw_handlers; h; h = h->next)
		h->draw_func(argv.toC(), stream->stream_id, val, action);
	return shapes;
}

int main(int argc, char **argv)
{
	struct kshark_context *ctx = nullptr;
	struct kshark_entry **rows = nullptr;
	struct kshark_trace_histo histo;
	int sd, drawn = 0;

	if (argc != 5 || !kshark_instance(&ctx))
		return 2;
	auto *plugin = kshark_register_plugin(ctx, "hv_stimer", argv[1]);

	if (!plugin || !plugin->process_interface || (sd = kshark_open(ctx, argv[2])) < 0)
		return 1;
	kshark_data_stream *stream = kshark_get_data_stream(ctx, sd);

	kshark_register_plugin_to_stream(stream, plugin->process_interface, true);
	kshark_handle_all_dpis(stream, KSHARK_PLUGIN_INIT);
	ssize_t n = kshark_load_entries(ctx, sd, &rows);

	if (n <= 0)
		return 1;
	ksmodel_init(&histo);
	ksmodel_set_bining(&histo, atoi(argv[4]), rows[0]->ts, rows[n - 1]->ts);
	ksmodel_fill(&histo, rows, n);
	KsPlot::ColorTable colors;
	KsPlot::Graph g(&histo, &colors, &colors);

	graph = &g;
	g.setHeight(100);
	g.setBase(500);
	printf("bins %d from %lld width %lld\n", histo.n_bins, (long long)histo.min,
	       (long long)histo.bin_size);
	for (auto *shape : draw(stream, &histo, atoi(argv[3]), KSHARK_TASK_DRAW)) {
		print(shape);
		delete shape;
	}
	for (int cpu = 0; cpu < stream->n_cpus; cpu++)
		for (auto *shape : draw(stream, &histo, cpu, KSHARK_CPU_DRAW)) {
			drawn++;
			delete shape;
		}
	printf("cpu %d\n", drawn);
	ksmodel_clear(&histo);
	for (ssize_t i = 0; i < n; i++)
		free(rows[i]);
	free(rows);
	kshark_handle_all_dpis(stream, KSHARK_PLUGIN_CLOSE);
	printf("closed %s\n", stream->draw_handlers ? "with handlers" : "without handlers");
	kshark_close(ctx, sd);
	kshark_free(ctx);
	return 0;
}
