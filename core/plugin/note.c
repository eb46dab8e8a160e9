#include "plugin/note.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <headgate/plugin.h>

#include "base/memory.h"
#include "base/text.h"

#if defined(__x86_64__)
#    define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#    define OUR_MACHINE EM_AARCH64
#elif defined(__riscv)
#    define OUR_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#    define OUR_MACHINE EM_PPC64
#elif defined(__s390x__)
#    define OUR_MACHINE EM_S390
#else
#    define OUR_MACHINE EM_NONE /* not known: dlopen will judge */
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#    define OUR_ORDER ELFDATA2LSB
#else
#    define OUR_ORDER ELFDATA2MSB
#endif

enum {
    FILE_MAX = 256 << 20,
    NAME_MAX_SHOWN = 255,
};

static bool read_all(int fd, struct image *image, struct error *error)
{
    size_t size = (size_t)image->stat.st_size, got = 0;

    image->bytes = xmalloc(size + 1);
    while (got < size) {
        ssize_t n = read(fd, image->bytes + got, size - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(error, "cannot be read: %s", strerror(errno));
        if (n == 0)
            break;
        got += (size_t)n;
    }
    image->n = got;
    return true;
}

bool image_read(struct image *image, const char *file, struct error *error)
{
    *image = (struct image){0};
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return error_set(error, "cannot be opened: %s", strerror(errno));
    bool ok;

    if (fstat(fd, &image->stat))
        ok = error_set(error, "cannot be read: %s", strerror(errno));
    else if (!S_ISREG(image->stat.st_mode))
        ok = error_set(error, "is not a file");
    else if (image->stat.st_size > FILE_MAX)
        ok = error_set(error, "is larger than %d MB, which no plugin is", FILE_MAX >> 20);
    else
        ok = read_all(fd, image, error);
    close(fd);
    if (!ok)
        image_done(image);
    return ok;
}

void image_done(struct image *image)
{
    free(image->bytes);
    image->bytes = NULL;
    image->n = 0;
}

/* The only way to the bytes of the file. */
static bool take(const struct image *image, uint64_t off, void *to, size_t n)
{
    if (off > image->n || n > image->n - off)
        return false;
    memcpy(to, image->bytes + off, n);
    return true;
}

/* A text of the file that ends inside of [off, end) and is fit for a terminal. */
static const char *text_at(const struct image *image, uint64_t off, uint64_t end)
{
    if (end > image->n)
        end = image->n;
    if (off >= end)
        return NULL;
    const char *text = image->bytes + off;
    const char *nul = memchr(text, 0, end - off);

    if (!nul || nul == text || nul - text > NAME_MAX_SHOWN)
        return NULL;
    for (const char *at = text; at < nul; at++)
        if (*at < 0x21 || *at > 0x7e)
            return NULL;
    return text;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_AARCH64:
        return "aarch64";
    case EM_RISCV:
        return "riscv64";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390x";
    case EM_386:
        return "i386";
    case EM_ARM:
        return "arm";
    default:
        return "another machine";
    }
}

