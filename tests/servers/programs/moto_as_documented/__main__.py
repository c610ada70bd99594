"""Starts moto's server, with its Secrets Manager corrected to what AWS documents.

moto is right about most things. What it gets wrong about staging labels, batches, limits and rotation is replaced here, method by method;
moto.test.ts holds each correction against the API reference that it quotes.
"""

import threading
from functools import wraps

import managed_rotation
import moto
import secret_reads
import secret_writes
import staging_labels
from moto.secretsmanager import exceptions, models, responses
from moto.server import main

WRITTEN_FOR = "5.2.5"

moto_client_error = exceptions.SecretsManagerClientError.__init__


def client_error(self, *args, **kwargs):
    """The reference gives 400 for every client error; moto has 404 for some."""
    moto_client_error(self, *args, **kwargs)
    self.code = 400


lock = threading.RLock()


def one_at_a_time(method):
    """A check and its write are one step, though the server answers requests side by side."""

    @wraps(method)
    def locked(*args, **kwargs):
        with lock:
            return method(*args, **kwargs)

    return locked


def correct(backend, answers):
    exceptions.SecretsManagerClientError.__init__ = client_error

    models.FakeSecret.reset_default_version = staging_labels.add_version
    models.FakeSecret._form_version_ids_to_stages = staging_labels.versions_with_labels
    backend.update_secret_version_stage = staging_labels.update_secret_version_stage

    backend._check_with_existing_secrets_and_versions = secret_writes.check_versions
    backend.create_secret = secret_writes.create_secret
    backend.put_secret_value = secret_writes.put_secret_value
    backend.update_secret = secret_writes.update_secret
    answers.put_secret_value = secret_writes.put_secret_value_request

    models.SecretsStore.get = models.SecretsStore.__getitem__ = secret_reads.find_secret
    models.SecretsStore.__contains__ = lambda store, key: secret_reads.find_secret(store, key) is not None
    backend.get_secret_value = secret_reads.get_secret_value
    backend.batch_get_secret_value = secret_reads.batch_get_secret_value
    answers.list_secret_version_ids = secret_reads.list_secret_version_ids_request

    backend.rotate_secret = managed_rotation.rotate_secret

    for name, method in list(vars(backend).items()):
        if callable(method) and not name.startswith("_"):
            setattr(backend, name, one_at_a_time(method))


if __name__ == "__main__":
    if moto.__version__ != WRITTEN_FOR:
        raise SystemExit(f"this is moto {moto.__version__}; the corrections are written for moto {WRITTEN_FOR}")
    correct(models.SecretsManagerBackend, responses.SecretsManagerResponse)
    main()
