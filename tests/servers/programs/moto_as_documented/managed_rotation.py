"""Rotation by AWS: begins it, and leaves the rest to whoever plays the rotation function."""

import json
import time

from moto.secretsmanager import exceptions, models
from staging_labels import attach, holder_of, writable

SECONDS_OF_A_DAY = 86_400


def rotate_secret(self, secret_id, client_request_token=None, rotation_lambda_arn=None, rotation_rules=None, rotate_immediately=True):
    secret = self.secrets[secret_id] if secret_id in self.secrets else None
    if secret is None or isinstance(secret, models.ReplicaSecret) or not secret.owning_service:
        secret = writable(self, secret_id)
    refuse_rotation(secret, rotation_lambda_arn)
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = rotation_lambda_arn or secret.rotation_lambda_arn
    days = (rotation_rules or {}).get("AutomaticallyAfterDays")
    if days is not None:
        if not 1 <= days <= 1000:
            raise exceptions.InvalidParameterException("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
        secret.auto_rotate_after_days = days
        secret.next_rotation_date = int(time.time()) + days * SECONDS_OF_A_DAY
    version_id = self._from_client_request_token(client_request_token)
    if rotate_immediately:
        secret.versions[version_id] = {"createdate": int(time.time()), "version_id": version_id, "version_stages": []}
        attach(secret, "AWSPENDING", version_id)
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "VersionId": version_id})


def refuse_rotation(secret, rotation_lambda_arn):
    if not (rotation_lambda_arn or secret.rotation_lambda_arn or secret.owning_service):
        raise exceptions.InvalidRequestException(
            "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN configured "
            "and you didn't include such an ARN as a parameter in this call."
        )
    if holder_of(secret, "AWSPENDING") not in (None, holder_of(secret, "AWSCURRENT")):
        raise exceptions.InvalidRequestException("A previous rotation isn't complete. That rotation will be reattempted.")
