import { configurationError, type Credential, readCredential } from '@finchat/secrets-core/provider'
import { isNamespace, type SecretPlace } from '../shared/paths.ts'

/** Finds the paths of the API. A namespace in a file is read once, since a pod never changes it. */
export class SecretsPath {
  readonly #source: Credential
  #own: string | undefined

  constructor(source: Credential) {
    this.#source = source
  }

  /** The path of all Secrets of the namespace, by default of the provider's own. */
  async all(namespace: string | undefined, signal: AbortSignal): Promise<string> {
    return `/api/v1/namespaces/${namespace ?? (await this.#ownNamespace(signal))}/secrets`
  }

  async of({ namespace, name }: SecretPlace, signal: AbortSignal): Promise<string> {
    return `${await this.all(namespace, signal)}/${name}`
  }

  async #ownNamespace(signal: AbortSignal): Promise<string> {
    return (this.#own ??= await readNamespace(this.#source, signal))
  }
}

async function readNamespace(source: Credential, signal: AbortSignal): Promise<string> {
  const namespace = await readCredential(source, 'the namespace', signal)
  if (isNamespace(namespace)) return namespace
  throw configurationError('the namespace is malformed', 'use a-z, 0-9 and -')
}
