# rclab: builds one runtime instance per strategy, the driver, the tests. `make help` lists the targets.
#
# Nothing is listed by hand: strategies are rc/strategies/*.h, workloads bench/workloads/*.c, tests tests/test_*.c.
# Every strategy is compiled with the same flags. VARIANT (release asan ubsan tsan) has its own folder under build/.

VARIANT    ?= release
BUILD      ?= build/$(VARIANT)
PREFIX     ?= /usr/local
CC         ?= cc
CFLAGS     ?= -O2 -g

STRATEGIES := $(basename $(notdir $(wildcard rc/strategies/*.h)))
WORKLOADS  := $(basename $(notdir $(wildcard bench/workloads/*.c)))
DRIVER     := $(filter-out runtime,$(basename $(notdir $(wildcard bench/*.c))))
LABS       := $(basename $(notdir $(wildcard bench/labs/*.c)))
SUITES     := $(basename $(notdir $(wildcard tests/test_*.c)))

# -falign-*: code placement must not decide a comparison (MEASURING: hot functions are aligned alike in every instance)
WARN       := -Wall -Wextra -Werror
BASE       := -std=gnu11 -D_GNU_SOURCE -pthread -I. -falign-functions=64 -falign-loops=32 -fno-plt $(WARN)
SAN.release :=
# -O1: an instance is one large unit, and compiling it at -O2 takes longer than its tests
SAN.asan   := -O1 -fsanitize=address -fno-omit-frame-pointer
SAN.ubsan  := -O1 -fsanitize=undefined -fno-sanitize-recover=undefined
SAN.tsan   := -O1 -fsanitize=thread
SAN.fuzz   := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# gcc's interceptors and inliner warn about code that is right: keep -Werror for the release build, where it is clean
SANWARN.asan  := -Wno-error
SANWARN.ubsan := -Wno-error
# fences are right but invisible to it; the edges they make are also made by the accesses beside them
SANWARN.tsan  := -Wno-unknown-warning-option -Wno-tsan
# measured code runs without assertions; tests and sanitizer builds keep them
DEFINES.release := -DNDEBUG
ALL_CFLAGS = $(BASE) $(CFLAGS) $(MI_CFLAGS) $(CK_CFLAGS) $(SAN.$(VARIANT)) $(SANWARN.$(VARIANT))

DRIVER_PKG  := jansson hwloc smartcols
# libpfm4 names events that bench/events.c has no code of; Debian's libpfm4-dev has no .pc file, hence the second look
PFM        := $(shell pkg-config --exists libpfm 2>/dev/null && echo 1)$(wildcard /usr/include/perfmon/pfmlib_perf_event.h)
PFM_CFLAGS := $(if $(PFM),-DHAVE_PFM)
PFM_LIBS   := $(if $(PFM),-lpfm)
DRIVER_CFLAGS = $(shell pkg-config --cflags $(DRIVER_PKG)) $(PFM_CFLAGS)
DRIVER_LIBS   = $(shell pkg-config --libs $(DRIVER_PKG)) $(PFM_LIBS) -lm
# freelist=mimalloc (Debian's libmimalloc-dev, no .pc file). libc comes before it: the library defines malloc as well and would
# replace it for every policy. A sanitizer does not see its blocks
MIMALLOC   := $(if $(filter release ubsan,$(VARIANT)),$(wildcard /usr/include/mimalloc.h))
MI_CFLAGS  := $(if $(MIMALLOC),-DHAVE_MIMALLOC)
MI_LIBS    := $(if $(MIMALLOC),-lc -lmimalloc)
# contenders of the types (bench/workloads/contenders/): Concurrency Kit (libck-dev), which a thread sanitizer cannot follow
CK         := $(if $(filter release asan ubsan,$(VARIANT)),$(wildcard /usr/include/ck_ht.h))
CK_CFLAGS  := $(if $(CK),-DHAVE_CK)
CK_LIBS    := $(if $(CK),-lck)
RUNTIME_LIBS := -lurcu-cds -lurcu-memb -lurcu-common -lgmp -lm -ldl -pthread $(CK_LIBS) $(MI_LIBS)

GIT        := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DIRTY      := $(if $(shell git status --porcelain --untracked-files=no 2>/dev/null),1,0)

GEN        := build/gen
SCENARIOS  := $(wildcard tests/scenarios/*.c)
LITMUS     := $(wildcard tests/scenarios/litmus/*.c)
GENERATED  := $(GEN)/workload_files.h $(GEN)/workload_names.h $(GEN)/test_files.h
INSTANCES  := $(foreach s,$(STRATEGIES),$(BUILD)/runtime-$(s).o $(BUILD)/runtime-$(s)-statistics.o)
DRIVER_OBJ := $(DRIVER:%=$(BUILD)/%.o)
LAB_OBJ    := $(LABS:%=$(BUILD)/labs/%.o)
RCLAB      := $(BUILD)/rclab
# two builds of every test: as shipped, and hostile (tiny capacities, injected yields)
UNIT_TESTS := $(foreach s,$(STRATEGIES),$(BUILD)/test-$(s) $(BUILD)/hostile-$(s))
DRIVER_TESTS := $(BUILD)/test-driver

.PHONY: all explore mutants page test-page demo test run-tests test-binaries asan ubsan tsan fuzz fuzz-keep lint clean install help disassembly FORCE
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
%.d: ;

all: $(RCLAB) $(EXPLORER) ## build the driver with every strategy: build/release/rclab

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

# --- generated lists, rewritten only when they change ---

define write_if_changed
	@mkdir -p $(@D); printf '%b' $(1) > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endef
$(GEN)/workload_files.h: FORCE
	$(call write_if_changed,"$(foreach w,$(WORKLOADS),#include \"../../bench/workloads/$(w).c\"\n)")
$(GEN)/workload_names.h: FORCE
	$(call write_if_changed,"$(foreach w,$(WORKLOADS),WORKLOAD($(w))\n)")
$(GEN)/test_files.h: FORCE
	$(call write_if_changed,"$(foreach t,$(SUITES),#include \"../../tests/$(t).c\"\n)")
$(BUILD)/flags: FORCE
	$(call write_if_changed,"$(subst ",,$(CC) $(ALL_CFLAGS))\n")
FORCE:

# --- instances and driver ---

$(BUILD)/runtime-%-statistics.o: bench/runtime.c $(GENERATED) $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) $(DEFINES.$(VARIANT)) -I$(GEN) -Ibench -DRC_STRATEGY=$* -DRC_STATISTICS=1 -MMD -MP -c $< -o $@
$(BUILD)/runtime-%.o: bench/runtime.c $(GENERATED) $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) $(DEFINES.$(VARIANT)) -I$(GEN) -Ibench -DRC_STRATEGY=$* -MMD -MP -c $< -o $@
$(BUILD)/machine.o: EXTRA = -DBUILD_CC='"$(shell $(CC) --version | head -1)"' -DBUILD_CFLAGS='"$(ALL_CFLAGS) $(DEFINES.$(VARIANT))"' \
	-DBUILD_GIT='"$(GIT)"' -DBUILD_DIRTY=$(DIRTY)
$(BUILD)/machine.o: $(GEN)/git
$(GEN)/git: FORCE
	$(call write_if_changed,"$(GIT) $(DIRTY)\n")
$(DRIVER_OBJ): $(BUILD)/%.o: bench/%.c $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) $(DEFINES.$(VARIANT)) $(DRIVER_CFLAGS) $(EXTRA) -MMD -MP -c $< -o $@
# each lab holds its text
$(LAB_OBJ): $(BUILD)/labs/%.o: bench/labs/%.c bench/labs/%.md $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(DEFINES.$(VARIANT)) $(DRIVER_CFLAGS) -Ibench -DLAB_NAME='"$*"' -MMD -MP -c $< -o $@
$(BUILD)/lab_page.o: bench/lab_page.html
$(RCLAB): $(INSTANCES) $(DRIVER_OBJ) $(LAB_OBJ)
	$(CC) $(ALL_CFLAGS) $^ -o $@ $(DRIVER_LIBS) $(RUNTIME_LIBS)

# --- the explorer (bench/explore/): instrumented by the compiler as for ThreadSanitizer, linked with our own runtime for it ---

EXPLORER     := build/explore/rclab-explore
EXPLORE_OBJ  := $(patsubst bench/explore/%.c,build/explore/%.o,$(filter-out %/instance.c %/litmus.c,$(wildcard bench/explore/*.c)))
EXPLORE_ASM  := $(patsubst bench/explore/%.S,build/explore/%.o,$(wildcard bench/explore/*.S))
EXPLORE_UNIT := $(STRATEGIES:%=build/explore/instance-%.o) build/explore/litmus.o
# frame pointers: trace.c walks the calls of a failing step
EXPLORE_BASE := -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -I. -Ibench -fno-pie $(WARN)
# one thread-local, no calls around functions, memory functions that are seen: see bench/explore/os.h
EXPLORE_CLANG := $(findstring clang,$(shell $(CC) --version))
EXPLORE_TSAN := -O1 -fsanitize=thread -fno-builtin-memcpy -fno-builtin-memset -fno-builtin-memmove \
	$(if $(EXPLORE_CLANG),-mllvm -tsan-instrument-func-entry-exit=0,--param tsan-instrument-func-entry-exit=0 -Wno-tsan) -I$(GEN) -Ibench/explore
$(GEN)/scenario_files.h: FORCE
	$(call write_if_changed,"$(foreach s,$(SCENARIOS),#include \"../../$(s)\"\n)")
$(GEN)/litmus_files.h: FORCE
	$(call write_if_changed,"$(foreach s,$(LITMUS),#include \"../../$(s)\"\n)")
$(EXPLORE_UNIT) $(EXPLORE_OBJ): | build/explore
build/explore:
	mkdir -p $@
build/explore/instance-%.o: bench/explore/instance.c $(GEN)/scenario_files.h
	$(CC) $(EXPLORE_BASE) $(EXPLORE_TSAN) -DRC_STRATEGY=$* -DRC_HOSTILE $(EXPLORE_DEFINES) -MMD -MP -c $< -o $@
build/explore/litmus.o: bench/explore/litmus.c $(GEN)/litmus_files.h
	$(CC) $(EXPLORE_BASE) $(EXPLORE_TSAN) -MMD -MP -c $< -o $@
build/explore/source.o: EXTRA = -DSOURCE_ROOT='"$(CURDIR)"'
$(EXPLORE_OBJ): build/explore/%.o: bench/explore/%.c
	$(CC) $(EXPLORE_BASE) $(EXTRA) -MMD -MP -c $< -o $@
build/explore/stepper_html.o: bench/explore/stepper.html
$(EXPLORE_ASM): build/explore/%.o: bench/explore/%.S | build/explore
	$(CC) -c $< -o $@
build/explore/driver-%.o: bench/%.c | build/explore
	$(CC) $(EXPLORE_BASE) -MMD -MP -c $< -o $@
EXPLORE_BUDGET ?= 10m
explore: $(EXPLORER) ## prove every scenario on every strategy that may run with threads (EXPLORE_BUDGET each)
	$(EXPLORER) --all -q --budget $(EXPLORE_BUDGET)
	$(EXPLORER) --all --quick -q --spurious 1 --budget $(EXPLORE_BUDGET)
$(EXPLORER): $(EXPLORE_OBJ) $(EXPLORE_ASM) $(EXPLORE_UNIT) $(patsubst %,build/explore/driver-%.o,die names suggest timing memory)
	$(CC) -no-pie $^ -o $@ -lgmp -lm -ljansson
mutants: $(EXPLORER) ## seed each fault of tests/mutants/table and let the explorer or the unit tests find it (minutes)
	tests/mutants/run

# --- tests ---

# extensions know objects/module_api.h and nothing else; strict C11, so that the header is
EXTENSIONS := $(patsubst tests/extensions/%.c,$(BUILD)/extensions/%.so,$(wildcard tests/extensions/*.c))
$(EXTENSIONS): $(BUILD)/extensions/%.so: tests/extensions/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -std=c11 -pedantic -pthread $(WARN) $(CFLAGS) $(SAN.$(VARIANT)) -Iobjects -fPIC -shared -MMD -MP $< -o $@
TEST_DEFINES = -DTEST_EXTENSIONS='"$(abspath $(BUILD)/extensions)"'

TEST_LIBS := $(if $(filter tsan,$(VARIANT)),,-lcriterion)
# one unit a strategy and flavour; assertions stay on, any allocation can be refused. -O1 as for the sanitizers
$(BUILD)/test-%.o: tests/instance.c $(GENERATED) $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) -I$(GEN) -Ibench -Itests -DRC_STRATEGY=$* $(TEST_DEFINES) -DRC_FAULTS -DRC_STATISTICS=1 -MMD -MP -c $< -o $@
$(BUILD)/hostile-%.o: tests/instance.c $(GENERATED) $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) -O1 -I$(GEN) -Ibench -Itests -DRC_STRATEGY=$* $(TEST_DEFINES) -DRC_FAULTS -DRC_HOSTILE -DRC_STATISTICS=1 -MMD -MP -c $< -o $@
$(UNIT_TESTS): %: %.o $(BUILD)/histogram.o | $(EXTENSIONS)
	$(CC) $(ALL_CFLAGS) $^ -o $@ $(RUNTIME_LIBS) $(TEST_LIBS)
$(BUILD)/test-driver: $(wildcard tests/driver/test_*.c) $(filter-out $(BUILD)/rclab.o,$(DRIVER_OBJ)) $(LAB_OBJ) $(BUILD)/flags
	$(CC) $(ALL_CFLAGS) $(PFM_CFLAGS) -Ibench $(filter %.c %.o,$^) -o $@ -lcriterion $(DRIVER_LIBS)
$(BUILD)/rclab-faulty: tests/driver/faulty_runtime.c $(DRIVER_OBJ)
	$(CC) $(ALL_CFLAGS) -Ibench $(filter %.c %.o,$^) -o $@ $(DRIVER_LIBS) -pthread

test-binaries: $(UNIT_TESTS) $(if $(filter tsan,$(VARIANT)),,$(DRIVER_TESTS))
run-tests: test-binaries $(if $(filter release,$(VARIANT)),$(RCLAB) $(BUILD)/rclab-faulty $(EXPLORER))
	scripts/run-tests $(VARIANT) $(BUILD) $(STRATEGIES)
test: ## every test, without sanitizers
	$(MAKE) VARIANT=release run-tests
asan ubsan tsan: ## every test under that sanitizer
	$(MAKE) VARIANT=$@ run-tests

# clang and its libFuzzer (Debian: libclang-rt-14-dev). What it finds goes to build/fuzz/corpus; `make fuzz-keep` takes the
# least set of inputs that covers the same into tests/fuzz/corpus, which test_corpus.c replays.
FUZZ_SECONDS ?= 300
$(BUILD)/fuzz-reader: tests/fuzz/fuzz_reader.c tests/fuzz/reader.h $(filter-out $(BUILD)/rclab.o,$(DRIVER_OBJ))
	$(CC) $(ALL_CFLAGS) -Ibench -fsanitize=fuzzer $(filter %.c %.o,$^) -o $@ $(DRIVER_LIBS)
fuzz: ## fuzz the reader of sample files for FUZZ_SECONDS (300)
	$(MAKE) VARIANT=fuzz CC=clang build/fuzz/fuzz-reader
	mkdir -p build/fuzz/corpus
	build/fuzz/fuzz-reader -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 -close_fd_mask=3 -print_final_stats=1 \
		-dict=tests/fuzz/reader.dict -artifact_prefix=build/fuzz/ build/fuzz/corpus tests/fuzz/corpus
fuzz-keep: ## after `make fuzz`: keep what covers more in tests/fuzz/corpus
	build/fuzz/fuzz-reader -merge=1 -max_len=16384 -close_fd_mask=3 tests/fuzz/corpus build/fuzz/corpus

demo: all ## build, run the comparison, print the table
	scripts/demo --no-setup

disassembly: $(BUILD)/runtime-plain.o ## shows that plain's incref is inline in list_append
	tests/disassembly $(BUILD)/runtime-plain.o

lint: ## headers compile alone, both compilers are clean, scripts pass shellcheck, no stray atomics or thread-locals
	scripts/lint

# --- the page of `rclab report`: the one part that needs Node (scripts/setup page) ---

TEMPLATE   := build/page/template.html
PAGE       := scripts/page
$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package.json $(PAGE)/package-lock.json
	@command -v npm >/dev/null || { echo "make page: npm is missing: scripts/setup page installs it" >&2; exit 1; }
	cd $(PAGE) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
$(TEMPLATE): $(PAGE)/node_modules/.package-lock.json $(PAGE)/build.js $(wildcard $(PAGE)/src/*)
	node $(PAGE)/build.js $@
page: $(TEMPLATE) ## build the template of `rclab report` (needs Node: scripts/setup page)
test-page: $(RCLAB) $(TEMPLATE) ## the page in headless Chromium (scripts/setup page), and what `rclab report` refuses
	tests/page/run.sh $(RCLAB)
	tests/explore/page/run.sh
	tests/labs/page/run.sh $(RCLAB)

install: all ## PREFIX (/usr/local) and DESTDIR are honoured; with the page's template if `make page` built it
	install -D -m 755 $(RCLAB) $(DESTDIR)$(PREFIX)/bin/rclab
	install -D -m 755 $(EXPLORER) $(DESTDIR)$(PREFIX)/bin/rclab-explore
	install -D -m 644 bench/rclab.1 $(DESTDIR)$(PREFIX)/share/man/man1/rclab.1
	@if [ -e $(TEMPLATE) ]; then install -D -m 644 $(TEMPLATE) $(DESTDIR)$(PREFIX)/share/rclab/template.html; \
	else echo "install: no template for 'rclab report': make page builds it" >&2; fi

clean: ## remove build/
	rm -rf build

-include $(wildcard $(BUILD)/*.d $(BUILD)/labs/*.d $(BUILD)/extensions/*.d build/explore/*.d)
