"""Logs in, rents, protects, drills and reads the report through the generated Python client.

The client is taken as the generator made it. Prints what it did; fails at the first surprise.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.environ["CLIENT_FOLDER"])

from dumont_client import AuthenticatedClient, Client  # noqa: E402
from dumont_client.api.auth import auth_login  # noqa: E402
from dumont_client.api.failover import failover_report, failover_simulate, failover_status  # noqa: E402
from dumont_client.api.instances import instances_create, instances_offers  # noqa: E402
from dumont_client.api.standby import standby_association, standby_configure, standby_provision  # noqa: E402
from dumont_client import models  # noqa: E402

URL = os.environ["DUMONT_URL"] + "/api/v1"


def told(response, status):
    """The answer of a call, which must have this status."""
    if response.status_code != status or isinstance(response.parsed, (models.Problem, type(None))):
        raise SystemExit(f"{response.status_code}, expected {status}: {response.content[:500]!r}")
    return response.parsed


def until(what, seconds, look):
    """Looks until there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    raise SystemExit(f"not in {seconds} s: {what}")


account = json.load(open(os.environ["ACCOUNT_FILE"], encoding="utf-8"))
login = models.LoginRequest(email=account["email"], password=account["password"])
token = told(auth_login.sync_detailed(client=Client(base_url=URL), body=login), 200).token
client = AuthenticatedClient(base_url=URL, token=token, timeout=60)
print("logged in")

wrong = standby_association.sync_detailed("no-such-machine", client=client)
assert wrong.status_code == 404 and isinstance(wrong.parsed, models.Problem), wrong
config = models.ConfigureStandby(enabled=False, sync_interval=2)
assert told(standby_configure.sync_detailed(client=client, body=config), 200).config.sync_interval == 2

offers = told(instances_offers.sync_detailed(client=client, num_gpus=1, limit=8), 200).offers
made = None
for offer in offers:
    wanted = models.CreateInstance(offer_id=offer.id, label="python client", skip_standby=True)
    answer = instances_create.sync_detailed(client=client, body=wanted, idempotency_key=f"py-{offer.id}")
    if answer.status_code == 201:
        made = told(answer, 201)
        again = instances_create.sync_detailed(client=client, body=wanted, idempotency_key=f"py-{offer.id}")
        assert told(again, 201).id == made.id, "the same key bought again"
        break
assert made, "no offer could be rented"
print("rented", made.id)

until("the instance to be known", 60, lambda: standby_provision.sync_detailed(
    made.id, client=client, body=models.ProvisionStandby(name="python client")).status_code in (202, 409))
tie = until("the standby to follow", 120, lambda: (
    lambda found: found if found.state == models.AssociationState.FOLLOWING else None
)(told(standby_association.sync_detailed(str(made.id), client=client), 200)))
assert told(standby_association.sync_detailed(tie.association_id, client=client), 200).name == "python client"
print("protected", tie.association_id)

drill = until("a drill to begin", 60, lambda: (
    lambda answer: answer.parsed if answer.status_code == 200 else None
)(failover_simulate.sync_detailed(tie.association_id, client=client, body=models.SimulateFailover(reason="client"))))
end = until("the drill to end", 150, lambda: (
    lambda found: found if found.completed_at else None
)(told(failover_status.sync_detailed(drill.failover_id, client=client), 200)))
assert end.success, end.error
report = told(failover_report.sync_detailed(client=client, kind=models.Kind.DRILL), 200)
assert report.kind == models.Kind.DRILL and report.successful_failovers >= 1, report
# The generator takes one kind of answer for a status, which is JSON: the other is read as it comes.
csv = client.get_httpx_client().get("/standby/failover/report", params={"kind": "drill", "format": "csv"})
assert csv.status_code == 200 and csv.content.startswith(b"failover_id,"), csv
print("drilled", drill.failover_id, end.total_time_ms, "ms")
