# Parallax. `make fuzz` and `make test` are all a fresh machine needs; `make help` lists the rest.

MODE ?= release
TIME ?= 60
ARGS ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

ifeq ($(origin CC),default)
CC := gcc
endif

OBJCOPY ?= objcopy

# One folder for each mode, and for each compiler that is not the default one.
empty :=
space := $(empty) $(empty)
comma := ,
COMPILER := $(if $(filter-out gcc,$(CC)),-$(subst $(space),-,$(notdir $(CC))))
BUILD := build/$(MODE)$(COMPILER)
OBJ := $(BUILD)/obj

# --- flags -------------------------------------------------------------------------------------------
# CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS are the caller's and come after ours. WERROR= builds in spite of
# warnings, V=1 shows the commands.

MODES := release debug asan ubsan cov fuzz fuzzfast afl ossfuzz coverage
MODE_release := -O2
MODE_debug := -O0
MODE_asan := -O1 -fsanitize=address
MODE_ubsan := -O1 -fsanitize=undefined -fno-sanitize-recover=all
MODE_cov := -O0 --coverage
# Of clang alone, and afl of afl-clang-fast. There is no type behind a function's address when the function is generated code.
MODE_fuzz := -O1 -fsanitize=address,undefined -fno-sanitize=function -fno-sanitize-recover=all
MODE_fuzzfast := -O2
MODE_afl := -O2
MODE_coverage := -O1 -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation -Qunused-arguments
MODE_ossfuzz := # the caller says, as scripts/build-ossfuzz does
ifeq ($(filter $(MODE),$(MODES)),)
$(error MODE=$(MODE): expected one of: $(MODES))
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla
WERROR := -Werror
PX_CFLAGS := -std=gnu17 -I. $(MODE_$(MODE)) -g -fno-omit-frame-pointer -pthread $(WARNINGS) $(WERROR)
PX_LDFLAGS := $(MODE_$(MODE)) -g -pthread -Wl,--as-needed
PX_LDLIBS := -lxxhash -lZydis -lseccomp -lm
TEST_LDLIBS := -lcmocka

# gcc would clear and copy small structs by string instructions, each of which takes as long as some forty stores. Nobody else
# knows these options, clang-tidy, which takes PX_CFLAGS, included.
VECTOR_LOOP := vector_loop:512:noalign$(comma)libcall:-1:noalign
IS_GCC := $(findstring Free Software,$(shell $(CC) --version 2>/dev/null))
GCC_release := -mmemset-strategy=$(VECTOR_LOOP) -mmemcpy-strategy=$(VECTOR_LOOP)

COMPILE = $(CC) $(PX_CFLAGS) $(if $(IS_GCC),$(GCC_$(MODE))) $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(PX_LDFLAGS) $(LDFLAGS)

# --- files -------------------------------------------------------------------------------------------

