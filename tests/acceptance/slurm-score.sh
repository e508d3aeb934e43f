#!/usr/bin/env bash
# Scores rows with the embedded model as a Slurm array job on four nodes, all of them on this machine: a task is warned as before its time
# limit, one is killed (kill -9), a node dies and comes back. Images and results have to be equal to those of one undisturbed run, except
# for the column seconds. Installs and starts Slurm and MUNGE (Debian's slurm-wlm, munge), as root.
#   tests/acceptance/slurm-score.sh [ROWS] [TASKS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rows=${1:-400} tasks=${2:-16} nodes=4
checkout=$PWD
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

((EUID == 0)) || fail "this script installs Slurm and starts its daemons: expected to be root"
command -v slurmctld slurmd munged >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
}

dotnet build -c Release -v quiet src/ControlNet.ML.Cli >&2
tool=$(find "$checkout/src/ControlNet.ML.Cli/bin/Release" -name controlnet.dll -not -path '*/ref/*' | head -1)
folder=$(mktemp -d)
chmod 755 "$folder"
mkdir -p "$folder/bin" "$folder/state" "$folder/log"
printf '#!/bin/sh\nexec dotnet "%s" "$@"\n' "$tool" >"$folder/bin/controlnet"
chmod +x "$folder/bin/controlnet"
export PATH="$folder/bin:$PATH"

started=()
end() {
    scancel --user root 2>/dev/null || true
    for process in "${started[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    wait
    [[ -n ${KEEP:-} ]] || rm -rf "$folder"
}
trap end EXIT

echo "== a cluster of $nodes nodes"
if ! munge -n >/dev/null 2>&1; then
    mkdir -p /run/munge /var/log/munge
    chown munge: /run/munge /var/log/munge
    [[ -f /etc/munge/munge.key ]] || mungekey --create
    chown munge: /etc/munge/munge.key
    runuser -u munge -- munged --force
    munge -n >/dev/null || fail "munged does not run"
fi

export SLURM_CONF=$folder/slurm.conf
host=$(hostname -s)
cat >"$SLURM_CONF" <<END
ClusterName=acceptance
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd.%n
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/linear
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge=300
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,requeue_delay=1
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17001-1700$nodes] CPUs=1 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
echo "CgroupAutomount=no" >"$folder/cgroup.conf"

slurmctld -D >/dev/null 2>&1 &
started+=($!)
slurmd_of=()
node() {
    mkdir -p "$folder/spool.n$1"
    slurmd -D -N "n$1" >/dev/null 2>&1 &
    started+=($!)
    slurmd_of[$1]=$!
}
for ((n = 1; n <= nodes; n++)); do node "$n"; done
for ((i = 0; i < 60; i++)); do
    [[ $(sinfo -h -N -o '%T' 2>/dev/null | grep -c idle) == "$nodes" ]] && break
    sleep 1
done
sinfo -N
[[ $(sinfo -h -N -o '%T' | grep -c idle) == "$nodes" ]] || fail "the nodes are not idle: $(tail -5 "$folder"/log/*)"

{
    echo "prompt,seed"
    for ((row = 0; row < rows; row++)); do echo "emoji $row fluent 3d,$((row * 7))"; done
} >"$folder/table.csv"
options=(--steps 10 --size 64 --format csv)

echo "== one undisturbed run"
(unset SLURM_CONF; controlnet score "$folder/table.csv" --output "$folder/whole" "${options[@]}" >"$folder/whole.log" 2>&1) \
    || fail "the run failed: $(cat "$folder/whole.log")"

echo "== $tasks tasks"
began=$SECONDS
job=$(sbatch --parsable --array="0-$((tasks - 1))" --time=10 --output="$folder/log/task-%a" \
    deploy/slurm/score.sbatch "$folder/table.csv" "$folder/run" "${options[@]}")
