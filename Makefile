# SPDX-License-Identifier: GPL-2.0
#
# make            build everything (never installs packages; says which are missing)
# make demo       install what is missing, build, diagnose a real recording of samples/ (scripts/demo)
# make check      install what is missing, build, run all tests (scripts/check)
# make check-distros  the two commands and the packages in fresh roots of DISTROS="bookworm trixie sid"
# make check-accuracy  200 random scenarios against the analysis: precision, recall, wrong answers
# make check-clock  10,000 random clocks against the reference-clock model (CLOCKS=N)
# make check-vm   stimer-storm's scenarios on a real KVM, in an emulated machine: recorded and judged
# make fuzz       fuzz every target TIME seconds; fuzz-smoke: the short round of .ci/run (tests/fuzz/fuzz.mk)
# make bench      compare reading speed with cat, trace-cmd report and a bare libtracecmd loop
# make install    prefix=/usr/local libdir=... DESTDIR=...; make uninstall
# make dist       hvstimer-VERSION.tar.gz of what is committed
#
# V=1 shows commands; O=DIR builds there; CC=clang; SANITIZE=address,undefined; WERROR=1; HARDENING=0.

prefix		?= /usr/local
bindir		?= $(prefix)/bin
libdir		?= $(prefix)/lib
libexecdir	?= $(prefix)/libexec/hvstimer
includedir	?= $(prefix)/include
mandir		?= $(prefix)/share/man
datadir		?= $(prefix)/share
bashcompdir	?= $(datadir)/bash-completion/completions
zshcompdir	?= $(datadir)/zsh/site-functions
fishcompdir	?= $(datadir)/fish/vendor_completions.d
unitdir		?= $(prefix)/lib/systemd/system
INSTALL		?= install
PKG_CONFIG	?= pkg-config
AR		?= ar
LDCONFIG	?= ldconfig
OBJCOPY		?= objcopy
VERSION		:= 0.1.0
ABI		:= 0

O		?= build
SANITIZE	?=
V		?= 0
WERROR		?= 0

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

# Only the helper program links libtracecmd, and only what tests and compares does so besides.
LIB_PKGS	:= libzstd zlib
CLI_PKGS	:= libtracefs ncursesw sqlite3
HELPER_PKGS	:= libtracecmd libtraceevent
ALL_PKGS	:= $(LIB_PKGS) $(CLI_PKGS) $(HELPER_PKGS)
pkg_libs	= $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
PKG_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags $(ALL_PKGS) 2>/dev/null)
LIB_LIBS	:= $(call pkg_libs,$(LIB_PKGS)) -lpthread -lm
CLI_LIBS	:= $(call pkg_libs,$(CLI_PKGS))
HELPER_LIBS	:= $(call pkg_libs,$(HELPER_PKGS))
HAVE_PKGS	:= $(shell $(PKG_CONFIG) --exists $(ALL_PKGS) 2>/dev/null && command -v $(CC) >/dev/null && echo y)

OPT		?= -O3
CFLAGS		?= $(OPT) -g
WARN		:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
		   -Wvla
ifneq ($(WERROR),0)
WARN		+= -Werror
endif
HARDENING	?= 1
ifneq ($(HARDENING),0)
HARDEN		:= -fstack-protector-strong -Wformat -Wformat-security
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine 2>/dev/null)),)
HARDEN		+= -fcf-protection -fstack-clash-protection
endif
HARDEN_LD	:= -Wl,-z,relro,-z,now,-z,noexecstack
# Fortify needs an optimizing compiler, and hides from the sanitizers what they are to find.
ifeq ($(SANITIZE)$(filter -O0,$(OPT) $(CFLAGS)),)
HARDEN		+= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
endif
ALL_CPPFLAGS	= -D_GNU_SOURCE -DHVST_VERSION='"$(VERSION)"' -Iinclude $(CPPFLAGS)
# One set of objects serves the shared library, the static one and the programs, so all is PIC. The library binds
# its own functions to itself (-Bsymbolic-functions below), so public ones may be inlined as well.
ALL_CFLAGS	= -std=gnu11 $(WARN) -fPIC $(CFLAGS) $(ALL_CPPFLAGS) $(HARDEN) $(PKG_CFLAGS) \
		  -fvisibility=hidden -fno-semantic-interposition -MMD -MP
