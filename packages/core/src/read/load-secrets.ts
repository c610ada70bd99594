import { untilAborted } from '../guard/deadline.ts'
import { aggregateError } from '../errors/aggregate-error.ts'
import { described, quoted } from '../errors/format.ts'
import { isRecord, ownMembers } from '../errors/own-properties.ts'
import type { MemberKind } from '../options/known-options.ts'
import { faultyMembers } from './schema-path.ts'
import { withContext, SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import type { CallOptions } from '../options/call-options.ts'
import type { SchemaOutput, StandardSchemaV1 } from '../contract/standard-schema.ts'

/** One secret that an application needs. */
export interface SecretSpec {
  /** The secret's name. Default: the key in the specification. */
  readonly name?: string | undefined
  /** One of its fields: a key or a JSON pointer. */
  readonly field?: string | undefined
  /** Parse the text as JSON before the schema sees it. */
  readonly json?: boolean | undefined
  /**
   * Validates and converts the value: a schema of zod, valibot, arktype or another Standard Schema
   * library.
   */
  readonly schema?: StandardSchemaV1 | undefined
}

/** What `loadSecrets` returns: the schema's output, else the text or the parsed JSON. */
export type LoadedSecrets<Specs extends Readonly<Record<string, SecretSpec>>> = { [Key in keyof Specs]: Loaded<Specs[Key]> }

type Loaded<Spec extends SecretSpec> = Spec extends { readonly schema: infer Schema extends StandardSchemaV1 }
  ? SchemaOutput<Schema>
  : Spec extends PlainSpec
    ? string
    : unknown

interface PlainSpec extends Omit<SecretSpec, 'json' | 'schema'> {
  readonly json?: false | undefined
  readonly schema?: undefined
}

/**
 * Reads all secrets of an application in one batch, validates them, and returns a plain object. A
 * missing secret reaches its schema as `undefined`, so `.optional()` and `.default()` work. Without
 * a schema it is an error. A secret that could not be read is always an error.
 *
 * Throws `INVALID_ARGUMENT` for a malformed specification. Otherwise one error lists everything
 * missing or wrong, by name and never by value. Its code is the gravest: first codes that waiting
 * does not heal, such as `PERMISSION_DENIED`. Then come `UNAVAILABLE`, `DEADLINE_EXCEEDED` and
 * `RATE_LIMITED`, then `INVALID_ARGUMENT` for a wrong value. It is a `SecretNotFoundError` only if
 * every failure is a missing secret.
 *
 * @example
 * import { createSecretsManager, envProvider, loadSecrets } from '@finchat/secrets-core'
 *
 * const env = { FINCHAT_TOKEN: 'hunter2', DATABASE: '{"host":"db","port":5432}' }
 * const manager = createSecretsManager({ providers: [envProvider({ env })] })
 * const { token, port } = await loadSecrets(manager, {
 *   token: { name: 'FINCHAT_TOKEN' },
 *   port: { name: 'DATABASE', field: 'port', json: true },
 * })
 * console.log(token.length, port) // 7 5432
 */
export async function loadSecrets<const Specs extends Readonly<Record<string, SecretSpec>>>(
  manager: BatchReader,
  specs: Specs,
  options: CallOptions = {},
): Promise<LoadedSecrets<Specs>> {
  // each value is what its own schema gave
  return (await loadChecked(manager, specs, options)) as LoadedSecrets<Specs>
}

/** The part of a secrets manager that `loadSecrets` uses. */
export interface BatchReader {
  /** One outcome for each request, in order. */
  readonly getSecretValues: (
    requests: readonly { readonly name: string; readonly field?: string | undefined }[],
    options?: CallOptions,
  ) => Promise<readonly PromiseSettledResult<RevealableSecret>[]>
}

interface RevealableSecret {
  readonly reveal: () => string
  readonly json: () => unknown
}

async function loadChecked(
  manager: BatchReader,
  specs: Readonly<Record<string, SecretSpec>>,
  options: CallOptions,
): Promise<Readonly<Record<string, unknown>>> {
  if (typeof manager?.getSecretValues !== 'function') {
    throw new SecretsError('INVALID_ARGUMENT', `the secrets manager is ${described(manager)}`, {
      remedy: 'pass what createSecretsManager returned, then the specification',
    })
  }
  if (!isRecord(specs)) {
    throw new SecretsError('INVALID_ARGUMENT', `the specification is ${described(specs)}`, {
      remedy: 'pass { token: { name, field, json, schema } }',
    })
  }
  const wanted = Object.entries(specs).map(([key, spec]) => [key, knownSpec(key, spec)] as const)
  const answers = await manager.getSecretValues(
    wanted.map(([key, { name = key, field }]) => ({ name, field })),
    options,
  )
  return loadSpecs(wanted, answers, ownMembers(options, ['signal']).signal)
}

const specMembers: Readonly<Record<keyof SecretSpec, MemberKind>> = { name: 'string', field: 'string', json: 'boolean', schema: 'any' }

/** Other libraries have `required`, `optional` or `default` here. */
const ofOptional = 'of a secret that may be missing, the schema is .optional() or has a .default()'

function knownSpec(key: string, spec: SecretSpec): SecretSpec {
  if (!isRecord(spec)) {
    throw new SecretsError('INVALID_ARGUMENT', `${quoted(key)} is ${described(spec)}, not an object`, {
      remedy: 'use { name, field, json, schema }',
    })
  }
  const unknown = Object.keys(spec).find((member) => !Object.hasOwn(specMembers, member))
  if (unknown !== undefined) {
    throw new SecretsError('INVALID_ARGUMENT', `${quoted(key)} asks for ${quoted(unknown)}, which is not known`, {
      remedy: `use name, field, json, schema; ${ofOptional}`,
    })
  }
  const known = ownMembers(spec, Object.keys(specMembers))
  for (const [member, kind] of Object.entries(specMembers)) {
    const value: unknown = known[member as keyof SecretSpec] // its keys
    if (kind === 'any' || value === undefined || typeof value === kind) continue
    throw new SecretsError('INVALID_ARGUMENT', `${member} of ${quoted(key)} is ${described(value)}`, { remedy: `pass a ${kind}` })
  }
  if (known.schema === undefined || typeof known.schema?.['~standard']?.validate === 'function') return known
  throw new SecretsError('INVALID_ARGUMENT', `the schema of ${quoted(key)} does not follow Standard Schema`, {
    remedy: 'use zod >= 3.24, valibot >= 1, arktype >= 2 or the like',
  })
}

/** Throws one error for everything missing or wrong. */
async function loadSpecs(
  wanted: readonly (readonly [key: string, spec: SecretSpec])[],
  answers: readonly PromiseSettledResult<RevealableSecret>[],
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const loading = Promise.all(wanted.map(async ([key, spec], index) => ({ name: key, ...(await load(key, spec, answers[index])) })))
  const results = await untilAborted(loading, signal)
  const failures = results.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }]))
  if (failures.length > 0) throw aggregateError(failures, results.length)
  return Object.fromEntries(results.map(({ name, value }) => [name, value]))
}

