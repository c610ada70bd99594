export { mountedFromEnv } from './mounted/from-env.ts'
export { type MountedSecrets, mountedSecrets, type MountedSecretsOptions } from './mounted/mounted-secrets.ts'
export { mountedManifest } from './shared/limits.ts'
export type { FileOptions } from './shared/options.ts'
