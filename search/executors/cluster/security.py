"""Mutual TLS between the processes of a cluster."""

from distributed import Security

from search.executors.cluster.settings import ClusterSettings


def security_of(settings: ClusterSettings) -> Security:
    """Return the certificates that were given, else those of Dask's configuration, if any."""
    if settings.tls_ca is None:
        return Security()
    return Security(
        require_encryption=True,
        tls_ca_file=str(settings.tls_ca),
        tls_client_cert=str(settings.tls_cert),
        tls_client_key=str(settings.tls_key),
        tls_worker_cert=str(settings.tls_cert),
        tls_worker_key=str(settings.tls_key),
    )
