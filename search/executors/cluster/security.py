"""Mutual TLS between the processes of a cluster, and why one does not get a connection."""

import re
import ssl
from asyncio import CancelledError
from typing import Literal

from distributed import Security
from distributed.comm import CommClosedError

from search.errors import UserError, causes, first_line
from search.executors.cluster.settings import ClusterSettings

# What OpenSSL and tornado say of an answer that is not TLS.
_NOT_TLS = re.compile("WRONG_VERSION_NUMBER|cannot convert to SSL")

_KINDS = ("CERTIFICATE-----", "CERTIFICATE-----", "PRIVATE KEY-----")  # as PEM files name them

Role = Literal["client", "worker", "scheduler"]


def security_of(settings: ClusterSettings, role: Role) -> Security:
    """Return the certificates that were given, else those of Dask's configuration, if any.

    Args:
        settings: How the cluster is reached.
        role: What this process is in it.

    Raises UserError if the certificates cannot be used, or `tls://` has none.
    """
    security = _security(settings)
    try:
        context = security.get_connection_args(role)["ssl_context"]
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UserError(_unusable(settings, error)) from error
    if context is None and settings.address.startswith("tls://"):
        raise UserError(
            f"cluster {settings.address!r} needs certificates: give `tls_ca`, `tls_cert` and "
            "`tls_key`, which `python -m search certificates` makes"
        )
    return security


def _security(settings: ClusterSettings) -> Security:
    if settings.tls_ca is None:
        return Security()
    return Security(
        require_encryption=True,
        tls_ca_file=str(settings.tls_ca),
        tls_client_cert=str(settings.tls_cert),
        tls_client_key=str(settings.tls_key),
        tls_worker_cert=str(settings.tls_cert),
        tls_worker_key=str(settings.tls_key),
        tls_scheduler_cert=str(settings.tls_cert),
        tls_scheduler_key=str(settings.tls_key),
    )


def _unusable(settings: ClusterSettings, error: OSError | ValueError) -> str:
    if settings.tls_ca is None:
        return f"the certificates of Dask's configuration cannot be used: {first_line(error)}"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"tls_key {str(settings.tls_key)!r} is not the key of {str(settings.tls_cert)!r}"
    files = (settings.tls_ca, settings.tls_cert, settings.tls_key)
    for name, path, kind in zip(("tls_ca", "tls_cert", "tls_key"), files, _KINDS, strict=True):
        if path is not None and kind not in path.read_text(encoding="utf-8", errors="replace"):
            what = "a private key" if name == "tls_key" else "a certificate"
            return f"{name} {str(path)!r} is not {what}; accepted: a PEM file of one"
    names = ", ".join(repr(str(path)) for path in files)
    return f"tls_ca, tls_cert and tls_key must be PEM files, got {names}: {first_line(error)}"


def tls_refusal(settings: ClusterSettings, error: BaseException) -> UserError | None:
    """Return the error that says whose certificate was refused; None if it is something else."""
    place, found = f"cluster {settings.address!r}", list(causes(error))
    refused = [one for one in found if isinstance(one, ssl.SSLCertVerificationError)]
    if refused:
        return UserError(
            f"{place}: the scheduler's certificate was not accepted "
            f"({refused[0].verify_message}); accepted: one signed by the authority of tls_ca "
            f"{_shown(settings.tls_ca)}"
        )
    # A scheduler that does not accept a certificate says so, or only closes the connection.
    if any(_NOT_TLS.search(str(one)) for one in found):
        return UserError(f"{place} is not encrypted; accepted there: tcp://")
    first = next((one for one in found if isinstance(one, OSError)), None)
    if not isinstance(first, CommClosedError):
        return None
    if settings.address.startswith("tls://"):
        return UserError(
            f"{place} does not accept tls_cert {_shown(settings.tls_cert)}; accepted: a valid "
            "certificate signed by its own authority"
        )
    return UserError(f"{place} closes the connection; if it has certificates, give tls://")


def why_no_answer(error: BaseException) -> str:
    """Return in a few words why a scheduler does not answer."""
    cause = list(causes(error))[-1]
    timed_out = isinstance(cause, TimeoutError | CancelledError)
    return "it takes too long" if timed_out else first_line(cause)


def _shown(path: object) -> str:
    return "of Dask's configuration" if path is None else repr(str(path))
