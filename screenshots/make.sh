#!/usr/bin/env bash
# Makes the pictures of this folder anew.
# Usage: screenshots/make.sh [PATH OF THE PROGRAM]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
faultline=${1:-../target/release/faultline}
kill=(--at batch=8 --fault kill:executor=2@batch=8)
race=(--view race --fault kill:executor=2@batch=7)

shot() { "$faultline" screenshot "$@"; }

shot word-count "${kill[@]}" kill-dark.png
shot word-count "${kill[@]}" --theme light kill-light.png
shot word-count "${kill[@]}" --select updateStateByKey/7/1 why-dark.png
shot word-count "${kill[@]}" --select updateStateByKey/7/1 --below batches --theme light batches-light.png
shot word-count "${kill[@]}" --select updateStateByKey/8/2 --below storage storage-dark.png
shot word-count "${kill[@]}" --select updateStateByKey/7/1 --layout debug --size 1920x1080 --theme light debug-light.png
shot word-count "${kill[@]}" --select updateStateByKey/7/1 --theme high-contrast why-high-contrast.png
shot word-count --at batch=9 --size 2560x1440 running-dark-2560x1440.png
shot word-count --at batch=7 --fault kill:driver@batch=7 driver-down-dark.png
shot word-count --at batch=8 --fault kill:driver@batch=7 --conf faultline.supervise=true driver-recovered-dark.png
shot word-count --view race --fault kill:driver@batch=7 --conf faultline.supervise=true race-driver-dark.png
shot ledger --source simulated:tcp --view race --fault kill:driver@batch=7 race-received-dark.png
shot word-count --source simulated:tcp --at batch=8 --fault kill:driver@batch=7 --conf faultline.supervise=true \
  --conf spark.streaming.receiver.writeAheadLog.enable=true --below store-files store-files-dark.png
shot word-count "${race[@]}" race-dark.png
shot word-count "${race[@]}" --theme light race-light.png
shot page-rank --size 1840x820 --below storage page-rank-dark.png
shot windowed-counts "${kill[@]}" --size 1840x820 windowed-counts-dark.png
shot join-streams "${kill[@]}" --size 1440x900 join-streams-dark.png
shot log-sessions "${kill[@]}" --below findings log-sessions-dark.png
