"""PyJWT as a resource server: key set by URL, audience required."""

import jwt
import site_of as site

text = site.token()
key = jwt.PyJWKClient(site.JWKS).get_signing_key_from_jwt(text)


def decode(token: str, audience: str) -> dict:
    return jwt.decode(
        token,
        key,
        algorithms=site.ALGORITHMS,
        audience=audience,
        issuer=site.ISSUER,
        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"], "strict_aud": True},
    )


site.check("own audience", decode(text, site.RESOURCE)["aud"] == site.RESOURCE)

try:
    decode(text, site.FOREIGN)
    refused = False
except jwt.InvalidAudienceError:
    refused = True
site.check("foreign audience refused", refused)

try:
    decode(site.spoiled(text), site.RESOURCE)
    refused = False
except jwt.InvalidSignatureError:
    refused = True
site.check("forged token refused", refused)