ALL_LDFLAGS	= $(HARDEN_LD) $(LDFLAGS)
EXE_LDFLAGS	= -pie $(ALL_LDFLAGS)
ifneq ($(SANITIZE),)
ALL_CFLAGS	+= -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
ALL_LDFLAGS	+= -fsanitize=$(SANITIZE)
endif
LIBS		= $(LIB_LIBS) $(HELPER_LIBS)

srcs		= $(wildcard $(addsuffix /*.c,$(1)))
objs		= $(patsubst %.c,$(O)/%.o,$(1))
LIB_SRCS	:= $(call srcs,lib lib/abi lib/file lib/ring lib/tracecmd lib/event lib/hyperv lib/clock lib/stream \
		   lib/kvm lib/analysis lib/stats)
# What runs for each event calls from file to file: GCC compiles these files as one (5 % fewer instructions), into
# a plain object, so that whoever links the library optimises nothing anew.
HOT_SRCS	:= $(filter lib/stream/% lib/event/% lib/kvm/% lib/analysis/% lib/stats/%,$(LIB_SRCS))
ifeq ($(SANITIZE)$(filter -O0,$(OPT) $(CFLAGS)),)
HOT_LTO		:= $(shell $(CC) -flinker-output=nolto-rel -E -xc /dev/null >/dev/null 2>&1 && echo -flto=auto)
endif
LIB_OBJS	= $(if $(HOT_LTO),$(call objs,$(filter-out $(HOT_SRCS),$(LIB_SRCS))) $(O)/lib/hot.o,$(call objs,$(LIB_SRCS)))
CLI_SRCS	:= $(call srcs,cli cli/opt cli/filter cli/output cli/browse cli/export cli/stored cli/watch)
GEN_SRCS	:= $(call srcs,tests/gen)
UNIT_SRCS	:= $(wildcard tests/unit/test_*.c)
UNIT_HELPERS	:= $(filter-out $(UNIT_SRCS),$(wildcard tests/unit/*.c))
BENCH_SRCS	:= $(wildcard tests/bench/*.c)
SAMPLE_SRCS	:= $(wildcard samples/*.c)
PLUGIN_SRCS	:= $(wildcard plugins/plugin_*.c)

LIB_A		:= $(O)/libhvstimer.a
LIB_SO		:= $(O)/libhvstimer.so.$(VERSION)
CLI_BIN		:= $(O)/hvstimer
HELPER		:= $(O)/hvstimer-tracecmd
GEN_BIN		:= $(if $(GEN_SRCS),$(O)/hvst-gen)
UNIT_BINS	:= $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_SRCS))
BENCH_BINS	:= $(patsubst tests/bench/%.c,$(O)/tests/bench/%,$(BENCH_SRCS))
SAMPLE_BINS	:= $(patsubst samples/%.c,$(O)/samples/%,$(SAMPLE_SRCS))
PLUGINS		:= $(patsubst plugins/%.c,$(O)/plugins/%.so,$(PLUGIN_SRCS))
# Built where the headers of KernelShark's library are there, and not for sanitizers: it is loaded by programs
# without them.
KSHARK_CFLAGS	:= $(shell $(PKG_CONFIG) --exists libkshark 2>/dev/null && command -v $(CXX) >/dev/null && \
		   [ -e /usr/include/GL/glu.h ] && $(PKG_CONFIG) --cflags libkshark | sed "s/-I/-isystem /g")
KSHARK		:= $(if $(SANITIZE),,$(if $(KSHARK_CFLAGS),$(O)/kshark/plugin-hv_stimer.so))
# The reproducer's guest is a program for x86-64.
STORM_BIN	:= $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine 2>/dev/null)),$(O)/stimer-storm)

# A page of section 3 that names several functions gets a link for each but the first.
MAN_ALIASES	:= $(shell awk 'FNR == 1 { first = "" } /^\.Sh / { n = $$2 == "NAME" } n && /^\.Nm / \
			{ if (first) print $$2 ":" first; else first = $$2 }' man/*.3)
MAN_LINKS	:= $(foreach a,$(MAN_ALIASES),$(O)/man/$(firstword $(subst :, ,$(a))).3)

# Completions know the events by name, from the library's own table.
EVENT_NAMES	:= $(shell sed -n 's/^\tE.HVST_EV_[A-Z_]*, "[a-z][a-z]*", "\([a-z_]*\)".*/\1/p' lib/event/schema.c)
COMPLETIONS	:= $(patsubst %.in,$(O)/%,$(wildcard completions/*.in))
$(O)/completions/%: completions/%.in lib/event/schema.c
	@mkdir -p $(@D)
	$(Q)sed 's/@EVENTS@/$(EVENT_NAMES)/' $< >$@

all: deps-present $(LIB_A) $(LIB_SO) $(CLI_BIN) $(HELPER) $(PLUGINS) $(KSHARK) $(SAMPLE_BINS) $(STORM_BIN) \
	$(O)/hvstimer.pc $(O)/hvstimer-watch.service $(MAN_LINKS) \
	$(COMPLETIONS)

.PHONY: deps-present
deps-present:
ifneq ($(HAVE_PKGS),y)
	@echo "hvstimer: libraries are missing. Install them with:" >&2; \
	echo "  apt-get install $$(scripts/packages list build | tr '\n' ' ')" >&2; \
	echo "or run scripts/demo as root or with sudo at hand, which does it." >&2; exit 1
endif

# What is rebuilt when it changes: objects with the compiler and its flags, archives and programs with the
# list of sources (a deleted file leaves no newer prerequisite behind).
keep = $(Q)mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' >$@.new; \
	if cmp -s $@ $@.new; then rm $@.new; else mv $@.new $@; fi
$(O)/.flags: FORCE
	$(call keep,$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) $(HOT_LTO) $(EXE_LDFLAGS) $(LIBS) $(CLI_LIBS))
$(O)/.sources: FORCE
	$(call keep,$(LIB_SRCS) $(CLI_SRCS) $(GEN_SRCS) $(UNIT_HELPERS))
.PHONY: FORCE

$(O)/%.o: %.c $(O)/.flags | deps-present
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

$(call objs,$(HOT_SRCS)): private EXTRA_CFLAGS += $(HOT_LTO)
$(O)/lib/hot.o: $(call objs,$(HOT_SRCS)) $(O)/.sources
	$(say) LD $@
	$(Q)$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -r $(HOT_LTO) -flinker-output=nolto-rel -o $@ $(filter %.o,$^)

$(LIB_A): $(LIB_OBJS) $(O)/.sources
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(LIB_SO): $(LIB_OBJS) lib/libhvstimer.map
	$(say) LD $@
	$(Q)$(CC) -shared $(ALL_LDFLAGS) -Wl,-soname,libhvstimer.so.$(ABI) -Wl,-Bsymbolic-functions \
		-Wl,--version-script=lib/libhvstimer.map -o $@ $(filter %.o,$^) $(LIB_LIBS)
	$(Q)ln -sf $(notdir $@) $(O)/libhvstimer.so.$(ABI) && ln -sf $(notdir $@) $(O)/libhvstimer.so

$(CLI_BIN): $(call objs,$(CLI_SRCS)) $(LIB_A) $(O)/.sources
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) $(CLI_LIBS)

$(HELPER): $(O)/libexec/hvstimer-tracecmd.o $(O)/lib/tracecmd/protocol.o
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $^ $(HELPER_LIBS)

# The library looks for the helper beside the running program.
HELPER_LINKS	:= $(patsubst %,$(O)/%/$(notdir $(HELPER)),samples tests/unit tests/bench tests/fuzz)
$(HELPER_LINKS): | $(HELPER)
	@mkdir -p $(@D)
	$(Q)ln -sf $(abspath $(HELPER)) $@
$(O)/lib/tracecmd/helper.o: EXTRA_CFLAGS += -DHVST_LIBEXECDIR='"$(libexecdir)"'
$(O)/lib/tracecmd/helper.o: $(O)/.prefix

# Everything of cli/ but main.o, for the unit tests of the renderers and the browser's model.
CLI_TEST_OBJS	:= $(filter-out $(O)/cli/main.o,$(call objs,$(CLI_SRCS)))

$(O)/hvst-gen: $(call objs,$(GEN_SRCS)) $(LIB_A)
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

$(UNIT_BINS): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(call objs,$(UNIT_HELPERS)) $(CLI_TEST_OBJS) $(LIB_A) \
		| $(O)/tests/unit/$(notdir $(HELPER))
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS) $(CLI_LIBS) -lcmocka

$(BENCH_BINS): $(O)/tests/bench/%: $(O)/tests/bench/%.o $(LIB_A) | $(O)/tests/bench/$(notdir $(HELPER))
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

$(SAMPLE_BINS): $(O)/samples/%: $(O)/samples/%.o $(LIB_A) | $(O)/samples/$(notdir $(HELPER))
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS)

# The reproducer: a VMM that needs only the C library and the kernel's headers, and within it the guest, a
# flat image at its own address.
STORM		:= samples/stimer-storm
STORM_OBJS	:= $(patsubst %.c,$(O)/%.o,$(filter-out $(STORM)/guest.c,$(wildcard $(STORM)/*.c)))
STORM_CFLAGS	:= -std=gnu11 $(WARN) -g -O2 -MMD -MP
GUEST_CFLAGS	:= -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only \
		   -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
		   -Wno-interrupt-service-routine

$(O)/$(STORM)/guest.o: $(STORM)/guest.c $(O)/.flags
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(STORM_CFLAGS) $(GUEST_CFLAGS) -c -o $@ $<

$(O)/$(STORM)/guest.img: $(O)/$(STORM)/guest.o $(STORM)/guest.ld
	$(say) LD $@
	$(Q)$(CC) -nostdlib -static -Wl,--build-id=none,-z,noexecstack,--omagic \
		-T $(STORM)/guest.ld -o $(@:.img=.elf) $<
	$(Q)$(OBJCOPY) -O binary $(@:.img=.elf) $@

$(O)/$(STORM)/vm.o: $(O)/$(STORM)/guest.img
$(filter-out %/guest.o,$(STORM_OBJS)): $(O)/%.o: %.c $(O)/.flags
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(STORM_CFLAGS) $(HARDEN) -fPIE -D_GNU_SOURCE -DHVST_VERSION='"$(VERSION)"' \
		-DGUEST_IMAGE='"$(O)/$(STORM)/guest.img"' -c -o $@ $<

$(O)/stimer-storm: $(STORM_OBJS)
	$(say) LD $@
	$(Q)$(CC) -pie $(HARDEN_LD) -o $@ $^ -lpthread

# The plugin links nothing: libtraceevent's symbols come from the program that loads it. It is built from
# the same names and decoders as the library, compiled in, hidden.
PLUGIN_SHARED	:= $(addprefix lib/hyperv/,meaning.c names.c timers.c)
$(PLUGINS): $(O)/plugins/%.so: $(O)/plugins/%.o $(call objs,$(wildcard $(PLUGIN_SHARED)))
	$(say) LD $@
	$(Q)$(CC) -shared $(ALL_LDFLAGS) -Wl,--version-script=plugins/plugin.map -o $@ $^

# The plugin for KernelShark has the library within it; its drawing is in C++, as KernelShark's shapes are.
KSHARK_OBJS	:= $(O)/plugins/kshark_hv_stimer.o $(O)/plugins/kshark_draw.o
kshark_dir	?= $(prefix)/lib/$(shell $(CC) -print-multiarch 2>/dev/null)/kernelshark/plugins
$(O)/plugins/kshark_hv_stimer.o: private EXTRA_CFLAGS += $(KSHARK_CFLAGS)
$(O)/plugins/kshark_draw.o: plugins/kshark_draw.cpp $(O)/.flags
	$(say) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 $(filter-out -Wstrict-prototypes -Wmissing-prototypes -Wshadow,$(WARN)) -fPIC $(CFLAGS) \
		$(ALL_CPPFLAGS) $(HARDEN) $(KSHARK_CFLAGS) -fvisibility=hidden -MMD -MP -c -o $@ $<
$(KSHARK): $(KSHARK_OBJS) $(LIB_A) plugins/kshark.map
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CXX) -shared $(ALL_LDFLAGS) -Wl,--version-script=plugins/kshark.map -o $@ $(KSHARK_OBJS) $(LIB_A) \
		-lkshark-plot $(call pkg_libs,libkshark) $(LIB_LIBS)

# Programs of tests/plugin/t_*: they know the plugin through libtraceevent alone.
PLUGIN_TESTS	:= $(O)/tests/plugin/drive
$(PLUGIN_TESTS): $(O)/tests/plugin/%: $(O)/tests/plugin/%.o
	$(say) LD $@
	$(Q)$(CC) $(EXE_LDFLAGS) -o $@ $^ $(HELPER_LIBS)

# The plugin goes where libtraceevent of this machine looks; make install does the first of these too.
plugindir	?= $(shell $(PKG_CONFIG) --variable=libdir libtraceevent 2>/dev/null)/traceevent/plugins
user_plugindir	?= $(HOME)/.local/lib/traceevent/plugins

install-plugin: to = $(plugindir)
install-plugin-user: to = $(user_plugindir)
install-plugin install-plugin-user: $(PLUGINS)
	$(say) INSTALL $(to)
	$(Q)$(INSTALL) -d "$(DESTDIR)$(to)" && $(INSTALL) -m 644 $^ "$(DESTDIR)$(to)"

.PHONY: install-plugin install-plugin-user

$(O)/hvstimer.pc: lib/hvstimer.pc.in $(O)/.prefix
	$(Q)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|' $< > $@
$(O)/.prefix: FORCE
	$(call keep,$(prefix) $(libdir) $(libexecdir) $(includedir) $(VERSION) $(bindir))

$(O)/hvstimer-watch.service: data/hvstimer-watch.service.in $(O)/.prefix
	$(Q)sed 's|@bindir@|$(bindir)|' $< >$@

$(MAN_LINKS): $(wildcard man/*.3)
	$(Q)mkdir -p $(@D); echo '.so man3/$(patsubst $(basename $(@F)):%,%.3,$(filter $(basename $(@F)):%,$(MAN_ALIASES)))' >$@

include tests/fuzz/fuzz.mk

# Without cmocka the unit tests are skipped.
HAVE_CMOCKA	:= $(shell $(PKG_CONFIG) --exists cmocka 2>/dev/null && echo y)
test-programs: $(if $(HAVE_CMOCKA),$(UNIT_BINS)) $(GEN_BIN) $(PLUGIN_TESTS) fuzz-programs
bench-programs: $(BENCH_BINS) $(GEN_BIN)

bench:
	@scripts/packages install build bench
	@$(MAKE) --no-print-directory all bench-programs
	@O=$(O) tests/bench/run --json $(O)/bench.json $(BENCH)

demo:
	@scripts/packages install build
	@$(MAKE) --no-print-directory all
	@echo
	@echo '$$ $(CLI_BIN) diagnose samples/recordings/02-resume-storm.dat'
	@$(CLI_BIN) diagnose samples/recordings/02-resume-storm.dat
	@echo
	@echo "The program is $(CLI_BIN); 'sudo make install' installs it as hvstimer."

check:
	@scripts/packages install build check
	@$(MAKE) --no-print-directory all test-programs
	@O=$(O) tests/run

check-distros:
	@scripts/packages install distros
	@scripts/check-distros $(DISTROS)

# Without the packages, and no right to install them, it is skipped and says so.
check-vm:
	@scripts/packages install build check
	@scripts/packages install vm || :
	@$(MAKE) --no-print-directory all
	@O=$(O) tests/vm/run

check-accuracy:
	@scripts/packages install build check
	@$(MAKE) --no-print-directory all $(GEN_BIN)
	@O=$(O) tests/accuracy/run

CLOCKS		?= 10000
check-clock:
	@scripts/packages install build check
	@$(MAKE) --no-print-directory $(O)/tests/unit/test_refclock_random
	@$(O)/tests/unit/test_refclock_random $(CLOCKS)
	@$(O)/tests/unit/test_refclock_random $(CLOCKS) 1 local

# What goes where: "MODE DIRECTORY FILE..." lines, read by install and by uninstall.
MAN_SECTIONS	:= 1 3 5 7
# The page of a plugin that is not built is not installed.
man_pages	= $(filter-out $(if $(KSHARK),,man/kshark_hv_stimer.7),$(wildcard man/*.$(1))) \
		  $(filter %.$(1),$(MAN_LINKS))
SCHEMAS		:= $(wildcard tests/schema/*.json)
define INSTALLED
755 $(bindir) $(CLI_BIN) $(STORM_BIN)
755 $(libdir) $(LIB_SO)
755 $(libexecdir) $(HELPER)
644 $(libdir) $(LIB_A)
644 $(plugindir) $(PLUGINS)
644 $(kshark_dir) $(KSHARK)
644 $(libdir)/pkgconfig $(O)/hvstimer.pc
644 $(includedir)/hvstimer $(wildcard include/hvstimer/*.h)
644 $(bashcompdir) $(O)/completions/hvstimer
644 $(zshcompdir) $(O)/completions/_hvstimer
644 $(fishcompdir) $(O)/completions/hvstimer.fish
644 $(datadir)/hvstimer $(SCHEMAS)
644 $(unitdir) $(O)/hvstimer-watch.service
$(foreach n,$(MAN_SECTIONS),644 $(mandir)/man$(n) $(call man_pages,$(n))
)
endef
export INSTALLED
SO_LINKS	:= libhvstimer.so.$(ABI) libhvstimer.so

install: all
	@echo "$$INSTALLED" | while read -r mode dir files; do \
		[ -n "$$files" ] || continue; \
		echo "  INSTALL  $$dir"; \
		$(INSTALL) -d "$(DESTDIR)$$dir" && $(INSTALL) -m $$mode $$files "$(DESTDIR)$$dir" || exit 1; \
	done
	$(Q)for l in $(SO_LINKS); do ln -sf $(notdir $(LIB_SO)) "$(DESTDIR)$(libdir)/$$l"; done
	$(Q)$(tell_loader)

# The dynamic linker finds the library through the cache that ldconfig makes. That has the real names
# of directories: /lib for /usr/lib.
define tell_loader
	[ -z "$(DESTDIR)" ] || exit 0; \
	PATH=$$PATH:/sbin:/usr/sbin; \
	if [ "$$(id -u)" = 0 ]; then $(LDCONFIG) || exit 1; fi; \
	$(LDCONFIG) -p 2>/dev/null | grep -qF '$(patsubst /usr%,%,$(libdir))/libhvstimer.so.$(ABI)' || \
		printf '%s\n' "The dynamic linker does not look in $(libdir). Set LD_LIBRARY_PATH=$(libdir), link with" \
			"-Wl,-rpath,$(libdir), or, as root, add it to /etc/ld.so.conf.d and call ldconfig."
endef

uninstall:
	@echo "$$INSTALLED" | while read -r mode dir files; do \
		for f in $$files; do rm -f "$(DESTDIR)$$dir/$${f##*/}"; done; \
	done
	$(Q)rm -f $(addprefix "$(DESTDIR)$(libdir)"/,$(SO_LINKS))
	$(Q)rmdir "$(DESTDIR)$(includedir)/hvstimer" "$(DESTDIR)$(datadir)/hvstimer" \
		"$(DESTDIR)$(libexecdir)" 2>/dev/null || :

DIST		:= hvstimer-$(VERSION)
dist:
	@git diff --quiet HEAD || echo "note: changes that are not committed are left out" >&2
	$(say) DIST $(O)/$(DIST).tar.gz
	$(Q)mkdir -p $(O) && git archive --prefix=$(DIST)/ -o $(O)/$(DIST).tar.gz HEAD

clean:
	$(Q)rm -rf $(O)

.PHONY: all bench demo check check-accuracy check-clock check-distros check-vm clean install uninstall dist test-programs bench-programs
-include $(shell find $(O) -name '*.d' 2>/dev/null)
