"""A run in parts under HyperQueue: python parts.py PARTS OUT explain --data .. --queries .. --block ..

On this machine alone, with the wheel of PyPI (`pip install hyperqueue`). On a cluster, name the folder of a server that
runs there: hyperqueue.Client(server_dir) in place of LocalCluster.
"""

import os
import sys

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
from hyperqueue.ffi.protocol import ResourceRequest

count, out, command = int(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
folders = [f"{out}/part-{part}" for part in range(1, count + 1)]

with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=2))
    job = Job(max_fails=0)
    parts = [
        job.program(
            ["backdraft", *command, "--shard", f"{part}/{count}", "--out", folder],
            # The server's environment is not the client's.
            env={"PATH": os.environ["PATH"]},
            cwd=os.getcwd(),
            resources=ResourceRequest(cpus=1),
        )
        for part, folder in enumerate(folders, start=1)
    ]
    job.program(
        ["backdraft", *command, "--merge", ",".join(folders), "--out", f"{out}/whole"],
        env={"PATH": os.environ["PATH"]},
        cwd=os.getcwd(),
        deps=parts,
    )
    client = cluster.client()
    client.wait_for_jobs([client.submit(job)])
