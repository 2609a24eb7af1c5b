# SPDX-License-Identifier: GPL-2.0
#
# make            build everything (never installs packages; says which are missing)
# make demo       install what is missing, build, diagnose a real recording of samples/
# make check      install what is missing, build, run all tests
# make bench      compare reading speed with cat, trace-cmd report and a bare libtracecmd loop
# make install    prefix=/usr/local libdir=... DESTDIR=...; make uninstall
#
# V=1 shows commands; O=DIR builds there; CC=clang; SANITIZE=address,undefined; WERROR=0.

prefix		?= /usr/local
bindir		?= $(prefix)/bin
libdir		?= $(prefix)/lib
includedir	?= $(prefix)/include
mandir		?= $(prefix)/share/man
datadir		?= $(prefix)/share
INSTALL		?= install
PKG_CONFIG	?= pkg-config
AR		?= ar
VERSION		:= 0.1.0
ABI		:= 0

O		?= build
SANITIZE	?=
V		?= 0
WERROR		?= 1

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

PKGS		:= libtraceevent libtracefs libtracecmd libzstd zlib
CLI_PKGS	:= ncursesw
PKG_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags $(PKGS) $(CLI_PKGS) 2>/dev/null)
PKG_LIBS	:= $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
CLI_LIBS	:= $(shell $(PKG_CONFIG) --libs $(CLI_PKGS) 2>/dev/null)
HAVE_PKGS	:= $(shell $(PKG_CONFIG) --exists $(PKGS) $(CLI_PKGS) 2>/dev/null && echo y)

OPT		?= -O2
CFLAGS		?= $(OPT) -g
WARN		:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
ifneq ($(WERROR),0)
WARN		+= -Werror
endif
HARDEN		:= -fstack-protector-strong -fPIC
ifeq ($(SANITIZE),)
HARDEN		+= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
CPPFLAGS	+= -D_GNU_SOURCE -DHVST_VERSION='"$(VERSION)"' -Iinclude
ALL_CFLAGS	= -std=gnu11 $(WARN) $(HARDEN) $(CFLAGS) $(CPPFLAGS) $(PKG_CFLAGS) -fvisibility=hidden -MMD -MP
ALL_LDFLAGS	= $(LDFLAGS) -Wl,-z,relro,-z,now
ifneq ($(SANITIZE),)
ALL_CFLAGS	+= -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
ALL_LDFLAGS	+= -fsanitize=$(SANITIZE)
endif
LIBS		= $(PKG_LIBS) -lpthread -lm

