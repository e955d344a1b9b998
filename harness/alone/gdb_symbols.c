/*
 * An ELF object in memory that names host code, and the two symbols by which gdb finds out about it:
 *
 *   header | symbols | names | section names | section headers; the code itself stays where it is
 */
#include "harness/alone/symbols.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* What gdb reads; the layout and the names are its. */
struct jit_code_entry {
    struct jit_code_entry *next, *previous;
    const char *file;
    uint64_t size;
};

struct jit_descriptor {
    uint32_t version;
    uint32_t action;
    struct jit_code_entry *relevant, *first;
};

enum { JIT_NOTHING, JIT_REGISTER, JIT_UNREGISTER };

extern struct jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);

struct jit_descriptor __jit_debug_descriptor = { .version = 1 };

/* gdb stops here to look at the descriptor. */
__attribute__((noinline)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" : : : "memory");
}

enum section { NONE, TEXT, SYMBOLS, NAMES, SECTION_NAMES, SECTIONS };

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";
enum { TEXT_NAME = 1, SYMBOLS_NAME = 7, NAMES_NAME = 15, SECTION_NAMES_NAME = 23 };

/* Where everything is in the object. */
struct layout {
    uint64_t start, size; /* of the code */
    size_t symbols, names, section_names, headers, end;
};

static struct layout lay_out(const struct symbol *symbols, size_t count)
{
    struct layout l = { .start = symbols[0].address, .symbols = sizeof(Elf64_Ehdr) };
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        l.start = symbols[i].address < l.start ? symbols[i].address : l.start;
        end = symbols[i].address + symbols[i].size > end ? symbols[i].address + symbols[i].size : end;
    }
    l.size = end - l.start;
    l.names = l.symbols + (count + 1) * sizeof(Elf64_Sym);
    l.section_names = l.names + 1 + count * SYMBOL_NAME;
    l.headers = (l.section_names + sizeof section_names + 7) & ~(size_t)7;
    l.end = l.headers + SECTIONS * sizeof(Elf64_Shdr);
    return l;
}

static void write_header(uint8_t *object, const struct layout *l)
{
    Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_REL,
                          .e_machine = EM_X86_64,
                          .e_version = EV_CURRENT,
                          .e_shoff = l->headers,
                          .e_ehsize = sizeof(Elf64_Ehdr),
                          .e_shentsize = sizeof(Elf64_Shdr),
                          .e_shnum = SECTIONS,
                          .e_shstrndx = SECTION_NAMES };
    memcpy(object, &header, sizeof header);
}

static void write_sections(uint8_t *object, const struct layout *l)
{
    const Elf64_Shdr sections[SECTIONS] = {
        [TEXT] = { .sh_name = TEXT_NAME,
                   .sh_type = SHT_NOBITS,
                   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                   .sh_addr = l->start,
                   .sh_size = l->size,
                   .sh_addralign = 1 },
        [SYMBOLS] = { .sh_name = SYMBOLS_NAME,
                      .sh_type = SHT_SYMTAB,
                      .sh_offset = l->symbols,
                      .sh_size = l->names - l->symbols,
                      .sh_link = NAMES,
                      .sh_info = 1,
                      .sh_addralign = 8,
                      .sh_entsize = sizeof(Elf64_Sym) },
        [NAMES] = { .sh_name = NAMES_NAME,
                    .sh_type = SHT_STRTAB,
                    .sh_offset = l->names,
                    .sh_size = l->section_names - l->names,
                    .sh_addralign = 1 },
        [SECTION_NAMES] = { .sh_name = SECTION_NAMES_NAME,
                            .sh_type = SHT_STRTAB,
                            .sh_offset = l->section_names,
                            .sh_size = sizeof section_names,
                            .sh_addralign = 1 },
    };
    memcpy(object + l->section_names, section_names, sizeof section_names);
    memcpy(object + l->headers, sections, sizeof sections);
}

static void write_symbols(uint8_t *object, const struct layout *l, const struct symbol *symbols, size_t count,
                          size_t code_size)
{
    for (size_t i = 0; i < count; i++) {
        char *name = (char *)object + l->names + 1 + i * SYMBOL_NAME;
        symbol_name(&symbols[i], code_size, name);
        const Elf64_Sym row = { .st_name = (uint32_t)(1 + i * SYMBOL_NAME),
                                .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                .st_shndx = TEXT,
                                .st_value = symbols[i].address - l->start,
                                .st_size = symbols[i].size };
        memcpy(object + l->symbols + (i + 1) * sizeof row, &row, sizeof row);
    }
}

/* Takes back what gdb was told before. */
static void forget(void)
{
    struct jit_code_entry *entry = __jit_debug_descriptor.first;
    if (!entry)
        return;
    __jit_debug_descriptor.relevant = entry;
    __jit_debug_descriptor.action = JIT_UNREGISTER;
    __jit_debug_descriptor.first = NULL;
    __jit_debug_register_code();
    __jit_debug_descriptor = (struct jit_descriptor){ .version = 1 };
    free((void *)(uintptr_t)entry->file);
    free(entry);
}

enum px_status symbols_tell_gdb(const struct symbol *symbols, size_t count, size_t code_size,
                                struct px_error *err)
{
    forget();
    if (count == 0)
        return PX_OK;
    const struct layout l = lay_out(symbols, count);
    struct jit_code_entry *entry = calloc(1, sizeof *entry);
    uint8_t *object = calloc(1, l.end);
    if (!entry || !object) {
        free(entry);
        free(object);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for %zu symbols", count);
    }
    write_header(object, &l);
    write_symbols(object, &l, symbols, count, code_size);
    write_sections(object, &l);
    *entry = (struct jit_code_entry){ .file = (const char *)object, .size = l.end };
    __jit_debug_descriptor.first = __jit_debug_descriptor.relevant = entry;
    __jit_debug_descriptor.action = JIT_REGISTER;
    __jit_debug_register_code();
    return PX_OK;
}
