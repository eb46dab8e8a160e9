"""Certificates for one run of the tests, made with the openssl program."""

import ssl
import subprocess


def _openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


def make(folder, names):
    """In `folder`: ca.pem, and for each name NAME.pem (certificate and key) signed by it. `names`
    maps names to subject alternative names such as "IP:127.0.0.1"."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj",
             "/CN=Test CA", cwd=folder)
    for name, alternative in names.items():
        (folder / "extensions").write_text(f"subjectAltName={alternative}\n")
        _openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                 f"/CN={name}", cwd=folder)
        _openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                 "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out",
                 f"{name}.crt", cwd=folder)
        both = (folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text()
        (folder / f"{name}.pem").write_text(both)
    return folder


def server_side(folder, name="server"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")
    return context


def client_side(folder, cert=None):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if cert:
        context.load_cert_chain(folder / f"{cert}.pem")
    return context
