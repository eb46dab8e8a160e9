#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *file_text(const char *path, size_t max)
{
    FILE *file = path && *path ? fopen(path, "re") : NULL;
    char *text = file ? malloc(max + 1) : NULL;
    size_t n;

    if (text) {
        setvbuf(file, NULL, _IONBF, 0); /* no copy stays behind in a buffer */
        n = fread(text, 1, max, file);
        while (n && strchr(" \r\n\t", text[n - 1]))
            n--;
        text[n] = 0;
    }
    if (file)
        fclose(file);
    return text;
}

void text_wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}
