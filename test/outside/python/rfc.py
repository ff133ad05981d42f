"""joserfc as a resource server: key set fetched, audience required."""

import json
import urllib.request

import site_of as site
from joserfc import errors, jwt
from joserfc.jwk import KeySet

text = site.token()
with urllib.request.urlopen(site.JWKS, timeout=10) as answer:
    keys = KeySet.import_key_set(json.load(answer))


def decode(token: str, audience: str) -> dict:
    decoded = jwt.decode(token, keys, algorithms=site.ALGORITHMS)
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": site.ISSUER},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )
    registry.validate(decoded.claims)
    return decoded.claims


site.check("own audience", decode(text, site.RESOURCE)["aud"] == site.RESOURCE)

try:
    decode(text, site.FOREIGN)
    refused = "none"
except errors.InvalidClaimError as err:
    refused = err.claim
site.check("foreign audience refused", refused == "aud")

try:
    decode(site.spoiled(text), site.RESOURCE)
    forged = True
except errors.BadSignatureError:
    forged = False
site.check("forged token refused", not forged)
