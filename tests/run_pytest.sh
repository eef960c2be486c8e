#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_pytest.sh PYTHON FILE: runs one test file; exit code 77 (skipped) where PYTHON is absent.
if [ ! -x "$1" ]; then
  echo "skipped: no $1 (script/bootstrap --test makes it)"
  exit 77
fi
"$1" -m pytest -q -p no:cacheprovider "$2"
code=$?
# pytest says 5 when it collected nothing, which is a mistake in the file.
[ "$code" -ne 5 ] || echo "no test collected in $2"
exit "$code"