interface Result {
  readonly value: unknown
  readonly error: SecretsError | undefined
}

async function load(key: string, spec: SecretSpec, answer: PromiseSettledResult<RevealableSecret> | undefined): Promise<Result> {
  try {
    return { value: await valueOf(spec, answer), error: undefined }
  } catch (error) {
    const known = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'it could not be read')
    return { value: undefined, error: known.secret === undefined ? withContext(known, { secret: spec.name ?? key }) : known }
  }
}

async function valueOf({ json, schema }: SecretSpec, answer: PromiseSettledResult<RevealableSecret> | undefined): Promise<unknown> {
  if (answer?.status === 'fulfilled') {
    const value = json ? answer.value.json() : answer.value.reveal()
    return schema ? validated(schema, value) : value
  }
  const error: unknown = answer?.reason
  if (!schema || !(error instanceof SecretNotFoundError)) throw error
  return validated(schema, undefined).catch(() => {
    throw error // it is missing, and its schema does not do without it
  })
}

async function validated(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  let problem = 'the value is not what its schema asks for'
  try {
    const result = await schema['~standard'].validate(value)
    if (!result.issues) return result.value
    const members = faultyMembers(schema, result.issues)
    if (members !== '') problem += ` at ${members}`
  } catch {
    problem = 'its schema threw instead of telling whether the value is right'
  }
  // A schema's error or issues may quote the value.
  throw new SecretsError('INVALID_ARGUMENT', problem)
}
