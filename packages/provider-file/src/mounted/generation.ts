import { join } from 'node:path'
import { SecretsError, throwIfAborted } from '@finchat/secrets-core/provider'

/** How often a read of several files starts again when kubelet swaps the volume. */
const mostAttempts = 5

/**
 * Reads until no swap of a Kubernetes volume lies between the first file and the last one. Rejects
 * with `UNAVAILABLE` if each attempt meets a swap.
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

/** The dated folder that `..data` leads to; `undefined` where no kubelet has mounted. */
async function generationOf(folder: string): Promise<string | undefined> {
  const { readlink } = process.getBuiltinModule('node:fs').promises
  return readlink(join(folder, '..data')).catch(() => undefined)
}
