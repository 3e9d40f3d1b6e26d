"""Nagstamon's own Livestatus client without its window: prints the problems that it shows, as JSON.

usage: nagstamon.py PACKAGES CONFIG_DIRECTORY PORT [recheck|acknowledge HOST SERVICE]

Only what talks HTTP and draws windows is replaced by stubs; config, filters, objects and the client are Nagstamon's.
"""

import json
import sys
import types


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


packages, config_directory, port = sys.argv[1:4]
orders = sys.argv[4:]
sys.path.insert(0, packages)
# Nagstamon reads its own command line: the directory of its configuration.
sys.argv = ["nagstamon", config_directory]

auth = types.SimpleNamespace(AuthBase=object, HTTPDigestAuth=object)
stub("requests", auth=auth, Session=object)
stub("requests.auth", **vars(auth))
stub("requests_kerberos", HTTPKerberosAuth=object)
stub("urllib3", disable_warnings=lambda *words: None)
stub("bs4", BeautifulSoup=object)
stub("psutil")
stub("keyring")
stub("pkg_resources", resource_filename=lambda package, path: path)

import Nagstamon  # noqa: E402

# The package's own list imports the clients of all other monitors and what they need.
servers = stub("Nagstamon.Servers")
servers.__path__ = [Nagstamon.__path__[0] + "/Servers"]

from Nagstamon.Config import conf  # noqa: E402
from Nagstamon.Servers.Livestatus import LivestatusServer  # noqa: E402


class Configured:
    """What the dialog for a server fills in."""

    name = "deploywatch"
    type = "Livestatus"
    enabled = True
    monitor_url = "tcp://127.0.0.1:" + port

    def __getattr__(self, name):
        return ""


conf.servers = {"deploywatch": Configured()}
server = LivestatusServer(name="deploywatch")
server.type = "Livestatus"
server.enabled = True
server.monitor_url = Configured.monitor_url
server.init_config()

if orders:
    what, host, service = orders
    info = {
        "host": host,
        "service": service,
        "sticky": True,
        "notify": True,
        "persistent": False,
        "author": "amy",
        "comment": "mine",
    }
    result = server.GetStatus()
    {"recheck": server.set_recheck, "acknowledge": server.set_acknowledge}[what](info)
    sys.exit(0)

result = server.GetStatus()
shown = []
for host in server.hosts.values():
    if host.status != "UP":
        shown.append([host.name, "", host.status, host.status_information])
    for service in host.services.values():
        shown.append(
            [
                host.name,
                service.name,
                service.status,
                service.status_information,
                service.status_type,
                service.acknowledged,
                service.scheduled_downtime,
                service.get_service_name(),
            ]
        )
filtered = server.nagitems_filtered
kept = sorted(
    item.get_host_name() + "/" + item.get_service_name()
    for items in filtered["services"].values()
    for item in items
)
print(
    json.dumps(
        {
            "error": result.error,
            "shown": sorted(shown),
            "kept": kept,
            "worst": server.worst_status_current,
        }
    )
)
