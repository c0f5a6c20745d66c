/* SPDX-License-Identifier: MIT */
/* The names of functions; see symbols.h.
 *
 * /proc/self/maps tells which file an address is from.  A file is mapped when
 * the first address of it is asked for, and searched from end to end: so what
 * was found is remembered, since many tasks stand in the same functions.
 *
 * A file may have been changed since it was started, or be none of ours at all:
 * whatever it says is checked before it is believed.
 */
#include "symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MODULES = 64, /* files; those after them are not known by name */
    PATHS_SIZE = 8192,
    LINE_SIZE = 512,
    KNOWN_COUNT = 256
};

struct module {
    uintptr_t begin; /* where code of it is mapped */
    uintptr_t end;
    uintptr_t offset; /* of `begin` in the file */
    const char *path;
    const uint8_t *file; /* NULL: not mapped */
    size_t size;
    bool tried;
};

struct known {
    uintptr_t address;
    struct ouro__place place;
};

struct ouro__symbols {
    struct module modules[MODULES];
    size_t count;
    char paths[PATHS_SIZE];
    size_t paths_used;
    struct known known[KNOWN_COUNT]; /* by the low bits of the address */
};

/* The map of the process. */

static uintptr_t
read_hex(const char **at)
{
    uintptr_t number = 0;

    for (;; ++*at) {
        char c = **at;

        if (c >= '0' && c <= '9')
            number = number << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return number;
    }
}

/* NULL: there is no room. */
static const char *
keep_path(struct ouro__symbols *symbols, const char *path)
{
    size_t size = strlen(path) + 1;
    char *kept = symbols->paths + symbols->paths_used;

    if (size > sizeof(symbols->paths) - symbols->paths_used)
        return NULL;
    symbols->paths_used += size;
    memcpy(kept, path, size);
    return kept;
}

/* "55d0-55e0 r-xp 00002000 fe:01 1234    /usr/bin/program" */
static void
read_line(struct ouro__symbols *symbols, const char *line)
{
    const char *path = strchr(line, '/');
    struct module module = {0};

    module.begin = read_hex(&line);
    line += *line == '-';
    module.end = read_hex(&line);
    if (strncmp(line, " r-x", 4) != 0 || path == NULL
        || symbols->count == MODULES)
        return;
    line += strlen(" r-xp ");
    module.offset = read_hex(&line);
    module.path = keep_path(symbols, path);
    if (module.path != NULL)
        symbols->modules[symbols->count++] = module;
}

/* Take the lines that are whole out of `text`.  Returns how much is left. */
static size_t
read_lines(struct ouro__symbols *symbols, char *text, size_t size)
{
    char *line = text;
    char *end;

    while ((end = memchr(line, '\n', size)) != NULL) {
        *end = '\0';
        read_line(symbols, line);
        size -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    memmove(text, line, size);
    return size;
}

static void
read_maps(struct ouro__symbols *symbols, int fd)
{
    char text[2 * LINE_SIZE];
    size_t used = 0;
    ssize_t got;

    while ((got = read(fd, text + used, sizeof(text) - used)) > 0) {
        used = read_lines(symbols, text, used + (size_t)got);
        if (used == sizeof(text))
            used = 0; /* a line as long as that names no file of ours */
    }
}

struct ouro__symbols *
ouro__symbols_load(void)
{
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    struct ouro__symbols *symbols =
        mmap(NULL, sizeof(*symbols), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (symbols == MAP_FAILED)
        symbols = NULL;
    else
        read_maps(symbols, fd);
    close(fd);
    return symbols;
}

void
ouro__symbols_free(struct ouro__symbols *symbols)
{
    if (symbols == NULL)
        return;
    for (size_t i = 0; i < symbols->count; i++) {
        struct module *module = &symbols->modules[i];

        if (module->file != NULL)
            munmap((void *)(uintptr_t)module->file, module->size);
    }
    munmap(symbols, sizeof(*symbols));
}

/* A file. */

static void
map_file(struct module *module)
{
    int fd = open(module->path, O_RDONLY | O_CLOEXEC);
    struct stat is;

    module->tried = true;
    if (fd < 0)
        return;
    if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode)
        && (size_t)is.st_size >= sizeof(ElfW(Ehdr))) {
        module->size = (size_t)is.st_size;
        void *file = mmap(NULL, module->size, PROT_READ, MAP_PRIVATE, fd, 0);
        module->file = file != MAP_FAILED ? file : NULL;
    }
    close(fd);
}

/* Copy what stands at `offset` of the file.  Returns whether it is in it. */
static bool
copy_out(const struct module *module, size_t offset, void *out, size_t size)
{
    if (offset > module->size || size > module->size - offset)
        return false;
    memcpy(out, module->file + offset, size);
    return true;
}

