"""Staging labels: each is attached to one version at a time, and none is lost when another moves."""

import time

from moto.secretsmanager import exceptions, models

LABELS_OF_A_SECRET = 20
MARKED_FOR_DELETION = "You can't perform this operation on the secret because it was marked for deletion."


class LimitExceededException(exceptions.SecretsManagerClientError):
    def __init__(self):
        super().__init__("LimitExceededException", "The request failed because it would exceed one of the Secrets Manager quotas.")


def holder_of(secret, label):
    """The id of the one version that a label is attached to."""
    return next((id for id, version in secret.versions.items() if label in version["version_stages"]), None)


def attach(secret, label, version_id):
    """Moves a label; AWSPREVIOUS follows AWSCURRENT to the version that it leaves."""
    holder = holder_of(secret, label)
    if holder == version_id:
        return
    if holder is not None:
        secret.versions[holder]["version_stages"].remove(label)
    secret.versions[version_id]["version_stages"].append(label)
    if label == "AWSCURRENT":
        secret.default_version_id = version_id
        if holder is not None:
            attach(secret, "AWSPREVIOUS", holder)


def refuse_too_many_labels(secret, labels):
    attached = {label for version in secret.versions.values() for label in version["version_stages"]}
    moves_current = "AWSCURRENT" in labels and "AWSCURRENT" in attached
    if len(attached | set(labels) | ({"AWSPREVIOUS"} if moves_current else set())) > LABELS_OF_A_SECRET:
        raise LimitExceededException()


def add_version(secret, version, version_id):
    """Takes the place of moto's `reset_default_version`, which wiped every label of the version that was current."""
    labels = version["version_stages"]
    known = secret.versions.get(version_id)  # begun by RotateSecret, without a value
    secret.versions[version_id] = {**version, "version_stages": known["version_stages"] if known else []}
    for label in labels:
        attach(secret, label, version_id)


def update_secret_version_stage(self, secret_id, version_stage, remove_from_version_id, move_to_version_id):
    secret = writable(self, secret_id)
    for version_id in (remove_from_version_id, move_to_version_id):
        if version_id and version_id not in secret.versions:
            raise exceptions.InvalidParameterException(f"Not a valid version: {version_id}")
    holder = holder_of(secret, version_stage)
    if remove_from_version_id and remove_from_version_id != holder:
        raise exceptions.InvalidParameterException(
            f"Staging label {version_stage} is not attached to version {remove_from_version_id}."
        )
    if move_to_version_id:
        move_label(secret, version_stage, holder, remove_from_version_id, move_to_version_id)
    else:
        remove_label(secret, version_stage, remove_from_version_id)
    secret.last_changed_date = int(time.time())
    return secret.arn, secret.name


def move_label(secret, label, holder, remove_from_version_id, move_to_version_id):
    if holder not in (None, move_to_version_id) and not remove_from_version_id:
        raise exceptions.InvalidParameterException(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version {holder}, "
            "so you must explicitly reference that version in RemoveFromVersionId."
        )
    refuse_too_many_labels(secret, [label])
    attach(secret, label, move_to_version_id)


def remove_label(secret, label, version_id):
    if not version_id:
        raise exceptions.InvalidParameterException("You must provide RemoveFromVersionId or MoveToVersionId.")
    if label == "AWSCURRENT":
        raise exceptions.InvalidParameterException(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed."
        )
    secret.versions[version_id]["version_stages"].remove(label)


def versions_with_labels(secret):
    return {id: version["version_stages"] for id, version in secret.versions.items() if version["version_stages"]}


def writable(self, secret_id):
    if secret_id not in self.secrets:
        raise exceptions.SecretNotFoundException()
    secret = self.secrets[secret_id]
    if isinstance(secret, models.ReplicaSecret):
        raise exceptions.OperationNotPermittedOnReplica()
    if secret.is_deleted():
        raise exceptions.InvalidRequestException(MARKED_FOR_DELETION)
    if secret.owning_service:
        raise exceptions.InvalidRequestException(
            "The secret is managed by another service, and you must use that service to update it."
        )
    return secret


def has_value(version):
    return "secret_string" in version or "secret_binary" in version
