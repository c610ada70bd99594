"""Which secrets and which values a write takes, and when it does nothing."""

import base64
import re

from moto.secretsmanager import exceptions, models
from staging_labels import LABELS_OF_A_SECRET, has_value, refuse_too_many_labels, writable

BYTES_OF_A_VALUE = 65_536

moto_create_secret = models.SecretsManagerBackend.create_secret
moto_put_secret_value = models.SecretsManagerBackend.put_secret_value
moto_update_secret = models.SecretsManagerBackend.update_secret
moto_check_versions = models.SecretsManagerBackend._check_with_existing_secrets_and_versions


def check_value(secret_string, secret_binary):
    for name, value in (("secretString", secret_string), ("secretBinary", secret_binary)):
        if value is None:
            continue
        size = len(base64.b64decode(value)) if name == "secretBinary" else len(value.encode())
        if size < 1:
            raise failed_constraint(name, "Member must have length greater than or equal to 1")
        if size > BYTES_OF_A_VALUE:
            raise failed_constraint(name, f"Member must have length less than or equal to {BYTES_OF_A_VALUE}")


def failed_constraint(member, constraint):
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    return exceptions.ValidationException(message)


def create_secret(self, name, secret_string, secret_binary, *args, **kwargs):
    check_value(secret_string, secret_binary)
    if not re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", name or ""):
        raise exceptions.ValidationException(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
    known = self.secrets.get(name)
    if known is not None and known.is_deleted():
        raise exceptions.InvalidRequestException(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    return moto_create_secret(self, name, secret_string, secret_binary, *args, **kwargs)


def put_secret_value(self, secret_id, secret_string, secret_binary, client_request_token, version_stages):
    check_value(secret_string, secret_binary)
    secret = writable(self, secret_id)
    if client_request_token not in secret.versions:
        refuse_too_many_labels(secret, version_stages)
    return moto_put_secret_value(self, secret_id, secret_string, secret_binary, client_request_token, version_stages)


def put_secret_value_request(self):
    """Unlike moto's, tells an empty value from none."""
    values = self._get_param("SecretString"), self._get_param("SecretBinary")
    if values.count(None) != 1:
        raise exceptions.InvalidRequestException("You must provide either SecretString or SecretBinary.")
    labels = self._get_param("VersionStages", if_none=["AWSCURRENT"])
    if not 1 <= len(labels) <= LABELS_OF_A_SECRET:
        raise failed_constraint("versionStages", f"Member must have length between 1 and {LABELS_OF_A_SECRET}")
    return self.backend.put_secret_value(self._get_param("SecretId"), *values, self._get_param("ClientRequestToken"), labels)


def update_secret(self, secret_id, secret_string=None, secret_binary=None, **kwargs):
    check_value(secret_string, secret_binary)
    writable(self, secret_id)
    return moto_update_secret(self, secret_id, secret_string=secret_string, secret_binary=secret_binary, **kwargs)


def check_versions(self, secret_name, client_request_token, secret_string, secret_binary, on_create=False):
    """A version that has a value is never changed, not even while AWSPENDING is attached to it."""
    secret = self.secrets.get(secret_name)
    version = secret.versions.get(client_request_token) if isinstance(secret, models.FakeSecret) else None
    if version is None or not has_value(version):
        return moto_check_versions(self, secret_name, client_request_token, secret_string, secret_binary, on_create)
    if (version.get("secret_string"), version.get("secret_binary")) == (secret_string, secret_binary):
        return secret
    raise exceptions.ResourceExistsException(
        f"You can't use ClientRequestToken {client_request_token} because that value is already in use for a version of secret {secret.arn}."
    )
