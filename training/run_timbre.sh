#!/usr/bin/env bash
# SoVITS learns the timbre of many voices, on all GPUs there are, unattended.  Call it again after an interruption: it goes on
# from what is there.
#
#   bash training/run_timbre.sh WORK [SECONDS=740] [SPEAK_SECONDS=140] [TRAIN_AFTER=75] [SEED=0] [SHIPPED=0.3] [OPTIONS...]
#
# WORK holds pack.npz, content_pack.npz, kokoro_int8.onnx and run/s2.pth (training.from_model).  All GPUs speak first; training
# begins while they do; another SEED gives other voices and sentences.  SHIPPED is the share of voices that ship in what is
# spoken; OPTIONS are those of training.train_sovits.  WORK/run/s2.pth, official layout, is rewritten every 45 seconds.
set -uo pipefail
work=$1 end=$(($(date +%s) + ${2:-740})); export PYTHONUNBUFFERED=1
gpus=$(nvidia-smi -L | wc -l) cores=$(nproc --all)  # plain nproc obeys OMP_NUM_THREADS
left() { echo $((end - $(date +%s))); }
[ -s "$work/kokoro_float.onnx" ] || python3 -m training.dequantise "$work/kokoro_int8.onnx" "$work/kokoro_float.onnx" || exit
[ -e "$work/speech/done" ] || {
  python3 -m training.timbre "$work/content_pack.npz" "$work/kokoro_float.onnx" "$work/speech" --devices "$gpus" \
    --workers $((cores > 2 * gpus ? cores - gpus : cores)) --seconds "${3:-140}" --sentences 4 --seed "${5:-0}" --shipped "${6:-0.3}" > "$work/speak.log" 2>&1
  touch "$work/speech/done"
} &
sleep "${4:-75}"
port=29500
while [ "$(left)" -gt 90 ]; do
  cp "$work/run/s2.pth" "$work/run/from_s2.pth"
  rest=$([ -s "$work/run/s2_rest.pt" ] && cp "$work/run/s2_rest.pt" "$work/run/from_rest.pt" && echo "--init-discriminators $work/run/from_rest.pt")
  others=()
  for ((rank = gpus - 1; rank >= 0; rank--)); do
    # shellcheck disable=SC2086
    python3 -m training.train_sovits "$work/pack.npz" "$work/speech" "$work/run" --seconds "$(left)" --batch 16 --judged 8 --hours 16 \
      --spectral 0 --init "$work/run/from_s2.pth" $rest --every 45 \
      --device "cuda:$rank" --rank "$rank" --processes "$gpus" $([ "$gpus" -gt 1 ] && echo "--port $port") "${@:7}" \
      >> "$work/s2_$rank.log" 2>&1 &
    others+=($!)
  done
  wait "${others[-1]}" && break  # rank 0
  kill "${others[@]}" 2> /dev/null
  port=$((port + 1))
done
wait
tail -n 1 "$work"/*.log
