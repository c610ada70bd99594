"""Reads of values and versions, one or many."""

import json

from moto.secretsmanager import exceptions, models
from secret_writes import failed_constraint
from staging_labels import MARKED_FOR_DELETION, has_value, holder_of

IDS_OF_A_BATCH = 20

moto_get_secret_value = models.SecretsManagerBackend.get_secret_value


def batch_get_secret_value(self, secret_id_list=None, filters=None, max_results=None, next_token=None):
    if bool(secret_id_list) == bool(filters):
        raise exceptions.InvalidParameterException("You must include Filters or SecretIdList, but not both.")
    if max_results and not filters:
        raise exceptions.InvalidParameterException("To use MaxResults, you must also use Filters.")
    if secret_id_list and len(secret_id_list) > IDS_OF_A_BATCH:
        raise failed_constraint("secretIdList", f"Member must have length less than or equal to {IDS_OF_A_BATCH}")
    ids = secret_id_list or [secret.name for secret in self.secrets.values() if models._matches(secret, filters)]
    page, next_page = self._get_secret_values_page_and_next_token(ids, max_results or IDS_OF_A_BATCH, next_token)
    values, errors = [], []
    for secret_id in page:
        try:
            values.append(self.get_secret_value(secret_id, None, None))
        except exceptions.SecretsManagerClientError as error:
            errors.append({"SecretId": secret_id, "ErrorCode": error.error_type, "Message": error.message})
    return values, errors, next_page


def get_secret_value(self, secret_id, version_id, version_stage):
    """By id, or by the version that holds a label; moto answers from the version that was put last."""
    secret = self.secrets.get(secret_id)
    if secret is not None and secret.is_deleted():
        raise exceptions.InvalidRequestException(MARKED_FOR_DELETION)
    label = version_stage or (None if version_id else "AWSCURRENT")
    if secret is not None and not version_id and holder_of(secret, label) is None:
        raise exceptions.SecretHasNoValueException(label)
    value = moto_get_secret_value(self, secret_id, version_id or None, label)
    return {**value, "VersionStages": list(value["VersionStages"])}


def find_secret(store, key):
    """By name, ARN, or partial ARN: the ARN without the hyphen and the six characters at its end, of this very region."""
    return next((secret for secret in dict.values(store) if key in (secret.name, secret.arn, secret.arn[:-7])), None)


def list_secret_version_ids_request(self):
    secret = self.backend.describe_secret(self._get_param("SecretId"))
    with_deprecated = self._get_param("IncludeDeprecated", if_none=False)
    versions = [
        {"VersionId": id, "VersionStages": version["version_stages"], "CreatedDate": version["createdate"]}
        for id, version in secret.versions.items()
        if has_value(version) and (version["version_stages"] or with_deprecated)
    ]
    page, next_token = self.backend._get_secret_values_page_and_next_token(
        versions, self._get_int_param("MaxResults"), self._get_param("NextToken")
    )
    answer = {"ARN": secret.arn, "Name": secret.name, "Versions": page}
    return json.dumps({**answer, "NextToken": next_token} if next_token else answer)
