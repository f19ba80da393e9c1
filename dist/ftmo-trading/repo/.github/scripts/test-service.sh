#!/usr/bin/env bash
# Runs the tests of one service: test-service.sh FOLDER. A service without tests is named in the summary, not hidden.
# Environment: GITHUB_STEP_SUMMARY.
set -euo pipefail

folder=${1:?}
without_tests() {
  echo "- \`$folder\` has no tests yet" >> "$GITHUB_STEP_SUMMARY"
  echo "::warning::$folder has no tests yet"
  exit 0
}

[ -d "$folder" ] || {
  echo "test-service: the folder $folder is missing" >&2
  exit 1
}
[ -d "$folder/tests" ] || without_tests
python -m pip install --requirement "$folder/requirements.txt"
status=0
(cd "$folder" && python -m pytest tests --cov=app --cov-report=term --cov-report=xml:reports/coverage.xml --junitxml=reports/tests.xml) || status=$?
# 5: pytest collected nothing.
if [ "$status" -eq 5 ]; then
  without_tests
fi
exit "$status"
