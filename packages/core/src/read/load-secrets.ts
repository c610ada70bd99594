import type { CallOptions } from '../options/call-options.ts'
import { loadedEngine, loadEngine } from '../manager/load-engine.ts'
import type { SchemaOutput, StandardSchemaV1 } from '../contract/standard-schema.ts'

/** One secret that an application needs. */
export interface SecretSpec {
  /** The secret's name: the key in the specification by default. */
  readonly name?: string | undefined
  /** One of its fields: a key, or a JSON pointer. */
  readonly field?: string | undefined
  /** Parse it as JSON before the schema sees it. */
  readonly json?: boolean | undefined
  /** Validates and converts it: of zod, valibot, arktype or any other library that follows Standard Schema. */
  readonly schema?: StandardSchemaV1 | undefined
}

/** What `loadSecrets` returns: the schema's output; without a schema text, or what the JSON was. */
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
 * Fetches all the secrets that an application needs in one batch, validates them, and returns them as a plain object. A secret that does
 * not exist reaches its schema as `undefined`, so that `.optional()` and `.default()` work; without a schema it is an error, as is always one
 * that could not be asked for.
 *
 * Throws `INVALID_ARGUMENT` for a malformed specification. Otherwise ONE error lists everything missing or wrong, by name and never by value.
 * Its code is the gravest: one that waiting does not heal, such as `PERMISSION_DENIED`; then `UNAVAILABLE`, `DEADLINE_EXCEEDED`,
 * `RATE_LIMITED`; then `INVALID_ARGUMENT` for a value that is wrong; and `NOT_FOUND` (a `SecretNotFoundError`) only if all are missing.
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
  // At once where that can be: a read that is made in the same turn shares the call to the store.
  const { loadChecked } = loadedEngine() ?? (await loadEngine())
  // each value is what its own schema gave
  return (await loadChecked(manager, specs, options)) as LoadedSecrets<Specs>
}

/** The part of a secrets manager that `loadSecrets` uses. */
export interface BatchReader {
  /** Index by index what came of each request. */
  readonly getSecretValues: (
    requests: readonly { readonly name: string; readonly field?: string | undefined }[],
    options?: CallOptions,
  ) => Promise<readonly PromiseSettledResult<RevealableSecret>[]>
}

export interface RevealableSecret {
  readonly reveal: () => string
  readonly json: () => unknown
}
