import { SecretsError } from '@finchat/secrets-core'
import { readCredential, withoutLineEnd } from '@finchat/secrets-core/provider'
import type { CredentialSource } from '../config/config.ts'
import type { Settings } from '../config/load-config.ts'
import { sections } from '../config/settings.ts'
import { readSource } from '../config/variables.ts'
import { exitCodeOfError } from '../terminal/exit-codes.ts'
import type { UnreadSecret } from './known-values.ts'
import type { ValueMatcher } from './value-matcher.ts'

/** Where the chain, the trail or a target of rotation has a key, token or password, in the words of the file. */
interface Place {
  readonly name: string
  readonly read: () => Promise<string>
}

/** Adds the keys, tokens and passwords of the configuration, which open all the rest. Returns those that cannot be read. */
export async function addCredentials(matcher: ValueMatcher, settings: Settings): Promise<UnreadSecret[]> {
  const unread = await Promise.all(placesIn(settings).map(async ({ name, read }) => addCredential(matcher, name, read)))
  return unread.flat()
}

async function addCredential(matcher: ValueMatcher, name: string, read: Place['read']): Promise<UnreadSecret[]> {
  try {
    matcher.add({ name, isCredential: true }, Buffer.from(withoutLabel(withoutLineEnd(await read()))))
    return []
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    return [{ name, code: error.code, reason: error.problem, exitCode: exitCodeOfError(error) }]
  }
}

/** Without a regular expression: RegExp.input would keep the key. */
function withoutLabel(key: string): string {
  const label = ['key:', 'audit-key:'].find((each) => key.startsWith(each)) ?? ''
  return key.slice(label.length)
}

function placesIn(settings: Settings): Place[] {
  return [...ofSections(settings), ...ofTargets(settings)]
}

function ofSections({ variables }: Settings): Place[] {
  const credentials = Object.entries(sections).flatMap(([section, members]) =>
    Object.entries(members).flatMap(([member, setting]) =>
      setting.kind === 'credential' ? [{ name: `${section}.${member}`, ...setting }] : [],
    ),
  )
  return credentials.flatMap(({ name, variable, fileVariable = '' }) => {
    const [text, file] = [variables[variable], variables[fileVariable]]
    return [
      ...(text ? [{ name, read: async () => text }] : []),
      ...(file ? [{ name, read: async () => readCredential({ file }, name, new AbortController().signal) }] : []),
    ]
  })
}

function ofTargets({ config, folder, env }: Settings): Place[] {
  return Object.entries(config.rotation ?? {}).flatMap(([secret, { target }]) => {
    const password = target !== undefined && 'password' in target ? target.password : undefined
    const name = `rotation.${secret}.target.password`
    return isSource(password) ? [{ name, read: async () => readSource(name, password, folder, env) }] : []
  })
}

/** A target of one's own may have any member. */
function isSource(password: unknown): password is CredentialSource {
  return typeof password === 'object' && password !== null && ['variable', 'file', 'keychain'].some((kind) => Object.hasOwn(password, kind))
}
