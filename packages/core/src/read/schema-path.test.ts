import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { faultyMembers } from './schema-path.ts'
import type { StandardSchemaV1 } from '../contract/standard-schema.ts'

const canary = 'canary-5d0f'

async function membersOf(schema: StandardSchemaV1, value: unknown): Promise<string> {
  const result = await schema['~standard'].validate(value)
  if (!result.issues) throw new Error('the value is right')
  const shown = faultyMembers(schema, result.issues)
  expect(shown).not.toContain(canary)
  return shown
}

const schemas: Readonly<Record<string, StandardSchemaV1>> = {
  zod: z.object({ db: z.object({ port: z.number() }).optional(), hosts: z.array(z.object({ name: z.string() })) }),
  'zod, refined, transformed and piped': z
    .object({ db: z.object({ port: z.number() }).nullable().default(null), hosts: z.array(z.object({ name: z.string() })).readonly() })
    .refine(() => true)
    .transform((value) => value)
    .pipe(z.any()),
  valibot: v.object({ db: v.optional(v.object({ port: v.number() })), hosts: v.array(v.object({ name: v.string() })) }),
  'valibot, piped': v.pipe(
    v.object({ db: v.nullish(v.object({ port: v.pipe(v.number(), v.integer()) })), hosts: v.array(v.object({ name: v.string() })) }),
    v.check(() => true),
  ),
  arktype: type({ 'db?': { port: 'number' }, hosts: type({ name: 'string' }).array() }),
}

describe.each(Object.entries(schemas))('the members that a schema of %s rejects', (_, schema) => {
  it('are named by its declared keys', async () => {
    expect(await membersOf(schema, { db: { port: canary }, hosts: [] })).toBe('db.port')
    expect(await membersOf(schema, { db: canary, hosts: [] })).toBe('db')
    expect(await membersOf(schema, { hosts: [{ name: 'a' }, { name: 5, [canary]: 1 }] })).toBe('hosts[1].name')
    expect(await membersOf(schema, { [canary]: 5 })).toBe('hosts')
    expect(await membersOf(schema, canary)).toBe('')
  })
})

describe('a key that is part of the secret', () => {
  it.each<[string, StandardSchemaV1, unknown, string]>([
    ['a record of zod', z.record(z.string(), z.number()), { [canary]: 'x' }, ''],
    [
      'a record inside an object',
      z.object({ keys: z.record(z.string(), z.object({ n: z.number() })) }),
      { keys: { [canary]: { n: canary } } },
      'keys.*.n',
    ],
    ['a record of valibot', v.object({ keys: v.record(v.string(), v.number()) }), { keys: { [canary]: canary } }, 'keys.*'],
    ['a record of arktype', type({ '[string]': 'number' }), { [canary]: canary }, ''],
    ['a Map of zod', z.map(z.string(), z.number()), new Map([[canary, canary]]), ''],
    ['an unknown key of zod', z.strictObject({ a: z.string() }), { a: 'x', [canary]: 1 }, ''],
    ['an unknown key of valibot', v.strictObject({ a: v.string() }), { a: 'x', [canary]: 1 }, ''],
    ['the rest of an object', z.object({ a: z.string() }).catchall(z.number()), { a: 'x', [canary]: canary }, ''],
    [
      'JSON that the schema itself parses',
      z
        .string()
        .transform((text): unknown => JSON.parse(text))
        .pipe(z.object({ keys: z.record(z.string(), z.number()) })),
      JSON.stringify({ keys: { [canary]: canary } }),
      'keys.*',
    ],
    ['a numeric key of a record', z.record(z.string(), z.number()), { 123456: canary }, ''],
    ['a key of every object', z.object({ a: z.record(z.string(), z.number()) }), { a: { constructor: canary } }, 'a.*'],
  ])('is not shown: %s', async (_, schema, value, shown) => {
    expect(await membersOf(schema, value)).toBe(shown)
  })

  it('is not shown for a schema of another library, whatever its issues say', () => {
    const path = [canary, { key: canary }, 3, Symbol(canary)]
    for (const schema of [{ '~standard': {} }, () => {}, null, undefined, new Proxy({}, { get: () => Promise.reject.bind(Promise) })])
      expect(faultyMembers(schema, [{ message: canary, path }])).not.toContain(canary)
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error(canary)
        },
      },
    )
    expect(faultyMembers(throwing, [{ message: canary, path }])).toBe('')
  })
})

describe('many members', () => {
  it('are named once each, up to five, with the number of the others', async () => {
    const keys = Array.from({ length: 8 }, (_, index) => `key${index}`)
    const schema = z.object(Object.fromEntries(keys.map((key) => [key, z.string()])))
    expect(await membersOf(schema, {})).toBe('key0, key1, key2, key3, key4 and 3 more')
    const union = z.union([z.object({ a: z.string() }), z.object({ a: z.number() })])
    expect(await membersOf(z.object({ u: union }), { u: { a: null } })).toMatch(/^u(\.a)?$/)
  })

  it('of a schema that nests itself end after a bounded number', async () => {
    interface Tree {
      readonly name: string
      readonly children: Tree[]
    }
    const tree: z.ZodType<Tree> = z.object({ name: z.string(), children: z.array(z.lazy(() => tree)) })
    expect(await membersOf(tree, { name: 'a', children: [{ name: 5, children: [] }] })).toMatch(/^children\[0\]/)
  })
})
