#!/bin/sh
# Run once, by an administrator of Vault or OpenBao; `vault` has the same commands.
set -eu
bao auth enable kubernetes
# Vault in the same cluster, with the cluster role system:auth-delegator. Elsewhere it also needs
# kubernetes_ca_cert and token_reviewer_jwt.
bao write auth/kubernetes/config kubernetes_host=https://kubernetes.default.svc
bao policy write orders policy.hcl
bao write auth/kubernetes/role/orders \
  bound_service_account_names=orders bound_service_account_namespaces=shop \
  audience=vault token_policies=orders token_ttl=1h
bao kv put -mount=secret orders/database - # {"user":"…","password":"…"} on standard input
