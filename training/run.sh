#!/usr/bin/env bash
# The whole training on one GPU, unattended.  Call it again after an interruption: it goes on from what is there.
#
#   bash training/run.sh WORK [SPEAK_SECONDS=300] [T2S_SECONDS=700] [SOVITS_SECONDS=1300]
#
# WORK holds pack.npz and tokens.npz (made on any CPU: README.md) and kokoro_int8.onnx.
# Results: WORK/run/s1.ckpt and s2.pth, official layout, rewritten every minute.
set -euo pipefail
work=$1; export PYTHONUNBUFFERED=1
mkdir -p "$work/run"
[ -s "$work/kokoro_float.onnx" ] || python -m training.dequantise "$work/kokoro_int8.onnx" "$work/kokoro_float.onnx"
if [ ! -e "$work/speech/done" ]; then
  (python -m training.speak "$work/pack.npz" "$work/kokoro_float.onnx" "$work/speech" --seconds "${2:-300}" \
    --workers "$(($(nproc) - 1))" && touch "$work/speech/done") > "$work/speak.log" 2>&1 &
fi
again() { [ -s "$work/run/$1" ] && cp "$work/run/$1" "$work/run/from_$1" && echo "$2 $work/run/from_$1"; true; }
# shellcheck disable=SC2046
python -m training.train_t2s "$work/pack.npz" "$work/tokens.npz" "$work/run" --seconds "${3:-700}" \
  $(again s1.ckpt --init) >> "$work/t2s.log" 2>&1 &
rest=$(again s2_rest.pt --init-discriminators)
# shellcheck disable=SC2046
python -m training.train_sovits "$work/pack.npz" "$work/speech" "$work/run" --seconds "${4:-1300}" --batch 16 \
  --spectral "$([ -n "$rest" ] && echo 0 || echo 300)" $(again s2.pth --init) $rest >> "$work/s2.log" 2>&1
wait
tail -n 1 "$work"/*.log
