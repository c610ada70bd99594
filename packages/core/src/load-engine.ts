import { SecretsError } from './secrets-error.ts'

/** What only some processes need, loaded when it is needed first. Throws `CONFIGURATION` where that cannot be loaded. */
export function loadEngine(): Promise<typeof import('./engine.ts')> {
  return import('./engine.ts').catch(() => {
    throw new SecretsError('CONFIGURATION', 'a file of @finchat/secrets-core cannot be loaded', { remedy: 'install or bundle all of it' })
  })
}
