import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { inspect } from 'node:util'
import { z } from 'zod'
import { envProvider } from '../env/env-provider.ts'
import { cutField } from '../value/json-field.ts'
import { parseJson } from '../value/json-text.ts'
import { type BatchReader, loadSecrets, type SecretSpec } from './load-secrets.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import type { StandardSchemaV1 } from '../contract/standard-schema.ts'

const canary = 'canary-77d1'

/** A manager that answers what it is given, by name. */
function managerOf(secrets: Record<string, string | Error>): BatchReader {
  return {
    getSecretValues: async (requests) =>
      Promise.allSettled(
        requests.map(async ({ name, field }) => {
          const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined
          if (secret === undefined) throw new SecretNotFoundError(name)
          if (typeof secret !== 'string') throw secret
          const text = field === undefined ? secret : cutField(secret, field)
          return { reveal: () => text, json: () => parseJson(text) }
        }),
      ),
  }
}

async function refusal(secrets: Record<string, string | Error>, specs: Record<string, SecretSpec>): Promise<SecretsError> {
  const error: unknown = await loadSecrets(managerOf(secrets), specs).then(
    () => new Error('it loaded'),
    (reason: unknown) => reason,
  )
  if (!SecretsError.isInstance(error)) throw error
  expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(canary)
  expect(error.cause).toBeUndefined()
  return error
}

/** The least schema that follows the standard. */
function schemaOf<Output>(validate: (value: unknown) => Output | Promise<Output>): StandardSchemaV1<unknown, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: await validate(value) }) } }
}

