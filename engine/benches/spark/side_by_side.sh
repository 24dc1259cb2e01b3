#!/usr/bin/env bash
# Our benches beside Apache Spark on the same machine: word count of 200 MB, a job of two tasks, and
# streams with state over a million keys. Needs Java 17 and pyspark 3.5.9 for Spark's side, whose wheel
# carries Spark and the Scala compiler: python3 -m venv v && v/bin/pip install pyspark==3.5.9, then put
# v/bin first in PATH. Everything is written under target/spark-bench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/target/spark-bench
mkdir -p "$work/data"

echo "== ours"
for bench in word_count job_overhead stateful_stream; do
  (cd "$root" && cargo bench -q -p faultline-engine --bench "$bench")
done

echo
echo "== Apache Spark"
if ! python3 -c 'import pyspark' 2>/dev/null; then
  echo "pyspark is not installed, so there is nothing to compare with: pip install pyspark==3.5.9"
  exit 0
fi
if ! command -v java >/dev/null; then
  echo "java is missing: install a Java 17 runtime"
  exit 0
fi
cd "$work"
export BUILD_DIR=$work
[[ -f data/words.txt ]] || python3 "$here/gen_words.py" data/words.txt 200000000
only='^PERF (a wordcount|b 1-stage job, 2 tasks|c )'
"$here/run.sh" batch 2>/dev/null | grep -E "$only" || true
for operator in stateless mapWithState updateStateByKey; do
  "$here/run.sh" state "$operator" 1000000 30 1500 2>/dev/null | grep -E "$only" || echo "Spark's $operator did not end"
done
