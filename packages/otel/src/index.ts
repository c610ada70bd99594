export { observeSecrets } from './observe-secrets.ts'
export type { ObserveOptions } from './options.ts'
export type { NamesMode } from './shared/names.ts'