describe('loadSecrets', () => {
  it('returns text, fields and parsed JSON under their keys, asked for in one batch', async () => {
    const manager = managerOf({ TOKEN: '00123', 'prod/db': '{"port":5432,"host":"db"}' })
    const ask = vi.spyOn(manager, 'getSecretValues')
    const signal = AbortSignal.timeout(1_000)
    const loaded = await loadSecrets(
      manager,
      {
        TOKEN: {},
        port: { name: 'prod/db', field: 'port', json: true },
        host: { name: 'prod/db', field: '/host' },
        db: { name: 'prod/db', json: true },
      },
      { signal },
    )
    expect(loaded).toEqual({ TOKEN: '00123', port: 5432, host: 'db', db: { port: 5432, host: 'db' } })
    expectTypeOf(loaded).toEqualTypeOf<{ readonly TOKEN: string; readonly port: unknown; readonly host: string; readonly db: unknown }>()
    expect(ask).toHaveBeenCalledExactlyOnceWith(
      [{ name: 'TOKEN' }, { name: 'prod/db', field: 'port' }, { name: 'prod/db', field: '/host' }, { name: 'prod/db' }],
      { signal },
    )
  })

  it("returns the schema's output with its type: zod", async () => {
    const loaded = await loadSecrets(managerOf({ port: '5432', db: '{"host":"h"}' }), {
      port: { schema: z.coerce.number().int() },
      db: { json: true, schema: z.object({ host: z.string(), pool: z.number().default(10) }) },
      later: { name: 'port', schema: z.string().transform(async (text) => text.length) },
      none: { schema: z.string().optional() },
      fallback: { schema: z.string().default('dev') },
    })
    expect(loaded).toEqual({ port: 5432, db: { host: 'h', pool: 10 }, later: 4, none: undefined, fallback: 'dev' })
    expectTypeOf(loaded).toEqualTypeOf<{
      readonly port: number
      readonly db: { host: string; pool: number }
      readonly later: number
      readonly none: string | undefined
      readonly fallback: string
    }>()
  })

  it.each<[unknown, RegExp]>([
    [{ TOKEN: { required: false } }, /"TOKEN" asks for "required".*missing, the schema is \.optional\(\)/],
    [[], /^the specification is an array/],
    [new Map([['token', {}]]), /^the specification is a Map/],
    [{ token: [] }, /^"token" is an array, not an object/],
    [{ token: new Map() }, /^"token" is a Map/],
    [{ token: { name: 5 } }, /^name of "token" is a number \(pass a string\)$/],
    [{ token: { field: null } }, /^field of "token" is null \(pass a string\)$/],
    [{ token: { json: 'yes' } }, /^json of "token" is text \(pass a boolean\)$/],
  ])('takes no specification that says nothing, or says it in another type: %o', async (specs, message) => {
    await expect(loadSecrets(managerOf({ token: 'x' }), specs as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  it('names the wrong member of a value as the schema declares it', async () => {
    const schema = z.object({ host: z.string(), port: z.number() })
    const error = await refusal({ db: `{"port":"${canary}","${canary}":1}` }, { db: { json: true, schema } })
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: "Secret 'db': the value is not what its schema asks for at host, port",
    })
  })

  it("returns the schema's output with its type: valibot", async () => {
    const loaded = await loadSecrets(managerOf({ port: '5432' }), {
      port: { schema: v.pipe(v.string(), v.transform(Number), v.integer()) },
      none: { schema: v.optional(v.string()) },
      fallback: { schema: v.optional(v.string(), 'dev') },
      later: {
        name: 'port',
        schema: v.pipeAsync(
          v.string(),
          v.checkAsync(async (text) => text.length === 4),
        ),
      },
    })
    expect(loaded).toEqual({ port: 5432, none: undefined, fallback: 'dev', later: '5432' })
    expectTypeOf(loaded).toEqualTypeOf<{
      readonly port: number
      readonly none: string | undefined
      readonly fallback: string
      readonly later: string
    }>()
  })

  it("returns the schema's output with its type: arktype", async () => {
    const loaded = await loadSecrets(managerOf({ port: '5432', db: '{"host":"h"}' }), {
      port: { schema: type('string.integer.parse') },
      db: { json: true, schema: type({ host: 'string' }) },
      none: { schema: type('string | undefined') },
    })
    expect(loaded).toEqual({ port: 5432, db: { host: 'h' }, none: undefined })
    expectTypeOf(loaded).toEqualTypeOf<{ readonly port: number; readonly db: { host: string }; readonly none: string | undefined }>()
  })

  it('promises in its types only what it knows', async () => {
    const json: boolean = Math.random() < 2
    const spec: SecretSpec = { name: 'a' }
    const loaded = await loadSecrets(managerOf({ a: '1' }), { a: { json }, spec, plain: { name: 'a', json: false } })
    expectTypeOf(loaded).toEqualTypeOf<{ readonly a: unknown; readonly spec: unknown; readonly plain: string }>()
    expect(loaded).toEqual({ a: 1, spec: '1', plain: '1' })
  })

  it('keeps hostile keys as own properties of a plain object', async () => {
    const specs = { ['__proto__']: { name: 'a' }, constructor: { name: 'a' } }
    const loaded = await loadSecrets(managerOf({ a: canary }), specs)
    expect(Object.entries(loaded)).toEqual([
      ['__proto__', canary],
      ['constructor', canary],
    ])
    expect(Object.getPrototypeOf(loaded)).toBe(Object.prototype)
  })

  it('reads only own keys of the specification', async () => {
    const specs = Object.create({ inherited: {} }) as Record<string, SecretSpec>
    expect(await loadSecrets(managerOf({}), specs)).toEqual({})
  })

  it('lists everything missing or wrong in one error, by name', async () => {
    const secrets = {
      text: canary,
      port: canary,
      denied: new SecretsError('PERMISSION_DENIED', 'denied', { secret: 'prod/denied', provider: 'aws' }),
    }
    const error = await refusal(secrets, {
      token: { name: 'prod/token' },
      text: { json: true },
      port: { schema: z.number() },
      denied: { schema: z.string().optional() },
      fine: { name: 'text' },
    })
    expect(error.code).toBe('PERMISSION_DENIED')
    expect(error.message.split('\n')).toEqual([
      '4 of 5 secrets are missing, wrong or could not be read:',
      `  "token": Secret 'prod/token' not found in any provider`,
      `  "text": Secret 'text': the secret is not JSON (read it as text, or store JSON)`,
      `  "port": Secret 'port': the value is not what its schema asks for`,
      `  "denied": Secret 'prod/denied', provider 'aws': denied`,
    ])
  })

  it.each([
    ['zod', z.object({ [canary]: z.literal('x') })],
    ['zod, by its own message', z.string().refine(() => false, { error: () => canary })],
    ['valibot', v.literal('x')],
    ['arktype', type("'x'")],
    [
      'a schema that throws',
      schemaOf((value) => {
        throw new Error(String(value))
      }),
    ],
    [
      'a schema that throws our own error',
      schemaOf((value) => {
        throw new SecretsError('INTERNAL', String(value))
      }),
    ],
    ['a schema that rejects', schemaOf(async (value) => Promise.reject(new TypeError(String(value))))],
  ])('says nothing of the value or of what the library says: %s', async (_, schema) => {
    expect(await refusal({ a: canary }, { a: { schema } })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining("Secret 'a': "),
    })
  })

  it('is a SecretNotFoundError only if every failure is a missing secret', async () => {
    const error = await refusal(
      { c: 'x' },
      {
        a: { name: 'first' },
        b: { schema: z.string() },
        c: {},
        d: {
          schema: schemaOf(() => {
            throw new Error()
          }),
        },
      },
    )
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(error).toMatchObject({ code: 'NOT_FOUND', secret: 'first', message: expect.stringContaining(`"d": Secret 'd' not found`) })
  })

  it('never treats an unreachable secret as missing', async () => {
    const outage = new SecretsError('UNAVAILABLE', 'down', { secret: 'a' })
    expect(await refusal({ a: outage }, { a: { schema: z.string().default('dev') } })).toMatchObject({ code: 'UNAVAILABLE' })
    expect(await refusal({ a: new SecretsError('DELETED', 'gone') }, { a: { schema: z.string().optional() } })).toMatchObject({
      code: 'DELETED',
    })
    expect(await refusal({ a: new Error(canary) }, { a: { schema: z.string().optional() } })).toMatchObject({ code: 'INTERNAL' })
  })

  it.each([
    [['NOT_FOUND', 'INVALID_ARGUMENT'], 'INVALID_ARGUMENT'],
    [['UNAVAILABLE', 'INVALID_ARGUMENT', 'NOT_FOUND'], 'UNAVAILABLE'],
    [['RATE_LIMITED', 'DEADLINE_EXCEEDED'], 'DEADLINE_EXCEEDED'],
    [['UNAVAILABLE', 'UNAUTHENTICATED', 'PERMISSION_DENIED'], 'UNAUTHENTICATED'],
  ] as const)('of %j takes the gravest code, %s', async (codes, expected) => {
    const secrets = Object.fromEntries(codes.map((code) => [code, new SecretsError(code, 'failed')]))
    expect((await refusal(secrets, Object.fromEntries(codes.map((code) => [code, {}])))).code).toBe(expected)
  })

  it('refuses a malformed specification before anything is asked', async () => {
    const manager = managerOf({ a: 'x' })
    const ask = vi.spyOn(manager, 'getSecretValues')
    const misspelt: object = { shema: z.number() }
    const oldSchema: object = { schema: { parse: () => 'x' } }
    await expect(loadSecrets(manager, { a: misspelt })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('"shema"'),
    })
    await expect(loadSecrets(manager, { a: oldSchema })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('Standard Schema'),
    })
    expect(ask).not.toHaveBeenCalled()
  })

  it('passes on an error of the whole batch', async () => {
    const closed = new SecretsError('ABORTED', 'closed')
    await expect(loadSecrets({ getSecretValues: async () => Promise.reject(closed) }, { a: {} })).rejects.toBe(closed)
  })

  it('works with a secrets manager', async () => {
    const env = { TOKEN: 'hunter2', DATABASE: '{"host":"db","port":5432}' }
    const manager = createSecretsManager({ providers: [envProvider({ env })] })
    const specs = {
      TOKEN: {},
      port: { name: 'DATABASE', field: 'port', json: true, schema: z.int() },
      none: { schema: z.string().optional() },
    }
    expect(await loadSecrets(manager, specs)).toEqual({ TOKEN: 'hunter2', port: 5432, none: undefined })
    await expect(loadSecrets(manager, { none: {} })).rejects.toBeInstanceOf(SecretNotFoundError)
    await manager.close()
  })
})
