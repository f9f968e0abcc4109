"""Certificates for the tests, made anew each time by the openssl program."""

import shutil
import subprocess
from pathlib import Path

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split()


class Authority:
    """A certificate authority in a folder of its own; files are `NAME.pem` and `NAME-key.pem`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.certificate = self.folder / "ca.pem"
        _openssl(self.folder, "req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", "ca-key.pem",
                 "-out", "ca.pem")  # fmt: skip
        (self.folder / "index").touch()
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=2\n"
        )

    def issue(self, name: str, *, days: int = 2, for_server: bool = False) -> tuple[Path, Path]:
        """(certificate, key) for the common name; negative `days` make one that has expired."""
        file = f"issued-{len(list(self.folder.iterdir()))}"
        _openssl(
            self.folder,
            "req",
            *_KEY,
            "-subj",
            f"/CN={name}",
            "-keyout",
            f"{file}-key.pem",
            "-out",
            "request.pem",
        )
        extensions = self.folder / "extensions"
        extensions.write_text(
            "subjectAltName=IP:127.0.0.1\n" if for_server else "extendedKeyUsage=clientAuth\n"
        )
        _openssl(self.folder, "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
                 "-CAcreateserial", "-days", str(days), "-extfile", "extensions", "-out", f"{file}.pem")  # fmt: skip
        return self.folder / f"{file}.pem", self.folder / f"{file}-key.pem"

    def revoked(self, certificate: Path) -> Path:
        """The list of the revoked, with this certificate on it."""
        own = ["-config", "ca.cnf", "-keyfile", "ca-key.pem", "-cert", "ca.pem"]
        _openssl(self.folder, "ca", *own, "-revoke", certificate.name)
        _openssl(self.folder, "ca", *own, "-gencrl", "-out", "crl.pem")
        return self.folder / "crl.pem"


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """(certificate, key) that nobody vouches for."""
    _openssl(folder, "req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", "self-key.pem", "-out",
             "self.pem")  # fmt: skip
    return folder / "self.pem", folder / "self-key.pem"


def can_issue() -> bool:
    return shutil.which("openssl") is not None


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
