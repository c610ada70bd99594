import { untilAborted } from './bounded.ts'
import { gatheredError } from './gathered-error.ts'
import type { RevealableSecret, SecretSpec } from './load-secrets.ts'
import { placed, SecretNotFoundError, SecretsError } from './secrets-error.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'

/** What the schemas make of the answers, by key. Throws one error for all that is missing or wrong. */
export async function loadSpecs(
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
  } catch {
    problem = 'its schema threw instead of telling whether the value is right'
  }
  // What a schema throws, or says in its issues, may quote the value.
  throw new SecretsError('INVALID_ARGUMENT', problem)
}
