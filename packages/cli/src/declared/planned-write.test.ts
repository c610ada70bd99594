import { createSecretsManager, type SecretFields } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDeclared } from '../commands/declared.ts'
import type { DeclaredSecret } from '../config/config.ts'
import { aliasesOf } from '../config/declared-names.ts'
import { assertAllowed, forbiddenBy, plannedWrite } from './planned-write.ts'

const canary = 'canary-4711'
const text = fc.oneof(
  fc.constantFrom('', '12', '-0', 'true', 'https://u:p@h/x', '{"a":"1","b":{"c":"true"}}', '{"a":null}', '[1]', 'plain'),
  fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed()),
)
const value = fc.oneof(
  text,
  fc.constant(Uint8Array.of(0xff, 0)),
  fc.constantFrom<SecretFields>({ a: '1', b: 'x' }, { a: 'https://h' }, { value: '{"a":"1"}' }),
)
const declaration = fc.record({
  name: fc.constantFrom(undefined, 'db'),
  field: fc.constantFrom(undefined, 'a', '/a', '/b/c', '/nope'),
  type: fc.constantFrom('text' as const, 'integer' as const, 'boolean' as const, 'url' as const, 'json' as const),
  minLength: fc.constantFrom(undefined, 1, 4),
})
const declarations = fc.dictionary(fc.constantFrom('db', 'A', 'B'), declaration, { minKeys: 1 })

/** Those that are not met after a write, by `check`. */
async function unmet(
  given: string | Uint8Array | SecretFields,
  field: string | undefined,
  declared: Readonly<Record<string, DeclaredSecret>>,
) {
  const store = memoryProvider()
  await using writer = createSecretsManager({ providers: [store] })
  await writer.storeSecret('db', given, { field })
  await using reader = createSecretsManager({ providers: [store], aliases: aliasesOf(declared) })
  return (await readDeclared(reader, declared)).filter(({ state }) => state !== 'ok')
}

function concernedOf(declared: Readonly<Record<string, DeclaredSecret>>, isConcerned: (declared: DeclaredSecret) => boolean) {
  return Object.fromEntries(Object.entries(declared).filter(([key, each]) => (each.name ?? key) === 'db' && isConcerned(each)))
}

describe('a value that is to be written', () => {
  it('is forbidden if check would call it wrong afterwards, in the same words', async () => {
    await fc.assert(
      fc.asyncProperty(declarations, value, async (declared, given) => {
        const concerned = concernedOf(declared, () => true)
        const expected = Object.keys(concerned).length === 0 ? [] : await unmet(given, undefined, concerned)
        const problems = expected.map(({ name, reason }) => `${name}: ${reason}`)
        expect(await forbiddenBy({ name: 'db' }, given, declared)).toBe(problems.length === 0 ? undefined : problems.join('; '))
      }),
    )
  })

  it('of a field is forbidden by the declarations of that field', async () => {
    await fc.assert(
      fc.asyncProperty(declarations, text, async (declared, given) => {
        const concerned = concernedOf(declared, ({ field }) => field === 'a' || field === '/a')
        const expected = Object.keys(concerned).length === 0 ? [] : await unmet(given, 'a', concerned)
        for (const field of ['a', '/a'])
          expect((await forbiddenBy({ name: 'db', field }, given, declared)) !== undefined).toBe(expected.length > 0)
      }),
    )
  })

  it('is refused without a word of it, with the rule and a remedy', async () => {
    const declared = { A: { minLength: 60, type: 'url' }, B: { name: 'A', type: 'url' }, C: { type: 'url' } } as const
    const error = await assertAllowed({ name: 'A' }, canary, declared).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      problem: 'the value is not as declared: A: it is shorter than 60 characters (minLength); B: it is no URL (type url)',
      remedy: expect.stringContaining('--force'),
    })
    expect(JSON.stringify(error)).not.toContain(canary)
    expect(await assertAllowed({ name: 'D' }, canary, declared)).toBeUndefined()
  })

  it('leaves bytes as they are', async () => {
    const bytes = Uint8Array.of(1, 2, 0xff)
    expect(await forbiddenBy({ name: 'A' }, bytes, { A: {} })).toBe('A: the secret is binary, not text')
    expect(bytes).toEqual(Uint8Array.of(1, 2, 0xff))
  })

  it.each([
    ['DB', undefined, { name: 'DB', field: undefined }],
    ['DB', 'username', { name: 'DB', field: 'username' }],
    ['USER', undefined, { name: 'DB', field: 'username' }],
    ['USER', 'first', undefined],
    ['constructor', undefined, { name: 'constructor', field: undefined }],
  ])('under the name %s and the field %s goes to %j', (name, field, write) => {
    expect(plannedWrite(name, field, { USER: { name: 'DB', field: 'username' } })).toEqual(write)
  })
})
