"""What docker-py sees of an engine, printed as JSON."""
import io
import json
import tarfile

import docker

client = docker.from_env(version="auto")
seen = {}
seen["ran"] = client.containers.run("busybox", "echo hello", remove=True, network_mode="none").decode()
try:
    client.containers.run("busybox", "sh -c 'exit 5'", remove=True, network_mode="none")
except docker.errors.ContainerError as error:
    seen["failed"] = error.exit_status
sleeper = client.containers.run("busybox", "sleep 1000", name="py", detach=True)
code, output = sleeper.exec_run("echo inside")
seen["exec"] = [code, output.decode()]
try:
    client.containers.get("missing")
except docker.errors.NotFound as error:
    seen["missing"] = type(error).__name__
try:
    client.containers.create("busybox", name="py")
except docker.errors.APIError as error:
    seen["conflict"] = error.status_code
volume = client.volumes.create("pyvolume")
mounts = {"pyvolume": {"bind": "/data", "mode": "rw"}}
client.containers.run("busybox", "sh -c 'echo kept >/data/x'", volumes=mounts, remove=True, network_mode="none")
seen["volume"] = client.containers.run("busybox", "cat /data/x", volumes=mounts, remove=True, network_mode="none").decode()
volume.remove()
network = client.networks.create("pynet")
network.connect(sleeper)
sleeper.reload()
seen["address"] = sleeper.attrs["NetworkSettings"]["Networks"]["pynet"]["IPAddress"] != ""
network.disconnect(sleeper)
network.remove()
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("file")
    entry.size = len(b"from python")
    tar.addfile(entry, io.BytesIO(b"from python"))
sleeper.put_archive("/tmp", archive.getvalue())
chunks, _ = sleeper.get_archive("/tmp/file")
with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
    seen["archive"] = tar.extractfile("file").read().decode()
seen["stats"] = sleeper.stats(stream=False)["pids_stats"].get("current", 0) > 0
seen["images"] = any("busybox:latest" in image.tags for image in client.images.list())
sleeper.remove(force=True)
print(json.dumps(seen))