merge=$(sbatch --parsable --dependency="afterok:$job" --output="$folder/log/merge" deploy/slurm/merge.sbatch "$folder/run")

finished() { cat "$folder"/run/journal-*.jsonl 2>/dev/null | wc -l; }
until (($(finished) > rows / 10)); do
    ((SECONDS - began < 300)) || fail "no rows after 300 s: $(tail -3 "$folder"/log/*)"
    sleep 0.2
done
# The task of the newest journal is in the midst of its rows. scancel repeats for minutes what has arrived, where it hears nothing of it; and
# a task that ends at this moment cannot be warned, so that the next is tried.
until grep -q "SIGUSR1 asks" "$folder"/log/task-*; do
    warned=$((10#$(basename "$(ls -t "$folder"/run/journal-*.jsonl | head -1)" | cut -c9-12)))
    timeout 2 scancel --batch --signal=USR1 "${job}_$warned" 2>/dev/null || true
    sleep 0.5
done
echo "-- after $(finished) rows task $warned was warned"
until (($(finished) > rows / 6)); do sleep 0.2; done
echo "-- after $(finished) rows a task is killed"
pkill -9 -f -n "controlnet.dll score $folder/table.csv --output $folder/run" || fail "no task to kill"

until (($(finished) > rows / 4)); do sleep 0.2; done
victim=2
echo "-- after $(finished) rows node n$victim dies with its tasks"
# The daemon, and Slurm's own processes before those that they watch: a dead node reports nothing.
kill -9 "${slurmd_of[$victim]}"
running=()
for process in $(pgrep -f "slurm_script|controlnet.dll score $folder/table.csv" || true); do
    if tr '\0' '\n' 2>/dev/null <"/proc/$process/environ" | grep -q "^SLURMD_NODENAME=n$victim$"; then running+=("$process"); fi
done
for process in "${running[@]}"; do
    parent=$(ps -o ppid= -p "$process" | tr -d ' ')
    if grep -q "^slurmstepd" "/proc/$parent/cmdline" 2>/dev/null; then kill -9 "$parent"; fi
done
((${#running[@]} == 0)) || kill -9 "${running[@]}" 2>/dev/null || true

# A node that is back before anyone missed it fails its task, which nobody repeats; one that was missed has it queued again.
until sinfo -h -n "n$victim" -o '%T' | grep -q down; do
    ((SECONDS - began < 900)) || fail "Slurm does not notice that node n$victim is dead: $(sinfo -N)"
    sleep 1
done
controlnet score status "$folder/run"
echo "-- after $(finished) rows node n$victim is back"
node "$victim"

for ((; SECONDS - began < 1500;)); do
    state=$(scontrol show job "$merge" 2>/dev/null | grep -o 'JobState=[A-Z_]*' | head -1)
    [[ $state == JobState=COMPLETED ]] && break
    sleep 2
done
[[ $state == JobState=COMPLETED ]] || fail "the merge job is $state: $(squeue; tail -5 "$folder"/log/*)"
restarts=$(scontrol show job "$job" | grep -o 'Restarts=[0-9]*' | awk -F= '{ sum += $2 } END { print sum + 0 }')
echo "$rows rows in $((SECONDS - began)) s, tasks were restarted $restarts times"
((restarts >= 3)) || fail "expected at least 3 restarts: the warned task, the killed one, and that of the dead node"

echo "== compared"
diff -r "$folder/whole/pictures" "$folder/run/pictures" || fail "the images differ"
diff <(cut -d, -f5 --complement "$folder/whole/results.csv") <(cut -d, -f5 --complement "$folder/run/results.csv") || fail "the results differ"
[[ $(finished) == "$rows" ]] || fail "the journals have $(finished) lines, expected $rows"
[[ -z $(find "$folder/run" -name '*.part') ]] || fail "unfinished files were left"
echo "passed: $rows rows in $tasks tasks on $nodes nodes; a task and a node were killed; images and results are equal"
