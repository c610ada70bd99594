export type { AuditRecord } from './contract/audit-record.ts'
export type { AuditSink } from './contract/audit-sink.ts'
export type { CacheCounts, CacheStats } from './cache/cache-stats.ts'
export type { CallOptions } from './options/call-options.ts'
export type { CatalogEntry, DescribedSecret, DescribeOptions, ListOptions } from './read/list-and-describe.ts'
export type { CloseOptions } from './manager/shutdown.ts'
export type { AuditedOperation, AuditEvent, AuditTrail, PartHealth, TargetOperation, TrailPartHealth } from './contract/audit.ts'
export type { SecretsErrorAttempt, SecretsErrorCode, SecretsErrorDetails } from './contract/error-codes.ts'
export type {
  CallContext,
  ListedSecret,
  NewSecret,
  NewStagedSecret,
  OptionalMember,
  ProviderManifest,
  SecretDescription,
  SecretLocation,
  SecretProvider,
  StagedReceipt,
  StagedSecret,
  Staging,
  StoredSecret,
  WriteReceipt,
} from './contract/provider.ts'
export type {
  FormerKey,
  LeaseToken,
  SharedCache,
  SharedEntry,
  SharedFormers,
  SharedKey,
  SharedPath,
  SharedChanges,
  SharedGap,
  SharedHit,
  SharedRead,
  SharedReadContext,
} from './contract/shared-cache.ts'
export type { KeptMark, SharedUsage, UsageMark, UsageMarks, UsagePath } from './contract/shared-usage.ts'
export { type Environment, envManifest, envProvider, type EnvProviderOptions } from './env/env-provider.ts'
export type { EnvironmentReader, ProviderFromEnv } from './env/environment-reader.ts'
export type { HealthReport, ProviderHealth, RotationHealth } from './manager/health.ts'
export { type BatchReader, type LoadedSecrets, loadSecrets, type SecretSpec } from './read/load-secrets.ts'
export { type AuditFromEnv, type FromEnvOptions, secretsManagerFromEnv } from './env/manager-from-env.ts'
export type { CacheOptions, SecretsManagerOptions } from './manager/manager-options.ts'
export { createSecretsManager } from './manager/create-manager.ts'
export { isValidName } from './chain/names.ts'
export type { SecretAlias } from './chain/aliases.ts'
export type { FallbackPolicy } from './chain/fallback-policy.ts'
export type { FallbackAction } from './errors/error-classes.ts'
export type { ReadOneOptions, ReadOptions } from './read/read-options.ts'
export type { SecretRequest } from './read/reader.ts'
export type { SecretValue } from './value/secret-value.ts'
export { SecretNotFoundError, SecretsError, type SecretsErrorContext } from './errors/secrets-error.ts'
export type { SecretsManager } from './manager/secrets-manager.ts'
export type { CredentialLife, CredentialStatus, LoginCount, SharedCacheStats, SinkStatus } from './contract/status.ts'
export type { SchemaOutput, StandardSchemaV1 } from './contract/standard-schema.ts'
export type { FallbackMessage, TraceMessage, TraceStep } from './observe/trace-channels.ts'
export type { VerifyOptions } from './verify/verify-options.ts'
export type { DeleteOptions, ProviderChoice, WriteOptions } from './write/write-options.ts'
export type { DeleteReceipt, SecretReceipt } from './write/writer.ts'
export type { SecretFields } from './write/input-value.ts'
