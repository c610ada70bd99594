export { type AwsProvider, awsProvider } from './aws-provider.ts'
export { awsFromEnv } from './from-env.ts'
export { awsManifest } from './model/limits.ts'
export type { AwsProviderOptions } from './model/options.ts'
