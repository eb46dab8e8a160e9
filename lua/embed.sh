#!/bin/sh
# Writes core/script/library.c to standard output: the Lua files named as arguments (below the
# folder given first), as C text.
set -eu

root=$1
shift

echo '/* Made by lua/embed.sh from lua/headgate; edit those files instead. */'
echo '#include "script/library.h"'
echo

i=0
for file; do
  printf 'static const char text_%d[] =\n' "$i"
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$root/$file"
  printf '    "";\n\n'
  i=$((i + 1))
done

echo 'const struct library_file library_files[] = {'
i=0
for file; do
  short=${file#lua/}
  name=$(printf '%s' "$short" | sed -e 's,/init\.lua$,,' -e 's,\.lua$,,' -e 's,/,.,g')
  printf '    {"%s", "%s", text_%d, sizeof text_%d - 1},\n' "$name" "$short" "$i" "$i"
  i=$((i + 1))
done
echo '    {0, 0, 0, 0},'
echo '};'
