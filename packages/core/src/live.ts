// Secrets that follow their rotation while the process runs, its readiness and its status. Functions
// over a manager.
export type { Candidate } from './live/logins/candidates.ts'
export { liveSecret, type LiveSecret, type PasswordOptions } from './live/live-secret.ts'
export { type ManagerStatus, managerStatus, type ProviderStatus, type SharedCacheStatus } from './live/manager-status.ts'
export { canServe, type CanServeOptions } from './manager/can-serve.ts'
export type { Readiness, SecretReadiness } from './manager/readiness.ts'
export { excuseUsage, readUsage, type UsageLocation } from './usage/read-usage.ts'
export { type RegisteredUse, registerUse, type RegisterUseOptions } from './usage/register-use.ts'
export type { LoginOptions, UseOptions } from './live/logins/use-options.ts'
export { useSecret } from './live/use-secret.ts'
export type { LiveOptions, WatchSecretOptions } from './live/watch-options.ts'
export { type SecretWatch, watchSecret } from './live/watch-secret.ts'
