#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_pytest.sh PYTHON FILE: runs one test file; exit code 77 (skipped) where PYTHON is absent, or what
# the whole file needs.
if [ ! -x "$1" ]; then
  echo "skipped: no $1 (script/bootstrap --test makes it)"
  exit 77
fi
output=$("$1" -m pytest -q -rs -p no:cacheprovider "$2" 2>&1)
code=$?
printf '%s\n' "$output"
# pytest says 5 when it collected nothing: the file skips itself, or is mistaken.
if [ "$code" -eq 5 ]; then
  case $output in
    *" skipped in "*) exit 77 ;;
  esac
  echo "no test collected in $2"
fi
exit "$code"
