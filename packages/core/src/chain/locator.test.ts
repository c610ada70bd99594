import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { locator, type NamesOptions, type Target } from './locator.ts'

const configuration = expect.objectContaining({ code: 'CONFIGURATION' })

describe('locator', () => {
  it.each<[string, NamesOptions, string, object | undefined]>([
    ['the name itself without options', {}, 'db/password', { path: 'db/password' }],
    ['prefix and name', { prefix: 'prod/' }, 'db', { path: 'prod/db' }],
    [
      'the path that names says, without the prefix',
      { names: { TOKEN: 'finchat/token' }, prefix: 'prod/' },
      'TOKEN',
      { path: 'finchat/token' },
    ],
    ['the prefix for unmapped names', { names: { TOKEN: 'finchat/token' }, prefix: 'prod/' }, 'db', { path: 'prod/db' }],
    ['path#field', { names: { TOKEN: 'finchat/token#value' } }, 'TOKEN', { path: 'finchat/token', field: 'value' }],
    ['the first # as the divider', { names: { TOKEN: 'a#b#c' } }, 'TOKEN', { path: 'a', field: 'b#c' }],
    [
      'a location spelled out, whose path may hold a #',
      { names: { TOKEN: { path: 'a#b', field: '/c/d' } } },
      'TOKEN',
      { path: 'a#b', field: '/c/d' },
    ],
    ['a path that is no valid name', { names: { TOKEN: 'My Secret (old)' } }, 'TOKEN', { path: 'My Secret (old)' }],
    ['what a function says', { names: (name) => `apps/${name.toLowerCase()}` }, 'TOKEN', { path: 'apps/token' }],
    ['the prefix where a function does not say', { names: () => undefined, prefix: 'p/' }, 'x', { path: 'p/x' }],
    ['nowhere with onlyNamed, unless named', { names: { TOKEN: 'a' }, onlyNamed: true }, 'other', undefined],
    ['what is named with onlyNamed', { names: { TOKEN: 'a' }, onlyNamed: true }, 'TOKEN', { path: 'a' }],
    ['nowhere with onlyNamed alone', { onlyNamed: true }, 'x', undefined],
    ['own members of the map only', { names: {}, prefix: 'p/' }, 'constructor', { path: 'p/constructor' }],
    [
      'a name like any other',
      { names: JSON.parse('{"__proto__":"a#b"}') as Record<string, Target> },
      '__proto__',
      { path: 'a', field: 'b' },
    ],
  ])('answers %s', (_, options, name, location) => {
    expect(locator(options)(name)).toEqual(location)
  })

  const withoutSpaces = (path: string): boolean => !path.includes(' ')

  it('returns undefined for a path that the store cannot hold, computed or not', () => {
    const locate = locator({ names: (name) => (name === 'TOKEN' ? 'a b' : undefined) }, withoutSpaces)
    expect([locate('TOKEN'), locate('a b'), locate('ab')]).toEqual([undefined, undefined, { path: 'ab' }])
  })

  it('refuses a map with a path that the store cannot hold', () => {
    expect(() => locator({ names: { TOKEN: 'a b#token' } }, withoutSpaces)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('"TOKEN" at a path that this store cannot hold') }),
    )
  })

  // Some are no targets at all, as from a file of settings.
  const malformed: readonly unknown[] = [
    '',
    '#field',
    'path#',
    'a\nb',
    'a\0b',
    'a\u0085b',
    '\ud800',
    'x'.repeat(2049),
    { path: '' },
    { path: 'a', field: '' },
    {},
    null,
    5,
  ]

  it('throws CONFIGURATION for a malformed target, of a map at once, of a function when it is called', () => {
    for (const target of malformed as readonly Target[]) {
      expect(() => locator({ names: { TOKEN: target } })).toThrow(configuration)
      const locate = locator({ names: () => target })
      expect(() => locate('TOKEN')).toThrow(configuration)
    }
  })

  it('throws CONFIGURATION at once for names that map nothing', () => {
    for (const names of [
      null,
      'TOKEN=a',
      ['TOKEN'],
      new Map([['TOKEN', 'a']]),
      new Set(['TOKEN']),
      5,
    ] as unknown as NamesOptions['names'][]) {
      expect(() => locator({ names })).toThrow(configuration)
    }
    expect(locator({ names: Object.assign(Object.create(null), { TOKEN: 'a' }) as Record<string, Target> })('TOKEN')).toEqual({ path: 'a' })
  })

  it.each<[string, (path: string) => boolean]>([
    ['/prod/', (path) => !path.startsWith('/')],
    ['Prod/', (path) => /^[a-z/]+$/.test(path)],
    ['Prod/', (path) => /^[a-z]+\/[a-z]+$/.test(path)],
    ['prod/', (path) => path.startsWith('/') || !path.includes('/')],
    ['prod', (path) => /^[A-Z]+$/.test(path)],
    ['x', (path) => /^\d+$/.test(path)],
  ])('throws CONFIGURATION at once for the prefix %j, with which the store can hold no name', (prefix, canHold) => {
    expect(() => locator({ prefix }, canHold)).toThrow(configuration)
    expect(() => locator({ prefix, names: { TOKEN: 'a' } }, (path) => path === 'a')).toThrow(configuration)
    expect(locator({ prefix, onlyNamed: true }, canHold)('a')).toBeUndefined()
  })

  it('leaves a prefix alone whose names it cannot judge', () => {
    expect(locator({ prefix: 'prod/' }, (path) => path.endsWith('.json'))('db.json')).toEqual({ path: 'prod/db.json' })
    expect(locator({ prefix: 'prod/' }, (path) => path.startsWith('prod/'))('db')).toEqual({ path: 'prod/db' })
  })

  it.each(['/prod/', 'prod-'])('takes the prefix %j where paths with a slash begin with one', (prefix) => {
    const isRooted = (path: string): boolean => !path.includes('/') || path.startsWith('/')
    expect(locator({ prefix }, isRooted)('db')).toEqual({ path: `${prefix}db` })
  })

  it('throws CONFIGURATION at once for a malformed prefix', () => {
    for (const prefix of ['a\nb', '\0', '\ud800', 'x'.repeat(2049)]) expect(() => locator({ prefix })).toThrow(configuration)
  })

  it('is pure: later changes of the map have no effect', () => {
    const names: Record<string, string> = { TOKEN: 'a' }
    const locate = locator({ names })
    names['TOKEN'] = 'b'
    expect(locate('TOKEN')).toEqual({ path: 'a' })
  })

  it('reads path#field like an object', () => {
    const part = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(
        part.filter((path) => !path.includes('#')),
        part,
        (path, field) => {
          expect(locator({ names: { x: `${path}#${field}` } })('x')).toEqual(locator({ names: { x: { path, field } } })('x'))
        },
      ),
    )
  })
})
