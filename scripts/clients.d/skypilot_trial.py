"""A machine of SkyPilot's at Vast.ai from its start to its end, by SkyPilot's own provisioner and Vast.ai's SDK,
both as they are published. Argument: a public key's file. The address and the key come from the environment."""

import sys

from sky.provision import common
from sky.provision.vast import instance, utils

public_key = sys.argv[1]
cluster = "sky-trial"
instance.POLL_INTERVAL = 0.3


def config(count):
    return common.ProvisionConfig(
        provider_config={},
        authentication_config={"ssh_public_key": public_key},
        docker_config={},
        node_config={
            "InstanceType": kind,
            "DiskSize": 20,
            "Preemptible": False,
            "ImageId": "vastai/base-image:cuda-12.4.1-cudnn-devel-ubuntu22.04",
        },
        count=count,
        tags={},
        resume_stopped_nodes=True,
        ports_to_open_on_launch=None,
    )


offers = utils.vast.vast().search_offers(query="num_gpus=1 rentable=true disk_space>=20")
offer = next(one for one in offers if "," in (one["geolocation"] or ""))
kind = f"1x-{offer['gpu_name'].replace(' ', '_')}-8-1024"
region = offer["geolocation"]
record = instance.run_instances(region, cluster, cluster, config(1))
head = record.head_instance_id
assert [str(one) for one in record.created_instance_ids] == [str(head)], record
again = instance.run_instances(region, cluster, cluster, config(1))
assert again.created_instance_ids == [] and str(again.head_instance_id) == str(head), again
info = instance.get_cluster_info(region, cluster)
host = info.get_head_instance()
assert host is not None and host.ssh_port, info
states = instance.query_instances(cluster, cluster, {})
print("up", len(states), sorted({str(one[0] if isinstance(one, tuple) else one) for one in states.values()}))
instance.terminate_instances(cluster)
left = instance.query_instances(cluster, cluster, {})
print("gone", left)
