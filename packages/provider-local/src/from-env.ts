import { readFileSync, statSync } from 'node:fs'
import { type EnvironmentReader, SecretsError } from '@finchat/secrets-core'
import { fileFailure, maxSecretFileBytes, namesFromEnv, switchFromEnv, withoutLineEnd } from '@finchat/secrets-core/provider'
import { parseKey } from '@finchat/secrets-core/sealing'
import { type LocalProvider, localProvider } from './local-provider.ts'

/**
 * Makes a local provider from environment variables, for `secretsManagerFromEnv({ local:
 * localFromEnv })`. It reads `FINCHAT_ENCRYPTION_KEY`, or else the file that
 * `FINCHAT_ENCRYPTION_KEY_FILE` names, `FINCHAT_LOCAL_PATH` (default `.secrets.db`),
 * `FINCHAT_LOCAL_MUST_EXIST` (`true` or `false`) and `FINCHAT_LOCAL_STORE_ID`. It also reads
 * `FINCHAT_ENCRYPTION_OTHER_KEY` (or `…_FILE`), a second key that only opens, while the key is
 * replaced, `FINCHAT_LOCAL_KEEP_VERSIONS` (a number or `all`) and `FINCHAT_LOCAL_NAMES`, a list
 * such as `DB=prod/db,TOKEN=api#token`. With `FINCHAT_LOCAL_ONLY_NAMED=true` it is asked for nothing
 * else; `FINCHAT_LOCAL_PREFIX` goes before all other names. Throws `CONFIGURATION` as `localProvider`
 * does.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 * import { generateKey, localFromEnv } from '@finchat/secrets-provider-local'
 *
 * const env = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: ':memory:', FINCHAT_ENCRYPTION_KEY: generateKey() }
 * const secrets = secretsManagerFromEnv({ local: localFromEnv }, { env })
 * await secrets.storeSecret('api_key', 'v1')
 * console.log(await secrets.getSecret('api_key')) // v1
 */
export function localFromEnv(env: EnvironmentReader): LocalProvider {
  const key = keyFromEnv(env, 'FINCHAT_ENCRYPTION_KEY') ?? env.required('FINCHAT_ENCRYPTION_KEY')
  if (key === '') env.problem(`generate a key once, and keep it as FINCHAT_ENCRYPTION_KEY: ${generating}`)
  const other = keyFromEnv(env, 'FINCHAT_ENCRYPTION_OTHER_KEY')
  const path = env.optional('FINCHAT_LOCAL_PATH') ?? '.secrets.db'
  return localProvider({
    path,
    ...(other === undefined ? { key } : { keys: [key, other] }),
    ...namesFromEnv(env, 'LOCAL'),
    mustExist: switchFromEnv(env, 'FINCHAT_LOCAL_MUST_EXIST'),
    storeId: env.optional('FINCHAT_LOCAL_STORE_ID'),
    keepVersions: keepVersions(env),
  })
}

/** A key in a variable, or in the file that a second variable names; `undefined` if neither is set. */
function keyFromEnv(env: EnvironmentReader, variable: string): string | undefined {
  const [text, file] = [env.optional(variable), env.optional(`${variable}_FILE`)]
  if (file === undefined && text === undefined) return undefined
  const content: KeyContent = file === undefined ? { key: text ?? '' } : keyIn(file)
  if (file !== undefined && text !== undefined) env.problem(`set either ${variable} or ${variable}_FILE`)
  else if (content.key === undefined) env.problem(`${variable}_FILE names ${content.problem}`)
  else reportMalformedKey(content.key, file === undefined ? variable : `${variable}_FILE`, env)
  return content.key ?? ' '
}

/** What a key's file holds, or why it cannot be had; never the path, which may be a key by mistake. */
type KeyContent = { readonly key: string } | { readonly key?: undefined; readonly problem: string }

/** Read at once, since a provider has its key from the start. A FIFO would hold the process up. */
function keyIn(file: string): KeyContent {
  try {
    const status = statSync(file)
    if (!status.isFile()) return { problem: 'no regular file' }
    if (status.size > maxSecretFileBytes) return { problem: `a file of more than ${maxSecretFileBytes} bytes, which is no key` }
    return { key: withoutLineEnd(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))) }
  } catch (error) {
    return { problem: problems[fileFailure(error) ?? ''] ?? 'a file that cannot be read as text' }
  }
}

const problems: Readonly<Record<string, string>> = {
  missing: 'a file that does not exist',
  'not-a-folder': 'a file that does not exist',
  denied: 'a file that this process may not read',
}

const generating = `node -p "require('@finchat/secrets-provider-local').generateKey()"`

/** `Number` accepts an empty text and `1e3`. */
function keepVersions(env: EnvironmentReader): number | 'all' | undefined {
  const text = env.optional('FINCHAT_LOCAL_KEEP_VERSIONS')
  if (text === undefined || text === 'all') return text
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  env.problem('FINCHAT_LOCAL_KEEP_VERSIONS is neither a number of versions nor all')
  return undefined
}

/** Names the variable, which `localProvider` does not know. */
function reportMalformedKey(key: string, variable: string, env: EnvironmentReader): void {
  try {
    const parsed = parseKey(key)
    if (parsed.kind === 'raw') parsed.bytes.fill(0)
  } catch (error) {
    if (SecretsError.isInstance(error)) env.problem(`${variable}: ${error.message}`)
  }
}
