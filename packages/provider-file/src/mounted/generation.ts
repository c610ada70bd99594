import { join } from 'node:path'
import { SecretsError, throwIfAborted } from '@finchat/secrets-core/provider'

/** How often a read of several files starts again when kubelet swaps the volume. */
const mostAttempts = 5

/**
 * Reads until no swap of a Kubernetes volume, or of a link to the folder, lies between the first
 * file and the last one. Rejects with `UNAVAILABLE` if each attempt meets a swap.
 */
export async function inOneGeneration<T>(folder: string, signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const before = await generationOf(folder)
    const answers = await read()
    if ((await generationOf(folder)) === before) return answers
    throwIfAborted(signal)
  }
  throw new SecretsError('UNAVAILABLE', 'the mounted folder kept changing while several secrets were read', { remedy: 'try again' })
}

/** Where the folder itself leads to, and the dated folder of `..data` where kubelet has mounted. */
async function generationOf(folder: string): Promise<string> {
  const { readlink, realpath } = process.getBuiltinModule('node:fs').promises
  const places = [realpath(folder), readlink(join(folder, '..data'))]
  return JSON.stringify(await Promise.all(places.map((place) => place.catch(() => null))))
}
