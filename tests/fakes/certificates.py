"""A certificate authority that nobody trusts, and a server's certificate of it, made by openssl in a folder."""

import ssl
import subprocess
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """`ca` is the file to trust; `context(host)` is what a server of that name speaks TLS with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._request("-subj", "/CN=nobody", "-keyout", str(self._key), "-out", str(self.ca))

    def context(self, host: str) -> ssl.SSLContext:
        certificate, key = self._folder / f"{host}.pem", self._folder / f"{host}.key"
        signed = ("-CA", str(self.ca), "-CAkey", str(self._key), "-addext", "basicConstraints=critical,CA:FALSE")
        named = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
        self._request(*signed, *named, "-keyout", str(key), "-out", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def _request(self, *arguments: str) -> None:
        subprocess.run(["openssl", "req", "-x509", *KEY, *arguments], check=True, capture_output=True)
