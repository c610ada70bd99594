import { createSecretsManager, type SecretFields, type SecretProvider, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import type { DeclaredSecret } from '../config/config.ts'
import { aliasesOf } from '../config/declared-names.ts'
import { brokenByText, brokenRule, wordsOf } from './declared-rules.ts'

type Declarations = Readonly<Record<string, DeclaredSecret>>
type Value = string | Uint8Array | SecretFields

/** A secret of the chain that is to be written, or one field of it. */
export interface PlannedWrite {
  readonly name: string
  readonly field?: string | undefined
}

/** Where a name of the user leads, with a field inside it. */
export function plannedWrite(given: string, field: string | undefined, declared: Declarations): PlannedWrite | undefined {
  const { name = given, field: own } = Object.hasOwn(declared, given) ? (declared[given] ?? {}) : {}
  if (own !== undefined && field !== undefined) return undefined // a part of a field is not known before it is written
  return { name, field: own ?? field }
}

/** Throws `INVALID_ARGUMENT` for what a declaration forbids, in the words of `check`. */
export async function assertAllowed(write: PlannedWrite, value: Value, declared: Declarations): Promise<void> {
  const problem = await forbiddenBy(write, value, declared)
  if (problem === undefined) return
  throw new SecretsError('INVALID_ARGUMENT', `the value is not as declared: ${problem}`, {
    remedy: 'give one that is, correct the declaration, or write it all the same by --force',
  })
}

/** What the declarations forbid of a value before it is written; `undefined` if nothing. Never the value. */
export async function forbiddenBy({ name, field }: PlannedWrite, value: Value, declared: Declarations): Promise<string | undefined> {
  const concerned = Object.entries(declared).filter(([key, { name: target = key }]) => target === name)
  if (concerned.length === 0) return undefined
  const problems = field === undefined ? await problemsOfWhole(name, value, concerned) : problemsOfField(field, value, concerned)
  return problems.length === 0 ? undefined : problems.join('; ')
}

type Concerned = readonly (readonly [key: string, declared: DeclaredSecret])[]

function problemsOfField(field: string, value: Value, concerned: Concerned): string[] {
  const same = concerned.filter(([, declared]) => declared.field !== undefined && pointer(declared.field) === pointer(field))
  return typeof value === 'string' ? same.flatMap(([key, declared]) => named(key, brokenByText(declared, value))) : []
}

/** A key, and the JSON pointer to it, are one field. */
function pointer(field: string): string {
  return field.startsWith('/') ? field : `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function named(key: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${key}: ${problem}`]
}

/** Read by a manager over the value alone, so that it is judged as `check` would judge it. */
async function problemsOfWhole(name: string, value: Value, concerned: Concerned): Promise<string[]> {
  const provider: SecretProvider = {
    specificationVersion: 'v1',
    name: 'given',
    get: async (path) => (path === name ? storedOf(value) : undefined),
  }
  const secrets = createSecretsManager({ providers: [provider], aliases: aliasesOf(Object.fromEntries(concerned)) })
  try {
    const answers = await secrets.getSecretValues(concerned.map(([key]) => ({ name: key })))
    return concerned.flatMap(([key, declared], index) => {
      const answer = answers[index]
      return named(key, answer?.status === 'fulfilled' ? brokenRule(declared, answer.value) : unreadable(answer?.reason))
    })
  } finally {
    await secrets.close()
  }
}

/** Such as a field that the value does not have. */
function unreadable(error: unknown): string {
  if (SecretsError.isInstance(error)) return wordsOf(error)
  throw error
}

/** A copy of bytes, since the manager wipes what it reads. */
function storedOf(value: Value): StoredSecret {
  if (typeof value === 'string') return { value }
  return value instanceof Uint8Array ? { value: Uint8Array.from(value) } : { value: JSON.stringify(value), shape: 'map' }
}
