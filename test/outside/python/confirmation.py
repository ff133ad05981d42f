"""PyJWT as a resource server that demands the certificate a token is bound to."""

import base64
import os
import pathlib

import jwt
import site_of as site
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

text = site.token()
key = jwt.PyJWKClient(site.JWKS).get_signing_key_from_jwt(text)
bound_to = jwt.decode(text, key, algorithms=site.ALGORITHMS, audience=site.RESOURCE, issuer=site.ISSUER)["cnf"]


def fits(name: str) -> bool:
    shown = x509.load_pem_x509_certificate(pathlib.Path(os.environ[name]).read_bytes())
    return bound_to["x5t#S256"] == base64.urlsafe_b64encode(shown.fingerprint(SHA256())).rstrip(b"=").decode()


site.check("own certificate", list(bound_to) == ["x5t#S256"] and fits("SITE_CERTIFICATE"))
site.check("another certificate refused", not fits("SITE_OTHER_CERTIFICATE"))