/* The header, if the file is one that can be mapped here. */
static bool
read_header(const struct module *module, ElfW(Ehdr) * out_header)
{
    const uint8_t class =
        sizeof(void *) == 8 ? (uint8_t)ELFCLASS64 : (uint8_t)ELFCLASS32;

    return copy_out(module, 0, out_header, sizeof(*out_header))
           && memcmp(out_header->e_ident, ELFMAG, SELFMAG) == 0
           && out_header->e_ident[EI_CLASS] == class
           && out_header->e_phentsize == sizeof(ElfW(Phdr))
           && out_header->e_shentsize == sizeof(ElfW(Shdr));
}

/* What the symbols call the place at `offset` of the file. */
static bool
find_address(const struct module *module, const ElfW(Ehdr) * header,
             uintptr_t offset, uintptr_t *out_address)
{
    for (size_t i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) part;

        if (copy_out(module, header->e_phoff + i * sizeof(part), &part,
                     sizeof(part))
            && part.p_type == PT_LOAD && offset >= part.p_offset
            && offset - part.p_offset < part.p_filesz) {
            *out_address = part.p_vaddr + (offset - part.p_offset);
            return true;
        }
    }
    return false;
}

/* Symbols. */

static bool
find_section(const struct module *module, const ElfW(Ehdr) * header,
             unsigned type, ElfW(Shdr) * out_section)
{
    for (size_t i = 0; i < header->e_shnum; i++) {
        if (copy_out(module, header->e_shoff + i * sizeof(*out_section),
                     out_section, sizeof(*out_section))
            && out_section->sh_type == type)
            return true;
    }
    return false;
}

/* The text at `at` of the section of names that is number `index`. */
static const char *
find_name(const struct module *module, const ElfW(Ehdr) * header, size_t index,
          size_t at)
{
    ElfW(Shdr) names;

    if (!copy_out(module, header->e_shoff + index * sizeof(names), &names,
                  sizeof(names)))
        return NULL;
    size_t offset = names.sh_offset + at;
    if (at >= names.sh_size || offset >= module->size)
        return NULL;
    const uint8_t *name = module->file + offset;
    return memchr(name, '\0', module->size - offset) != NULL
               ? (const char *)name
               : NULL;
}

static bool
holds(const ElfW(Sym) * symbol, uintptr_t address)
{
    /* The macro is the same for both classes. */
    return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC
           && symbol->st_shndx != SHN_UNDEF && address >= symbol->st_value
           && address - symbol->st_value < symbol->st_size;
}

static bool
find_function(const struct module *module, const ElfW(Ehdr) * header,
              unsigned type, uintptr_t address, struct ouro__place *out_place)
{
    ElfW(Shdr) table;
    ElfW(Sym) symbol;

    if (!find_section(module, header, type, &table))
        return false;
    for (size_t at = 0; at + sizeof(symbol) <= table.sh_size;
         at += sizeof(symbol)) {
        if (!copy_out(module, table.sh_offset + at, &symbol, sizeof(symbol)))
            return false;
        if (!holds(&symbol, address))
            continue;
        out_place->function =
            find_name(module, header, table.sh_link, symbol.st_name);
        out_place->offset = address - symbol.st_value;
        return out_place->function != NULL;
    }
    return false;
}

/* Addresses. */

static struct module *
find_module(struct ouro__symbols *symbols, uintptr_t address)
{
    for (size_t i = 0; i < symbols->count; i++) {
        struct module *module = &symbols->modules[i];

        if (address >= module->begin && address < module->end)
            return module;
    }
    return NULL;
}

static void
find_in_module(struct module *module, uintptr_t address,
               struct ouro__place *out_place)
{
    uintptr_t offset = address - module->begin + module->offset;
    ElfW(Ehdr) header;

    out_place->file = strrchr(module->path, '/') + 1;
    out_place->offset = offset;
    if (!module->tried)
        map_file(module);
    if (module->file == NULL || !read_header(module, &header)
        || !find_address(module, &header, offset, &out_place->offset))
        return;
    if (!find_function(module, &header, SHT_SYMTAB, out_place->offset,
                       out_place))
        (void)find_function(module, &header, SHT_DYNSYM, out_place->offset,
                            out_place);
}

void
ouro__symbols_find(struct ouro__symbols *symbols, const void *address,
                   struct ouro__place *out_place)
{
    uintptr_t number = (uintptr_t)address;
    struct module *module =
        symbols != NULL ? find_module(symbols, number) : NULL;

    *out_place = (struct ouro__place){.offset = number};
    if (module == NULL)
        return;

    struct known *known = &symbols->known[number % KNOWN_COUNT];
    if (known->address != number) {
        find_in_module(module, number, out_place);
        known->address = number;
        known->place = *out_place;
    }
    *out_place = known->place;
}
