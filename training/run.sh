#!/usr/bin/env bash
# The whole training on one GPU or two, unattended.  Call it again after an interruption: it goes on from what is there.
#
#   bash training/run.sh WORK [SECONDS=1500] [SPEAK_SECONDS=300] [T2S_SECONDS=350] [ROUND=0]
#
# T2S_SECONDS=0 trains SoVITS alone.
# WORK holds pack.npz (made on any CPU: README.md) and kokoro_int8.onnx; to go on from the shipped model also run/s1.ckpt and
# run/s2.pth (training.from_model), and ROUND 1, 2, ... for other sentences (12,000 further on) and other voices of the tokens.
# Results: WORK/run/s1.ckpt and s2.pth, official layout, rewritten every minute.
# With a second GPU, speech is made and T2S trained there, and it helps with SoVITS as soon as the speech is made.
set -euo pipefail
work=$1 end=$(($(date +%s) + ${2:-1500})); export PYTHONUNBUFFERED=1
cores=$(nproc --all)  # plain nproc obeys OMP_NUM_THREADS
second=$(($(nvidia-smi -L | wc -l) - 1))
left() { echo $((end - $(date +%s))); }
again() { [ ! -s "$work/run/$1" ] || { cp "$work/run/$1" "$work/run/from_$1" && echo "$2 $work/run/from_$1"; }; }
mkdir -p "$work/run"
[ -s "$work/kokoro_float.onnx" ] || python -m training.dequantise "$work/kokoro_int8.onnx" "$work/kokoro_float.onnx"
rest=$(again s2_rest.pt --init-discriminators) init=$(again s2.pth --init) t2s=$(again s1.ckpt "--rate 2e-4 --init")
(
  [ -e "$work/speech/done" ] || {
    CUDA_VISIBLE_DEVICES=$second python -m training.speak "$work/pack.npz" "$work/kokoro_float.onnx" "$work/speech" \
      --seconds "${3:-300}" --first $((12000 * ${5:-0})) --workers $((cores > 4 ? cores - 4 : 1))
    touch "$work/speech/done"
  }
  [ "${4:-350}" -gt 0 ] || exit 0
  [ -s "$work/tokens.npz" ] || {
    python -m training.prosody "$work/pack.npz" "$work/kokoro_int8.onnx" "$work/part.npz" --turns $((${5:-0} % 6)) \
      --workers $((cores > 6 ? cores - 6 : 1))
    mv "$work/part.npz" "$work/tokens.npz"
  }
  # shellcheck disable=SC2086
  CUDA_VISIBLE_DEVICES=$second python -m training.train_t2s "$work/pack.npz" "$work/tokens.npz" "$work/run" \
    --seconds "${4:-350}" $t2s >> "$work/t2s.log" 2>&1
) > "$work/speak.log" 2>&1 &
beside=$!
sovits() {
  # shellcheck disable=SC2086
  python -m training.train_sovits "$work/pack.npz" "$work/speech" "$work/run" --seconds "$(left)" --batch 16 --hours 14 \
    --spectral "$([ -n "$init" ] && echo 0 || echo 300)" $init $rest "$@"
}
if [ "$second" -gt 0 ]; then
  sovits --port 29500 --rank 1 --device cuda:1 >> "$work/s2_second.log" 2>&1 &
  trap "kill $! 2> /dev/null || true" EXIT  # it waits for ever for speech that is never made
  sovits --port 29500 >> "$work/s2.log" 2>&1
else
  sovits >> "$work/s2.log" 2>&1
fi
wait "$beside"  # its status is the script's
tail -n 1 "$work"/*.log
