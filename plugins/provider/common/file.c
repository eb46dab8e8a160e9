#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *file_read(const char *path, size_t max, size_t *ret_n)
{
    FILE *file = path && *path ? fopen(path, "re") : NULL;
    char *text = file ? malloc(max + 1) : NULL;

    *ret_n = 0;
    if (text) {
        setvbuf(file, NULL, _IONBF, 0); /* no copy stays behind in a buffer */
        *ret_n = fread(text, 1, max, file);
        text[*ret_n] = 0;
    }
    if (file)
        fclose(file);
    return text;
}

char *file_text(const char *path, size_t max)
{
    size_t n;
    char *text = file_read(path, max, &n);

    if (!text)
        return NULL;
    while (n && strchr(" \r\n\t", text[n - 1]))
        n--;
    text[n] = 0;
    return text;
}

void text_wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}
