# TRY_CFLAGS(VARIABLE, FLAGS): appends each flag to VARIABLE that the compiler takes without a
# warning. Which flags exist differs between gcc and clang, so each one is asked for alone.
AC_DEFUN([TRY_CFLAGS], [
  for flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether $CC accepts $flag])
    saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes])
       $1="$$1 $flag"],
      [AC_MSG_RESULT([no])])
    CFLAGS=$saved_CFLAGS
  done
])

# TRY_LDFLAGS(VARIABLE, FLAGS): the same for the linker.
AC_DEFUN([TRY_LDFLAGS], [
  for flag in m4_normalize([$2]); do
    AC_MSG_CHECKING([whether the linker accepts $flag])
    saved_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS $flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes])
       $1="$$1 $flag"],
      [AC_MSG_RESULT([no])])
    LDFLAGS=$saved_LDFLAGS
  done
])
