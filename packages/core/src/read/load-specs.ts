import { untilAborted } from '../guard/deadline.ts'
import type { CallOptions } from '../options/call-options.ts'
import { gatheredError } from '../errors/aggregate-error.ts'
import { described, isRecord, type MemberKind } from '../options/known-options.ts'
import type { BatchReader, RevealableSecret, SecretSpec } from './load-secrets.ts'
import { quoted } from '../options/names.ts'
import { ownMembers } from '../errors/own-properties.ts'
import { faultyMembers } from './schema-path.ts'
import { placed, SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import type { StandardSchemaV1 } from '../contract/standard-schema.ts'

/** What `loadSecrets` does once its arguments can be checked. */
export async function loadChecked(
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

function knownSpec(key: string, spec: SecretSpec): SecretSpec {
  if (!isRecord(spec)) {
    throw new SecretsError('INVALID_ARGUMENT', `${quoted(key)} is ${described(spec)}, not an object`, {
      remedy: 'use { name, field, json, schema }',
    })
  }
  const unknown = Object.keys(spec).find((member) => !Object.hasOwn(specMembers, member))
  if (unknown !== undefined) {
    throw new SecretsError('INVALID_ARGUMENT', `${quoted(key)} asks for ${quoted(unknown)}, which is not known`, {
      remedy: 'use name, field, json, schema',
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

/** What the schemas make of the answers, by key. Throws one error for all that is missing or wrong. */
async function loadSpecs(
  wanted: readonly (readonly [key: string, spec: SecretSpec])[],
  answers: readonly PromiseSettledResult<RevealableSecret>[],
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const loading = Promise.all(wanted.map(async ([key, spec], index) => ({ name: key, ...(await load(key, spec, answers[index])) })))
  const results = await untilAborted(loading, signal)
  const failures = results.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }]))
  if (failures.length > 0) throw gatheredError(failures, results.length)
  return Object.fromEntries(results.map(({ name, value }) => [name, value]))
}

/** One of them is `undefined`. */
interface Result {
  readonly value: unknown
  readonly error: SecretsError | undefined
}

async function load(key: string, spec: SecretSpec, answer: PromiseSettledResult<RevealableSecret> | undefined): Promise<Result> {
  try {
    return { value: await valueOf(spec, answer), error: undefined }
  } catch (error) {
    const known = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'it could not be read')
    return { value: undefined, error: known.secret === undefined ? placed(known, { secret: spec.name ?? key }) : known }
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
  // What a schema throws, or says in its issues, may quote the value.
  throw new SecretsError('INVALID_ARGUMENT', problem)
}
