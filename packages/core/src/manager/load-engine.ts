import { SecretsError } from '../errors/secrets-error.ts'

type Engine = typeof import('./engine.ts')

/** What only some processes need, loaded when it is needed first. Throws `CONFIGURATION` where that cannot be loaded. */
export async function loadEngine(): Promise<Engine> {
  try {
    return await import('./engine.ts')
  } catch {
    throw new SecretsError('CONFIGURATION', 'a file of @finchat/secrets-core cannot be loaded', { remedy: 'install or bundle all of it' })
  }
}
