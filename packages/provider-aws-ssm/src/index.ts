export { ssmFromEnv } from './from-env.ts'
export { type ParameterTier, ssmManifest } from './model/limits.ts'
export type { SsmProviderOptions } from './model/options.ts'
export { type SsmProvider, ssmProvider } from './ssm-provider.ts'