srcs		= $(wildcard $(addsuffix /*.c,$(1)))
objs		= $(patsubst %.c,$(O)/%.o,$(1))
LIB_SRCS	:= $(call srcs,lib lib/read lib/event lib/model lib/analysis lib/stats)
CLI_SRCS	:= $(call srcs,cli cli/output cli/browse)
GEN_SRCS	:= $(call srcs,tests/gen)
UNIT_SRCS	:= $(wildcard tests/unit/test_*.c)
UNIT_HELPERS	:= $(filter-out $(UNIT_SRCS),$(wildcard tests/unit/*.c))
BENCH_SRCS	:= $(wildcard tests/bench/*.c)
SAMPLE_SRCS	:= $(wildcard samples/*.c)
PLUGIN_SRCS	:= $(wildcard plugins/plugin_*.c)

LIB_A		:= $(O)/libhvstimer.a
LIB_SO		:= $(O)/libhvstimer.so.$(VERSION)
CLI_BIN		:= $(O)/hvstimer
GEN_BIN		:= $(if $(GEN_SRCS),$(O)/hvst-gen)
UNIT_BINS	:= $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_SRCS))
BENCH_BINS	:= $(patsubst tests/bench/%.c,$(O)/tests/bench/%,$(BENCH_SRCS))
SAMPLE_BINS	:= $(patsubst samples/%.c,$(O)/samples/%,$(SAMPLE_SRCS))
PLUGINS		:= $(patsubst plugins/%.c,$(O)/plugins/%.so,$(PLUGIN_SRCS))

all: deps-present $(LIB_A) $(LIB_SO) $(CLI_BIN) $(PLUGINS) $(SAMPLE_BINS) $(O)/hvstimer.pc

.PHONY: deps-present
deps-present:
ifneq ($(HAVE_PKGS),y)
	@echo "hvstimer: libraries are missing. Install them with:" >&2; \
	echo "  apt-get install $$(scripts/packages list build | tr '\n' ' ')" >&2; \
	echo "or run 'make demo' as root or through sudo, which does it." >&2; exit 1
endif

$(O)/%.o: %.c | deps-present
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

$(LIB_A): $(call objs,$(LIB_SRCS))
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIB_SO): $(call objs,$(LIB_SRCS)) lib/libhvstimer.map
	$(say) LD $@
	$(Q)$(CC) -shared $(ALL_LDFLAGS) -Wl,-soname,libhvstimer.so.$(ABI) \
		-Wl,--version-script=lib/libhvstimer.map -o $@ $(filter %.o,$^) $(LIBS)
	$(Q)ln -sf $(notdir $@) $(O)/libhvstimer.so.$(ABI) && ln -sf $(notdir $@) $(O)/libhvstimer.so

$(CLI_BIN): $(call objs,$(CLI_SRCS)) $(LIB_A)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(CLI_LIBS)

# Everything of cli/ but main.o, for the unit tests of the renderers and the browser's model.
CLI_TEST_OBJS	:= $(filter-out $(O)/cli/main.o,$(call objs,$(CLI_SRCS)))

$(O)/hvst-gen: $(call objs,$(GEN_SRCS)) $(LIB_A)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(UNIT_BINS): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(call objs,$(UNIT_HELPERS)) $(CLI_TEST_OBJS) $(LIB_A)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(CLI_LIBS) -lcmocka

$(BENCH_BINS): $(O)/tests/bench/%: $(O)/tests/bench/%.o $(LIB_A)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(SAMPLE_BINS): $(O)/samples/%: $(O)/samples/%.o $(LIB_A)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# The plugin links nothing: libtraceevent's symbols come from the program that loads it. It is built from
# the same name tables as the library, compiled in, hidden.
PLUGIN_SHARED	:= lib/event/names.c plugins/timers.c
$(PLUGINS): $(O)/plugins/%.so: $(O)/plugins/%.o $(call objs,$(wildcard $(PLUGIN_SHARED)))
	$(say) LD $@
	$(Q)$(CC) -shared $(ALL_LDFLAGS) -Wl,--version-script=plugins/plugin.map -o $@ $^

# Programs of tests/plugin/t_*: they know the plugin through libtraceevent alone.
PLUGIN_TESTS	:= $(O)/tests/plugin/drive
$(PLUGIN_TESTS): $(O)/tests/plugin/%: $(O)/tests/plugin/%.o
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Where libtraceevent of this machine looks for plugins; under DESTDIR.
TEP_LIBDIR	= $(shell $(PKG_CONFIG) --variable=libdir libtraceevent)
plugindir	?= $(TEP_LIBDIR)/traceevent/plugins
user_plugindir	?= $(HOME)/.local/lib/traceevent/plugins

install-plugin: $(PLUGINS)
	$(Q)$(INSTALL) -d '$(DESTDIR)$(plugindir)'
	$(Q)$(INSTALL) -m 644 $(PLUGINS) '$(DESTDIR)$(plugindir)'

install-plugin-user: $(PLUGINS)
	$(Q)$(INSTALL) -d '$(DESTDIR)$(user_plugindir)'
	$(Q)$(INSTALL) -m 644 $(PLUGINS) '$(DESTDIR)$(user_plugindir)'

uninstall-plugin uninstall-plugin-user: uninstall-%:
	$(Q)rm -f $(addprefix '$(DESTDIR)$(if $(filter %-user,$*),$(user_plugindir),$(plugindir))'/,$(notdir $(PLUGINS)))

.PHONY: install-plugin install-plugin-user uninstall-plugin uninstall-plugin-user

$(O)/hvstimer.pc: lib/hvstimer.pc.in Makefile
	@mkdir -p $(@D)
	$(Q)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|' $< > $@

test-programs: $(UNIT_BINS) $(GEN_BIN) $(PLUGIN_TESTS)
bench-programs: $(BENCH_BINS) $(GEN_BIN)

demo:
	@scripts/packages install build
	@$(MAKE) --no-print-directory all
	@echo
	@echo '$$ hvstimer diagnose samples/recordings/02-resume-storm.dat'
	@$(CLI_BIN) diagnose samples/recordings/02-resume-storm.dat

check:
	@scripts/packages install build check
	@$(MAKE) --no-print-directory all test-programs
	@O=$(O) tests/run

clean:
	$(Q)rm -rf $(O)

.PHONY: all demo check clean test-programs bench-programs
-include $(shell find $(O) -name '*.d' 2>/dev/null)
