#!/bin/sh
# The guest's first process. Everything it writes goes to tmpfs, its own disk, or the job's directory.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for place in /tmp /run /mnt; do mount -t tmpfs tmpfs "$place"; done
mkdir /mnt/scratch
mount -t ext4 /dev/ubdb /mnt/scratch
ip link set lo up 2>/dev/null
echo "Linux $(uname -r)"
"$HOLDFAST_PYTHON" -B "$(dirname "$0")/guest.py" "$HOLDFAST_JOB"
echo $? >"$HOLDFAST_JOB/status"
umount /mnt/scratch
sync
echo o >/proc/sysrq-trigger
sleep 60