static bool head_read(const struct image *image, Elf64_Ehdr *ret_head, struct error *error)
{
    unsigned char ident[EI_NIDENT];

    if (!take(image, 0, ident, sizeof ident) || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return error_set(error, "is not a shared object (no ELF file)");
    if (ident[EI_CLASS] != ELFCLASS64)
        return error_set(error, "is not a 64-bit object");
    if (ident[EI_DATA] != OUR_ORDER)
        return error_set(error, "was built for a machine with another byte order");
    if (!take(image, 0, ret_head, sizeof *ret_head))
        return error_set(error, "is cut short");
    if (OUR_MACHINE != EM_NONE && ret_head->e_machine != OUR_MACHINE)
        return error_set(error, "was built for %s, this gateway runs on %s",
                         machine_name(ret_head->e_machine), machine_name(OUR_MACHINE));
    if (ret_head->e_type != ET_DYN)
        return error_set(error, "is not a shared object: link it with -shared");
    return true;
}

/* The note's content, as HG_PLUGIN lays it down. */
struct content {
    uint16_t major, minor;
    uint32_t plugin_size, host_size;
    char id[64], version[32];
};

_Static_assert(sizeof(struct hg_elf_note) == 24 + sizeof(struct content), "the note has no holes");

/* Copies a name of letters, digits and a few signs; false if there is anything else. */
static bool name_copy(char *to, const char *from, size_t size)
{
    size_t n = strnlen(from, size);

    if (n == 0 || n == size)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+~", from[i]))
            return false;
    memcpy(to, from, n);
    to[n] = 0;
    return true;
}

static bool content_read(const struct content *content, struct note *ret_note, struct error *error)
{
    *ret_note = (struct note){.major = content->major,
                              .minor = content->minor,
                              .plugin_size = content->plugin_size,
                              .host_size = content->host_size};
    if (!name_copy(ret_note->name, content->id, sizeof content->id))
        return error_set(error, "has a note without a proper name");
    if (!name_copy(ret_note->version, content->version, sizeof content->version))
        return error_set(error, "has a note without a proper version");
    return true;
}

enum found {
    NOTE_ABSENT,
    NOTE_FOUND,
    NOTE_BROKEN
};

static uint64_t padded(uint64_t n, uint64_t to)
{
    return (n + to - 1) & ~(to - 1);
}

/* Looks for our note among those in a piece of the file. */
static enum found notes_search(const struct image *image, uint64_t off, uint64_t size,
                               uint64_t align, struct content *ret_content)
{
    if (off > image->n || size > image->n - off)
        return NOTE_BROKEN;
    align = align == 8 ? 8 : 4;
    uint64_t end = off + size;

    while (end - off >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head;

        take(image, off, &head, sizeof head);
        /* The sizes are 32 bits wide: these sums cannot overflow. */
        uint64_t name_at = off + sizeof head;
        uint64_t content_at = off + padded(sizeof head + head.n_namesz, align);
        uint64_t next = content_at + padded(head.n_descsz, align);

        if (content_at > end || head.n_descsz > end - content_at)
            return NOTE_BROKEN;
        if (head.n_namesz == sizeof HG_NOTE_OWNER && head.n_type == HG_NOTE_TYPE &&
            memcmp(image->bytes + name_at, HG_NOTE_OWNER, sizeof HG_NOTE_OWNER) == 0) {
            if (head.n_descsz < sizeof *ret_content)
                return NOTE_BROKEN;
            take(image, content_at, ret_content, sizeof *ret_content);
            return NOTE_FOUND;
        }
        if (next >= end)
            break;
        off = next;
    }
    return NOTE_ABSENT;
}

static enum found segments_search(const struct image *image, const Elf64_Ehdr *head,
                                  struct content *ret_content)
{
    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr segment;

        if (head->e_phentsize < sizeof segment || head->e_phoff > image->n ||
            !take(image, head->e_phoff + (uint64_t)i * head->e_phentsize, &segment, sizeof segment))
            return NOTE_BROKEN;
        if (segment.p_type != PT_NOTE)
            continue;
        enum found found =
            notes_search(image, segment.p_offset, segment.p_filesz, segment.p_align, ret_content);

        if (found != NOTE_ABSENT)
            return found;
    }
    return NOTE_ABSENT;
}

static bool section_at(const struct image *image, const Elf64_Ehdr *head, unsigned i,
                       Elf64_Shdr *ret_section)
{
    return i < head->e_shnum && head->e_shentsize >= sizeof *ret_section &&
           head->e_shoff <= image->n &&
           take(image, head->e_shoff + (uint64_t)i * head->e_shentsize, ret_section,
                sizeof *ret_section);
}

static enum found sections_search(const struct image *image, const Elf64_Ehdr *head,
                                  struct content *ret_content)
{
    Elf64_Shdr section;

    for (unsigned i = 0; section_at(image, head, i, &section); i++) {
        if (section.sh_type != SHT_NOTE)
            continue;
        enum found found = notes_search(image, section.sh_offset, section.sh_size,
                                        section.sh_addralign, ret_content);

        if (found != NOTE_ABSENT)
            return found;
    }
    return NOTE_ABSENT;
}

