# SPDX-License-Identifier: GPL-2.0
#
# make fuzz           fuzz every target for TIME seconds each (TARGETS="walk events", ENGINE=libfuzzer|afl,
#                     CORPUS=DIR keeps what is found; default build-fuzz/corpus)
# make fuzz-coverage  lines of lib/file, lib/ring, lib/event and lib/stream that seeds and findings reach, by file (CORPUS=DIR: those too)
# make check-mutations  20,000 damaged and 130,000 cut-off recordings through the real binary (tests/fuzz/mutations)
# make check-asan, check-valgrind, analyze
# make fuzz-smoke     replay seeds and regressions under the sanitizers, then a few seconds of each target

FUZZ_TARGETS	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BINS	:= $(patsubst %,$(O)/tests/fuzz/fuzz_%,$(FUZZ_TARGETS))
# With -fsanitize=fuzzer-no-link in SANITIZE the fuzzer brings main(), else replay.c does.
FUZZ_ENGINE	:= $(if $(findstring fuzzer,$(SANITIZE)),-fsanitize=fuzzer,$(O)/tests/fuzz/replay.o)
$(O)/tests/fuzz/fuzz_subbuf $(O)/tests/fuzz/fuzz_events $(O)/tests/fuzz/fuzz_replies: $(O)/tests/fuzz/cpu_stream.o
$(O)/tests/fuzz/fuzz_replies: EXE_LDFLAGS += -Wl,--wrap=socketpair,--wrap=posix_spawn,--wrap=waitpid
RECORD_HOST	:= execvp record_host_read record_host_free record_host_writable record_tids_read
$(O)/tests/fuzz/fuzz_args: EXE_LDFLAGS += $(RECORD_HOST:%=-Wl,--wrap=%)
FAULTS		:= malloc calloc realloc reallocarray strdup pthread_create pread
WITH_FAULTS	:= $(addprefix $(O)/tests/,fuzz/fuzz_diagnose fuzz/fuzz_tracecmd unit/test_errors)
$(O)/tests/fuzz/fuzz_diagnose $(O)/tests/fuzz/fuzz_tracecmd: $(O)/tests/fuzz/session.o
$(WITH_FAULTS): $(O)/tests/fuzz/faults.o
$(WITH_FAULTS): EXE_LDFLAGS += $(FAULTS:%=-Wl,--wrap=%)
$(O)/tests/fuzz/fuzz_plugin: $(call objs,$(PLUGIN_SRCS) $(filter plugins/%,$(PLUGIN_SHARED)))
$(O)/tests/fuzz/fuzz_script: $(O)/tests/unit/browse_fake.o
# Half of a drawing's time would go into telling the fuzzer what numbers it compares: none of them comes from the script.
DRAWING		:= index grid view view_timeline view_panes view_skew
ifneq ($(findstring fuzzer,$(SANITIZE)),)
$(DRAWING:%=$(O)/cli/browse/%.o): EXTRA_CFLAGS += -fno-sanitize-coverage=trace-cmp
endif
$(O)/tests/fuzz/fuzz_script: EXE_LDFLAGS += -Wl,--wrap=out_open
$(O)/tests/fuzz/%.o: EXTRA_CFLAGS += -DFUZZ_SOURCE='"$(CURDIR)"'

$(FUZZ_BINS): $(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o $(CLI_TEST_OBJS) $(LIB_A) \
		| $(O)/tests/fuzz/$(notdir $(HELPER))
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $(filter-out %/replay.o,$(filter %.o,$^)) $(FUZZ_ENGINE) $(LIB_A) $(LIBS) $(CLI_LIBS)

fuzz-programs: $(FUZZ_BINS) $(GEN_BIN)

fuzz fuzz-smoke: what = $(patsubst fuzz-%,%,$@)
fuzz fuzz-smoke:
	@scripts/packages install build ci
	@TARGETS="$(TARGETS)" TIME="$(TIME)" ENGINE="$(ENGINE)" CORPUS="$(CORPUS)" tests/fuzz/$(what)

COVERAGE	:= -fprofile-instr-generate -fcoverage-mapping
fuzz-coverage:
	@scripts/packages install build ci coverage
	@$(MAKE) --no-print-directory O=build-coverage CC=clang OPT=-O1 HARDENING=0 LDFLAGS="$(COVERAGE)" \
		CPPFLAGS="$(COVERAGE) -mllvm -runtime-counter-relocation" fuzz-programs
	@CORPUS="$(CORPUS)" MIN="$(MIN)" tests/fuzz/coverage

# All tests under the sanitizers; under valgrind; static analysis.
check-asan:
	@scripts/packages install build check
	@$(MAKE) --no-print-directory O=build-asan SANITIZE=address,undefined all test-programs
	@O=build-asan tests/run

check-valgrind:
	@scripts/packages install build check ci
	@$(MAKE) --no-print-directory all test-programs
	@O=$(O) tests/fuzz/valgrind

analyze:
	@scripts/packages install build ci analyze
	@scripts/analyze

.PHONY: check-asan check-valgrind analyze

check-mutations:
	@scripts/packages install build check
	@$(MAKE) --no-print-directory all
	@O=$(O) tests/fuzz/mutations

.PHONY: fuzz fuzz-smoke fuzz-coverage fuzz-programs check-mutations
