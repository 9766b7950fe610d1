#!/bin/bash
# One part of a run, as a task of a SLURM array:
#   sbatch --array=1-8 slurm.sh explain --data data/ --weights net.safetensors --queries 0-127 --block 16
# and, when all are done, the whole in the folder `whole`:
#   sbatch --dependency=afterok:JOB --export=ALL,PARTS=8 slurm.sh explain ..
#SBATCH --job-name=backdraft
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

out=${OUT:-$PWD}
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    part=$SLURM_ARRAY_TASK_ID
    # A task that was preempted or requeued goes on where it stopped.
    exec srun backdraft "$@" --shard "$part/$SLURM_ARRAY_TASK_COUNT" --out "$out/part-$part"
fi
folders=()
for part in $(seq "${PARTS:?how many parts there are}"); do
    folders+=("$out/part-$part")
done
merge=$(IFS=, && echo "${folders[*]}")
exec srun backdraft "$@" --merge "$merge" --out "$out/whole"
