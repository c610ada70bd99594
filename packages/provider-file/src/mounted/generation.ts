import { join } from 'node:path'
import { SecretsError, throwIfAborted } from '@finchat/secrets-core/provider'

/** How often a read of several files starts again when the folder is replaced. */
const mostAttempts = 5

/**
 * Reads until no swap of a Kubernetes volume, or of the whole folder, lies between the first file
 * and the last one. Rejects with `UNAVAILABLE` if each attempt meets a swap.
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

/** Which folder it is, and the dated folder that kubelet's `..data` leads to. */
async function generationOf(folder: string): Promise<string> {
  const { readlink, realpath, stat } = process.getBuiltinModule('node:fs').promises
  const target = await readlink(join(folder, '..data')).catch(() => undefined)
  const stats = await stat(folder, { bigint: true }).catch(() => undefined)
  const real = await realpath(folder).catch(() => undefined)
  return JSON.stringify([`${stats?.dev} ${stats?.ino}`, real, target])
}
