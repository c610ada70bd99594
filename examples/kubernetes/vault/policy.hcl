path "secret/data/orders/*" {
  capabilities = ["read"]
}
