"""What the scripts are told about the issuer, by environment variables."""

import os
import sys

ISSUER = os.environ["SITE_ISSUER"]
JWKS = os.environ["SITE_JWKS"]
RESOURCE = os.environ["SITE_RESOURCE"]
FOREIGN = os.environ["SITE_FOREIGN"]
ALGORITHMS = ["ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519"]


def check(step: str, ok: bool) -> None:
    """Print one line for a step that came out as told and fail otherwise."""
    if not ok:
        sys.exit(f"{step}: not as told")
    print(f"{step} ok")


def token() -> str:
    """The token comes on standard input."""
    return sys.stdin.read()


def spoiled(text: str) -> str:
    """The same token with one letter of its signature changed."""
    return text[:-8] + ("B" if text[-8] == "A" else "A") + text[-7:]
