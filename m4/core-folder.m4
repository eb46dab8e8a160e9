# Every configure script tidies up core dumps with `rm -f core`; here that name is a folder. This
# takes the word out of the macros that write those lines, so configure stays silent and
# `make distcheck` passes.
m4_define([CORE_IS_A_FOLDER],
  [m4_ifdef([$1], [m4_define([$1],
    m4_bpatsubst(m4_dquote(m4_defn([$1])), [rm -f core ], [rm -f ]))])])
CORE_IS_A_FOLDER([_AC_INIT_PREPARE])
CORE_IS_A_FOLDER([_AC_COMPILE_IFELSE])
CORE_IS_A_FOLDER([_AC_LINK_IFELSE])
CORE_IS_A_FOLDER([_AC_RUN_IFELSE])
CORE_IS_A_FOLDER([_AM_PROG_CC_C_O])
