import { quoted } from '../errors/format.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { FileQuestion } from '../kit/mounted/mounted-file.ts'
import { withSecretFile } from '../kit/secret-file.ts'

/** Asks the file that `KEY_FILE` names; `KEY` itself, passed as `value`, must not be set. */
export async function askNamedFile<T>(
  path: string,
  key: string,
  value: string | undefined,
  signal: AbortSignal,
  ask: FileQuestion<T>,
): Promise<T> {
  const variable = quoted(`${key}_FILE`)
  if (value !== undefined)
    throw new SecretsError('CONFIGURATION', `both ${quoted(key)} and ${variable} are set`, { remedy: 'unset one of them' })
  const found = await withSecretFile(path, `the file that ${variable} names`, signal, ask)
  if (found !== undefined) return found
  throw new SecretsError('CONFIGURATION', `the file that ${variable} names does not exist`, { remedy: 'mount it, or unset the variable' })
}
