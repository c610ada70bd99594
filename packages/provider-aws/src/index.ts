export { type AwsProvider, awsProvider } from './aws-provider.ts'
export { awsFromEnv } from './from-env.ts'
export { awsManifest } from './limits.ts'
export type { AwsProviderOptions } from './options.ts'
