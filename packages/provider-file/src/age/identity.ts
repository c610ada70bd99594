import type { Decrypter } from 'age-encryption'
import { configurationError, type Credential, loadOnUse, readCredential } from '@finchat/secrets-core/provider'

/** Each is tried on each file. */
const mostIdentities = 16

const what = 'the age identity'

/** Loads the package at the first use: it costs a process 82 ms. */
export function loadAge(): Promise<typeof import('age-encryption')> {
  return loadOnUse({ what: 'the package for age files', name: 'age-encryption' }, () => import('age-encryption'), 'Decrypter')
}

/**
 * What opens files for these identities: lines of `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`,
 * with remarks, as `age-keygen` writes them. Rejects with `CONFIGURATION` if one is malformed, and
 * as `readCredential` does.
 */
export async function decrypterOf(identity: Credential, signal: AbortSignal): Promise<Decrypter> {
  const text = await readCredential(identity, what, signal)
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (keys.length === 0 || keys.length > mostIdentities) {
    throw configurationError(`${what} has ${keys.length} keys`, `give 1 to ${mostIdentities}, one a line`)
  }
  const decrypter = new (await loadAge()).Decrypter()
  try {
    for (const key of keys) decrypter.addIdentity(key)
  } catch {
    throw configurationError(`${what} is malformed`, 'give lines of AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…, as age-keygen writes them')
  } finally {
    forgetMatch()
  }
  return decrypter
}

/** The library tries a regular expression on a key, and V8 keeps the last text that one matched. */
function forgetMatch(): void {
  'none'.search(/none/)
}