FOLDERS := vm vm/fused jit generators harness harness/alone harness/gate harness/guided harness/oracle harness/plugin harness/tiered harness/vectors
SOURCES := $(sort $(wildcard $(FOLDERS:%=%/*.c)))
MAIN := harness/main.c
TESTS := $(filter %_test.c,$(SOURCES) $(sort $(wildcard harness/tests/*.c)))
TEST_SUPPORT := $(filter-out %_test.c,$(sort $(wildcard harness/tests/*.c)))
LIBRARY := $(filter-out %_test.c $(MAIN),$(SOURCES))

# vm/decode_test.c becomes build/release/tests/vm_decode.
objects_of = $(patsubst %.c,$(OBJ)/%.o,$(1))
test_name = $(subst /,_,$(patsubst %_test.c,%,$(1)))

PROGRAM := $(if $(wildcard $(MAIN)),$(BUILD)/parallax)
MANUAL := $(if $(PROGRAM),$(BUILD)/parallax.1 $(BUILD)/completion/parallax)
ARCHIVE := $(BUILD)/libinside.a
SUPPORT_ARCHIVE := $(BUILD)/libsupport.a
TEST_NAMES := $(foreach test,$(TESTS),$(call test_name,$(test)))
TEST_PROGRAMS := $(TEST_NAMES:%=$(BUILD)/tests/%)

# What `make test` runs besides, in the release build alone: what takes longest goes first.
PATCHES := $(wildcard corpus/bugs/*.patch)
CHECKS := $(filter-out scripts/check-format scripts/check-ossfuzz,$(sort $(wildcard scripts/check-*)))
run_checks = $(if $(filter build/release,$(BUILD)),\
	$(if $(PATCHES),--timeout 14400 --check "scripts/plant run all --seeds $(1)" --timeout 600) \
	$(CHECKS:%=--check %))
# Tests of the whole program are scripts that report as cmocka does.
SCRIPT_TESTS := $(if $(filter build/release,$(BUILD)),$(sort $(wildcard harness/tests/*.sh)))

# The fuzz targets, one source each, and what they share.
FUZZ_TARGETS := $(patsubst harness/fuzz/%.c,%,$(sort $(wildcard harness/fuzz/fuzz_*.c)))
FUZZ_SUPPORT := $(filter-out harness/fuzz/fuzz_%,$(sort $(wildcard harness/fuzz/*.c)))
# ... of the library: nothing that makes processes, reads files, or needs more than libxxhash.
FUZZ_LIBRARY := $(filter vm/% jit/% generators/% harness/tiered/%,$(LIBRARY)) \
	$(patsubst %,harness/%.c,diff engines features features_host majority run wrong)
FUZZ_ARCHIVE := $(BUILD)/libfuzz.a

# What others link with: position-independent, one object, nothing visible but what harness/parallax.map names.
VERSION := $(shell sed -n 's/^\#define PX_VERSION "\(.*\)"$$/\1/p' harness/parallax.h)
PIC := $(BUILD)/pic
STATIC_LIBRARY := $(BUILD)/lib/libparallax.a
SHARED_LIBRARY := $(BUILD)/lib/libparallax.so.$(VERSION)
EXPORTED := $(shell sed -n 's/^ *\(px_[a-z0-9_]*\);$$/\1/p' harness/parallax.map)

# Builds with all processors, unless the caller chose a number with -j.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

# --- commands ----------------------------------------------------------------------------------------

.DEFAULT_GOAL := build
.PHONY: build fuzz test test-long test-sanitizers bench lint format mutation guests clean help
.PHONY: install uninstall fuzz-libfuzzer fuzz-afl fuzz-targets afl-mutator corpus-check corpus-min fuzz-pack bench-fuzzers coverage coverage-programs
.PHONY: programs test-programs sanitizer-programs libraries FORCE
.DELETE_ON_ERROR:

# Each of these begins makes of its own, which would build the same files: one goal after the other.
OUTER := build fuzz fuzz-libfuzzer fuzz-afl coverage bench-fuzzers corpus-check corpus-min test test-long test-sanitizers bench lint \
	mutation guests install
ifneq ($(and $(filter $(OUTER),$(MAKECMDGOALS)),$(word 2,$(MAKECMDGOALS))),)
.NOTPARALLEL:
endif

build: ## Build build/release/parallax (the default; MODE=debug|asan|ubsan|cov, CC=clang-19)
	+@$(SUBMAKE) programs

fuzz: ## Install what is missing, build, fuzz for TIME=60 seconds (ARGS='...' for more options)
	@scripts/deps fuzz
	+@$(SUBMAKE) programs
	$(BUILD)/parallax fuzz --time $(TIME) $(ARGS)

fuzz-libfuzzer: ## The same guided by coverage: libFuzzer's targets under ASan and UBSan for TIME=60 seconds in all
	@scripts/deps fuzzers
	+@$(SUBMAKE) programs
	+@$(SUBMAKE) MODE=fuzz CC=clang-19 fuzz-targets
	scripts/fuzz-libfuzzer --time $(TIME) $(ARGS)

fuzz-afl: ## The same under AFL++: fuzz_diff for TIME=60 seconds, a main and a secondary instance
	@scripts/deps fuzzers
	+@$(SUBMAKE) programs afl-mutator
	+@$(SUBMAKE) MODE=afl CC=afl-clang-fast fuzz-targets
	scripts/fuzz-afl --time $(TIME) $(ARGS)

# The tests of what is measured, and of both engines together.
COVERAGE_TESTS := $(filter vm_% jit_% harness_tests_accept_% harness_run harness_features harness_hostcode harness_located \
	harness_tests_fused,$(TEST_NAMES))
coverage-programs: fuzz-targets $(COVERAGE_TESTS:%=$(BUILD)/tests/%)
coverage: ## Line coverage of vm/ and jit/ by tests, corpora and TIME=60 seconds of fuzzing (clang-19, llvm-cov)
	@scripts/deps coverage
	+@$(SUBMAKE) programs
	+@$(SUBMAKE) MODE=coverage CC=clang-19 coverage-programs
	@scripts/coverage --time $(TIME) $(ARGS)

bench-fuzzers: ## Inputs a second under libFuzzer and AFL++, beside those of an empty target (ARGS='--time 20 --cpu 0')
	@scripts/deps fuzzers
	+@$(SUBMAKE) programs afl-mutator
	+@$(SUBMAKE) MODE=fuzzfast CC=clang-19 fuzz-targets
	+@$(SUBMAKE) MODE=afl CC=afl-clang-fast fuzz-targets
	@scripts/bench-fuzzers $(ARGS)

corpus-check: ## Run every input of the corpora once, and fail on a bug (ARGS='fuzz_diff FOLDER' for others)
	@scripts/deps fuzzers
	+@$(SUBMAKE) programs
	+@$(SUBMAKE) MODE=fuzzfast CC=clang-19 fuzz-targets
	@scripts/corpus check $(ARGS)

corpus-min: ## The same, then merge and minimize what libFuzzer and AFL++ have gathered
	@scripts/deps fuzzers
	+@$(SUBMAKE) programs
	+@$(SUBMAKE) MODE=fuzzfast CC=clang-19 fuzz-targets
	@scripts/corpus min $(ARGS)

test: ## Install what is missing, build, run every test
	@scripts/deps test
	+@$(SUBMAKE) programs test-programs libraries afl-mutator
	+@$(SUBMAKE) MODE=afl CC=afl-clang-fast fuzz-targets
	+@$(SUBMAKE) MODE=fuzzfast CC=clang-19 fuzz-targets
	@scripts/run-tests $(call run_checks,1) $(TEST_PROGRAMS) $(SCRIPT_TESTS)

test-long: ## Everything: long tests, planted bugs with three seeds, sanitizers
	@scripts/deps test
	+@$(SUBMAKE) programs test-programs libraries afl-mutator sanitizer-programs
	+@$(SUBMAKE) MODE=afl CC=afl-clang-fast fuzz-targets
	+@$(SUBMAKE) MODE=fuzzfast CC=clang-19 fuzz-targets
	@PX_TEST_LONG=1 scripts/run-tests $(call run_checks,3) --timeout 14400 $(TEST_PROGRAMS) \
		$(SCRIPT_TESTS) $(SANITIZER_PROGRAMS)

test-sanitizers: ## Run every test program under the address and the undefined-behaviour sanitizer
	@scripts/deps test
	+@$(SUBMAKE) sanitizer-programs
	@scripts/run-tests --timeout 1800 $(SANITIZER_PROGRAMS)

bench: ## Measure speed, guests beside native code and qemu (ARGS='...' for options)
	@scripts/deps fuzz guests
	+@$(SUBMAKE) programs
	@scripts/guests programs build/guests
	$(BUILD)/parallax bench --guests build/guests $(ARGS)

lint: ## Check format, house rules and layers, run clang's warnings, clang-tidy and cppcheck
	@scripts/deps lint
	+@$(SUBMAKE) programs test-programs
	@scripts/lint -- $(PX_CFLAGS) -idirafter harness $(CPPFLAGS) -DPX_RUNNER='"$(RUNNER)"'

format: ## Format every C file in place
	@scripts/deps lint
	scripts/source-files '*.c' '*.h' | xargs -r -d '\n' clang-format-19 -i

mutation: build ## Plant every bug of corpus/bugs and count those that are found (ARGS='--seeds 5')
	@scripts/plant run all $(ARGS)

guests: ## Compile the guest programs of corpus/guests again (clang-19): images, profile, the sequences it chooses
	@scripts/deps guests
	@scripts/guests update
	+@$(SUBMAKE) programs
	@scripts/profile-guests > build/profile.txt && mv build/profile.txt corpus/guests/profile.txt
	@scripts/choose-sequences > build/sequences.def && mv build/sequences.def vm/fused/sequences.def

install: ## Install program, library, headers, example below PREFIX=/usr/local (DESTDIR=... for packages)
	+@$(SUBMAKE) programs libraries
	@$(install_places) scripts/install --build $(BUILD) --libs "$(PX_LDLIBS)"

uninstall: ## Remove what `make install` has put there
	@$(install_places) scripts/install --build $(BUILD) --uninstall

clean: ## Remove everything that was built
	rm -rf build

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# As the caller sets them; scripts/install knows the defaults.
install_places = $(foreach name,PREFIX DESTDIR BINDIR LIBDIR INCLUDEDIR DOCDIR MANDIR COMPLETIONDIR,\
	$(if $(value $(name)),$(name)='$(subst ','\'',$($(name)))'))

# --- objects, archives, programs ---------------------------------------------------------------------

programs: $(ARCHIVE) $(PROGRAM) $(MANUAL)
test-programs: $(TEST_PROGRAMS)

SANITIZER_PROGRAMS := $(foreach mode,asan ubsan,$(TEST_NAMES:%=build/$(mode)$(COMPILER)/tests/%))
sanitizer-programs:
	+@$(SUBMAKE) MODE=asan test-programs
	+@$(SUBMAKE) MODE=ubsan test-programs

# Says what is made; with V=1 make itself shows how.
say = $(if $(V),,@printf '%-6s %s\n' $(1) $@ && )

# A stamp is rewritten only when its text changes; what depends on it is rebuilt then.
define write_stamp
@mkdir -p $(@D)
@printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' > $@
endef

$(BUILD)/flags: FORCE
	$(call write_stamp,$(shell $(CC) --version 2>/dev/null | head -n 1): $(COMPILE); $(LINK) $(PX_LDLIBS) $(LDLIBS))

$(BUILD)/members: FORCE
	$(call write_stamp,$(LIBRARY); $(TEST_SUPPORT) $(FUZZ_SUPPORT); $(FUZZ_LIBRARY))

# The build id reaches one object only, so that a commit does not rebuild the tree.
BUILD_ID ?= $(or $(shell GIT_OPTIONAL_LOCKS=0 git describe --always --dirty --tags 2>/dev/null),unknown)
$(BUILD)/build_id: FORCE
	$(call write_stamp,$(BUILD_ID))
$(OBJ)/harness/version.o: $(BUILD)/build_id
$(OBJ)/harness/version.o: UNIT_FLAGS = -DPX_BUILD_ID='"$(BUILD_ID)"'

# What a source takes in by .incbin.
$(OBJ)/harness/emit.o: harness/emit_runner.S

$(OBJ)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(COMPILE) $(UNIT_FLAGS) -MMD -MP -c $< -o $@

$(OBJ)/generators/guests.o: $(wildcard corpus/guests/*.px)

# What runs guests under qemu is a RISC-V program inside parallax. Without clang-19 and lld-19 it is an empty file:
# engine qemu then says what to install.
RUNNER := $(BUILD)/runner
RUNNER_SOURCES := $(sort $(wildcard harness/oracle/runner/*.c harness/oracle/runner/*.S)) harness/oracle/raw.c
RUNNER_TOOLS := $(and $(shell command -v clang-19),$(shell command -v ld.lld-19))
RUNNER_COMPILE := $(if $(RUNNER_TOOLS),clang-19 --target=riscv64-unknown-elf -march=rv64imc_zba_zbb_zbs -mabi=lp64 \
	-mcmodel=medany -mno-relax -std=gnu17 -O2 -ffreestanding -fno-builtin $(WARNINGS) $(WERROR) -I. -nostdlib -static \
	-fuse-ld=lld-19 -Wl$(comma)--image-base=0x1b3d57000000 -Wl$(comma)--build-id=none -Wl$(comma)-z$(comma)noexecstack)

$(BUILD)/runner_flags: FORCE
	$(call write_stamp,$(RUNNER_COMPILE) $(RUNNER_SOURCES))

$(RUNNER): $(RUNNER_SOURCES) $(wildcard harness/oracle/*.h harness/oracle/runner/*.h) vm/guest.h vm/outcome.h $(BUILD)/runner_flags
	@mkdir -p $(@D)
	$(call say,RUNNER)$(if $(RUNNER_TOOLS),$(RUNNER_COMPILE) $(RUNNER_SOURCES) -o $@,: > $@)

$(OBJ)/harness/oracle/server.o $(PIC)/harness/oracle/server.o: $(RUNNER)
$(OBJ)/harness/oracle/server.o $(PIC)/harness/oracle/server.o: UNIT_FLAGS = -DPX_RUNNER='"$(RUNNER)"'

$(ARCHIVE): $(call objects_of,$(LIBRARY))
$(SUPPORT_ARCHIVE): $(call objects_of,$(TEST_SUPPORT) $(FUZZ_SUPPORT))
$(FUZZ_ARCHIVE): $(call objects_of,$(FUZZ_LIBRARY) $(FUZZ_SUPPORT))
$(ARCHIVE) $(SUPPORT_ARCHIVE) $(FUZZ_ARCHIVE): $(BUILD)/members
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $(filter %.o,$^)

# The table of engines asks for the oracle and for plugins only where they are linked: fuzz targets go without them, and what
# they need.
FAR_ENGINES := -u px_qemu_engine -u px_plugin_engine

$(BUILD)/parallax: $(call objects_of,$(MAIN)) $(ARCHIVE)
	$(call say,LINK)$(LINK) $(FAR_ENGINES) $(filter %.o %.a,$^) $(PX_LDLIBS) $(LDLIBS) -o $@

# The program knows its options best.
$(BUILD)/parallax.1: $(PROGRAM)
	$(call say,MAN)$< --man > $@
$(BUILD)/completion/parallax: $(PROGRAM)
	@mkdir -p $(@D)
	$(call say,MAN)$< --completion=bash > $@

# --- fuzz targets ------------------------------------------------------------------------------------

fuzz-targets: $(FUZZ_TARGETS:%=$(BUILD)/%)

# Coverage of what is tested, not of what makes and compares programs, nor of what every program runs through. What reads
# programs and code is tested by other targets than fuzz_diff, which have it from objects of their own.
UNCOVERED := harness/fuzz/uncovered
READERS := $(filter vm/program%.c vm/text.c vm/image.c vm/body.c vm/isa.c vm/decode.c vm/encode.c vm/disasm.c,$(LIBRARY))
ifneq ($(filter fuzz%,$(MODE)),)
COVER := -fsanitize-coverage=inline-8bit-counters,pc-table -fsanitize-coverage-ignorelist=$(UNCOVERED)
READ := $(BUILD)/read
$(call objects_of,$(filter-out $(READERS),$(filter vm/% jit/%,$(LIBRARY)))): UNIT_FLAGS = $(COVER)
$(call objects_of,$(filter-out $(READERS),$(filter vm/% jit/%,$(LIBRARY)))): $(UNCOVERED)
$(patsubst %,$(BUILD)/%,$(filter-out fuzz_diff,$(FUZZ_TARGETS))): $(READERS:%.c=$(READ)/%.o)
$(READ)/%.o: %.c $(BUILD)/flags $(UNCOVERED)
	@mkdir -p $(@D)
	$(call say,CC)$(COMPILE) $(COVER) -MMD -MP -c $< -o $@
FUZZER := -fsanitize=fuzzer
endif
ifeq ($(MODE),coverage)
FUZZER := -fsanitize=fuzzer
endif
FUZZ_LINK := $(LINK)
FUZZ_LDLIBS := -lxxhash
# The file goes to other machines.
ifeq ($(MODE),ossfuzz)
FUZZER := $(LIB_FUZZING_ENGINE)
FUZZ_LINK := $(CXX) -pthread $(CXXFLAGS)
FUZZ_LDLIBS := -Wl,-Bstatic -lxxhash -Wl,-Bdynamic
endif
ifeq ($(MODE),afl)
FUZZER := $(OBJ)/harness/fuzz/afl/main.o $(OBJ)/harness/fuzz/afl/stand_in.o
export AFL_QUIET := 1
export AFL_DONT_OPTIMIZE := 1
export AFL_LLVM_DENYLIST := $(CURDIR)/$(UNCOVERED)
$(call objects_of,$(filter vm/% jit/%,$(LIBRARY))): $(UNCOVERED)
endif

$(FUZZ_TARGETS:%=$(BUILD)/%): $(BUILD)/%: $(OBJ)/harness/fuzz/%.o $(filter %.o,$(FUZZER)) $(FUZZ_ARCHIVE)
	$(call say,LINK)$(FUZZ_LINK) $(filter %.o,$^) $(filter %.a,$^) $(filter-out %.o,$(FUZZER)) $(FUZZ_LDLIBS) $(LDLIBS) -o $@

# Makes seeds where parallax is not built.
fuzz-pack: $(BUILD)/pack
$(BUILD)/pack: $(OBJ)/harness/fuzz/seeds/pack.o $(FUZZ_ARCHIVE)
	$(call say,LINK)$(LINK) $(CFLAGS) $(filter %.o %.a,$^) $(FUZZ_LDLIBS) $(LDLIBS) -o $@

# AFL++ loads this one into itself: no coverage, no sanitizer.
AFL_MUTATOR := $(BUILD)/libparallax-afl.so
AFL_MUTATOR_SOURCES := harness/fuzz/afl/mutator.c harness/fuzz/bytes.c $(filter vm/% generators/%,$(LIBRARY))

afl-mutator: $(AFL_MUTATOR)
$(AFL_MUTATOR): $(AFL_MUTATOR_SOURCES:%.c=$(PIC)/%.o) harness/fuzz/afl/mutator.map
	$(call say,LINK)$(LINK) -shared -Wl,--version-script=harness/fuzz/afl/mutator.map -Wl,-z,defs $(filter %.o,$^) -lxxhash $(LDLIBS) -o $@

# --- the library -------------------------------------------------------------------------------------

libraries: $(STATIC_LIBRARY) $(SHARED_LIBRARY)

$(PIC)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(COMPILE) $(UNIT_FLAGS) -fPIC -fno-semantic-interposition -MMD -MP -c $< -o $@

# Of all objects those that the exported names need, as one, in which no other name is global any more.
$(PIC)/libparallax.o: $(LIBRARY:%.c=$(PIC)/%.o) harness/parallax.map $(BUILD)/members
	@rm -f $(PIC)/all.a
	@$(AR) rcs $(PIC)/all.a $(filter %.o,$^)
	@printf '%s\n' $(EXPORTED) > $(PIC)/exported
	$(call say,LD)$(LD) -r $(EXPORTED:%=-u %) $(FAR_ENGINES) $(PIC)/all.a -o $@.tmp
	@$(OBJCOPY) --keep-global-symbols=$(PIC)/exported $@.tmp $@
	@rm -f $@.tmp $(PIC)/all.a

$(STATIC_LIBRARY): $(PIC)/libparallax.o
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $<

$(SHARED_LIBRARY): $(PIC)/libparallax.o harness/parallax.map
	@mkdir -p $(@D)
	$(call say,LINK)$(LINK) -shared -Wl,-soname,libparallax.so.$(firstword $(subst ., ,$(VERSION))) \
		-Wl,--version-script=harness/parallax.map -Wl,-Bsymbolic-functions -Wl,-z,relro,-z,now $< \
		$(PX_LDLIBS) $(LDLIBS) -o $@

define test_rule
$(BUILD)/tests/$(call test_name,$(1)): $(call objects_of,$(1)) $(SUPPORT_ARCHIVE) $(ARCHIVE)
endef
$(foreach test,$(TESTS),$(eval $(call test_rule,$(test))))
$(TEST_PROGRAMS):
	@mkdir -p $(@D)
	$(call say,LINK)$(LINK) $(FAR_ENGINES) $(filter %.o %.a,$^) $(TEST_LDLIBS) $(PX_LDLIBS) $(LDLIBS) -o $@

-include $(patsubst %.o,%.d,$(patsubst %.c,$(PIC)/%.o,$(sort $(LIBRARY) $(AFL_MUTATOR_SOURCES))) \
	$(if $(READ),$(READERS:%.c=$(READ)/%.d)) $(call objects_of,$(SOURCES) $(TEST_SUPPORT) $(filter harness/tests/%,$(TESTS)) \
	$(FUZZ_SUPPORT) $(wildcard harness/fuzz/afl/*.c) $(FUZZ_TARGETS:%=harness/fuzz/%.c)))
