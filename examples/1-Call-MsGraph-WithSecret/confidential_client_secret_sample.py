"""
List the users of a directory as an app, with a client secret.

    pip install -r requirements.txt
    python confidential_client_secret_sample.py parameters.json
"""

import json
import logging
import pathlib
import sys

import msal
import requests

logging.basicConfig(level=logging.INFO)

parameters = pathlib.Path(sys.argv[1])
config = json.loads(parameters.read_text(encoding="utf-8-sig"))

http_client = requests.Session()
private = "ca_file" in config  # a pretend tenant, with a certificate authority of its own
if private:
    http_client.trust_env = False  # or REQUESTS_CA_BUNDLE would silently beat ca_file
    http_client.verify = str(parameters.parent / config["ca_file"])

# Keep the app object for as long as the program runs: it holds the token cache.
app = msal.ConfidentialClientApplication(
    config["client_id"],
    authority=config.get("authority"),
    oidc_authority=config.get("oidc_authority"),
    client_credential=config["secret"],
    instance_discovery=not private,  # MSAL would ask Microsoft about an authority it does not know
    http_client=http_client,
)

# MSAL looks into its cache first and asks the identity platform only when nothing there will do.
result = app.acquire_token_for_client(scopes=config["scope"])
if result.get("token_source") != "cache":
    logging.info("No suitable token exists in cache. Let's get a new one from AAD.")

if "access_token" in result:
    # One page, 100 users at the most: what follows the @odata.nextLink is left out here.
    response = http_client.get(
        config["endpoint"],
        headers={"Authorization": "Bearer " + result["access_token"]},
        timeout=30,
    )
    print("Graph API call result: ")
    print(json.dumps(response.json(), indent=2))
else:
    print(result.get("error"))
    print(result.get("error_description"))
    print(result.get("correlation_id"))  # Microsoft's support will ask for it