bool note_read(const struct image *image, struct note *ret_note, struct error *error)
{
    Elf64_Ehdr head;
    struct content content = {0};

    if (!head_read(image, &head, error))
        return false;
    enum found found = segments_search(image, &head, &content);

    if (found == NOTE_ABSENT)
        found = sections_search(image, &head, &content);
    if (found == NOTE_BROKEN)
        return error_set(error, "is damaged or cut short");
    if (found == NOTE_ABSENT)
        return error_set(error, "is no headgate plugin: it has no note; see HG_PLUGIN");
    return content_read(&content, ret_note, error);
}

bool note_fits(const struct note *note, struct error *error)
{
    if (note->major != HG_ABI_MAJOR)
        return error_set(error, "needs ABI %u.%u, this gateway has %d.%d: %s", note->major,
                         note->minor, HG_ABI_MAJOR, HG_ABI_MINOR,
                         note->major > HG_ABI_MAJOR ? "upgrade headgate"
                                                    : "rebuild the plugin with its headers");
    if (note->minor > HG_ABI_MINOR)
        return error_set(error,
                         "needs ABI %u.%u, this gateway has %d.%d: upgrade headgate or rebuild "
                         "the plugin with -DHG_ABI_MINOR=%d",
                         note->major, note->minor, HG_ABI_MAJOR, HG_ABI_MINOR, HG_ABI_MINOR);
    /* An equal or older minor cannot know more members than we do, and never less than the first
     * one had. */
    if (note->plugin_size > sizeof(hg_plugin) || note->host_size > sizeof(hg_host) ||
        note->plugin_size < offsetof(hg_plugin, ifaces) + sizeof(void *) ||
        note->host_size < offsetof(hg_host, emit) + sizeof(void *))
        return error_set(error,
                         "was built with other headers of ABI %u.%u (its structs have %u and %u "
                         "bytes, ours %zu and %zu): rebuild it",
                         note->major, note->minor, note->plugin_size, note->host_size,
                         sizeof(hg_plugin), sizeof(hg_host));
    return true;
}

static bool section_find(const struct image *image, const Elf64_Ehdr *head, uint32_t type,
                         Elf64_Shdr *ret_section, Elf64_Shdr *ret_texts)
{
    for (unsigned i = 0; section_at(image, head, i, ret_section); i++)
        if (ret_section->sh_type == type)
            return ret_section->sh_offset <= image->n && ret_section->sh_size <= image->n &&
                   section_at(image, head, ret_section->sh_link, ret_texts) &&
                   ret_texts->sh_offset <= image->n && ret_texts->sh_size <= image->n;
    return false;
}

bool note_each_symbol(const struct image *image, note_on_symbol *fn, void *arg)
{
    Elf64_Ehdr head;
    Elf64_Shdr section, texts;
    Elf64_Sym symbol;

    if (!head_read(image, &head, NULL) || !section_find(image, &head, SHT_DYNSYM, &section, &texts))
        return false;
    for (uint64_t at = sizeof symbol; at + sizeof symbol <= section.sh_size; at += sizeof symbol) {
        if (!take(image, section.sh_offset + at, &symbol, sizeof symbol))
            return false;
        const char *name =
            text_at(image, texts.sh_offset + symbol.st_name, texts.sh_offset + texts.sh_size);
        unsigned bind = ELF64_ST_BIND(symbol.st_info);

        if (name && (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE))
            fn(arg, name, symbol.st_shndx != SHN_UNDEF);
    }
    return true;
}

bool note_each_library(const struct image *image, note_on_library *fn, void *arg)
{
    Elf64_Ehdr head;
    Elf64_Shdr section, texts;
    Elf64_Dyn entry;

    if (!head_read(image, &head, NULL) ||
        !section_find(image, &head, SHT_DYNAMIC, &section, &texts))
        return false;
    for (uint64_t at = 0; at + sizeof entry <= section.sh_size; at += sizeof entry) {
        if (!take(image, section.sh_offset + at, &entry, sizeof entry))
            return false;
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag != DT_NEEDED || entry.d_un.d_val > image->n)
            continue;
        const char *name =
            text_at(image, texts.sh_offset + entry.d_un.d_val, texts.sh_offset + texts.sh_size);
        if (name)
            fn(arg, name);
    }
    return true;
}
