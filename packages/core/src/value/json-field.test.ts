import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutField, keysOf, memberOf, setField, soleField, textAt } from './json-field.ts'
import { jsonTextAt, parseJson } from './json-text.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const canary = 'canary-5f2a'

function refusalOf(call: () => unknown): SecretsError {
  try {
    call()
  } catch (error) {
    if (SecretsError.isInstance(error)) return error
    throw error
  }
  throw new Error('it did not throw')
}

/** The members of any JSON object, hostile and number-like keys included. */
const hostileKey = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  '0',
  '10',
  '-',
  '~',
  '/',
  '~1',
  'a/b',
  '\u0000',
  '"',
  '\\',
  '\ud800',
  '{',
  ',',
)
const anyKey = fc.oneof(hostileKey, fc.string({ unit: 'binary' }))
const anyMembers = fc.uniqueArray(fc.tuple(anyKey, fc.jsonValue()), { selector: ([key]) => key })
const textOf = (members: readonly (readonly [string, unknown])[], space = ''): string =>
  `{${members.map(([key, value]) => [space, JSON.stringify(key), space, ':', space, JSON.stringify(value), space].join('')).join(',')}}`
const pointerTo = (...path: string[]): string => path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

describe('cutField', () => {
  it('returns strings decoded', () => {
    expect(cutField('{"password":"00123 \\u00e9\\n"}', 'password')).toBe('00123 é\n')
    expect(cutField('{"empty":""}', 'empty')).toBe('')
  })

  it.each(['12345678901234567890', '1.10', '1e5', '-0', '1E+2', 'true', 'false'])('returns %s exactly as written', (written) => {
    expect(cutField(`{ "a" : ${written} , "b": 2 }`, 'a')).toBe(written)
    expect(cutField(`[[${written}]]`, '/0/0')).toBe(written)
  })

  it('returns objects and arrays as JSON text, with numbers as written', () => {
    const text = '{"db":{"port":5432.0,"1":{},"0":"}]"},"ids":[12345678901234567890, 1.10]}'
    expect(cutField(text, 'db')).toBe('{"port":5432.0,"1":{},"0":"}]"}')
    expect(cutField(text, 'ids')).toBe('[12345678901234567890, 1.10]')
  })

  it('follows a JSON pointer, as in RFC 6901', () => {
    const text = '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8,"k\\"l":6," ":7}'
    const answers = ['/foo', '/foo/0', '/', '/a~1b', '/c%d', '/m~0n', '/k"l', '/ '].map((pointer) => cutField(text, pointer))
    expect(answers).toEqual(['["bar","baz"]', 'bar', '0', '1', '2', '8', '6', '7'])
  })

  it('treats a field without a leading slash as a key', () => {
    expect(cutField('{"a.b/c~0":"x"}', 'a.b/c~0')).toBe('x')
  })

  it('uses the last of equal keys, as JSON.parse does', () => {
    expect(cutField('{"a":{"b":1},"a":2.0,"\\u0061":3.0}', 'a')).toBe('3.0')
  })

  it('tells a quote from a backslash in keys, where JSON.parse of V8 13.6 fails', () => {
    parseJson('{"\\\\":1}')
    expect(cutField('{"\\"":"quote"}', '"')).toBe('quote')
    expect(refusalOf(() => cutField('{"\\"":"quote"}', '\\')).code).toBe('INVALID_ARGUMENT')
  })

  it.each([
    ['no JSON', `{"${canary}"`, 'a', 'is not JSON'],
    ['no JSON either', '', 'a', 'is not JSON'],
    ['a string', `"${canary}"`, 'length', 'not a JSON object'],
    ['a number by pointer', '1', '/0', 'not a JSON object'],
    ['null', 'null', 'a', 'not a JSON object'],
    ['an array by key', `["${canary}"]`, '0', 'not a JSON object'],
    ['no such key', `{"${canary}":"${canary}"}`, 'a', 'no field "a"'],
    ['a null', `{"a":null,"b":"${canary}"}`, 'a', 'no field "a"'],
    ['a string on the way', `{"a":"${canary}"}`, '/a/0', 'no field "/a/0"'],
    ['an index past the end', '{"a":[1]}', '/a/1', 'no field "/a/1"'],
    ['an index with a leading zero', '{"a":[1]}', '/a/00', 'no field "/a/00"'],
    ['an element after the last', '{"a":[1]}', '/a/-', 'no field "/a/-"'],
    ['an array member that is no index', '{"a":[1]}', '/a/length', 'no field "/a/length"'],
    ['a malformed pointer', '{"~2":1}', '/~2', 'not a JSON pointer'],
    ['__proto__, which is not an own key', '{}', '__proto__', 'no field "__proto__"'],
    ['constructor on the way', '{"a":{}}', '/a/constructor/name', 'no field "/a/constructor/name"'],
  ])('refuses %s without quoting the secret', (_, text, field, problem) => {
    const error = refusalOf(() => cutField(text, field))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toContain(problem)
    expect(error.message + JSON.stringify(error) + error.stack).not.toContain(canary)
    expect(error.cause).toBeUndefined()
  })

  it('finds every field of any object, by key and by pointer', () => {
    fc.assert(
      fc.property(anyMembers, fc.constantFrom('', ' ', '\r\n\t'), (members, space) => {
        const text = space + textOf(members, space) + space
        for (const [key, value] of members.filter(([, member]) => member !== null)) {
          const expected = typeof value === 'string' ? value : JSON.stringify(value)
          expect(cutField(text, pointerTo(key))).toBe(expected)
          if (!key.startsWith('/')) expect(cutField(text, key)).toBe(expected)
        }
      }),
    )
  })

  it('returns or throws a SecretsError for any input', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json()),
        fc.oneof(
          fc.string(),
          fc.string().map((key) => `/${key}`),
        ),
        (text, field) => {
          try {
            expect(typeof cutField(text, field)).toBe('string')
          } catch (error) {
            expect(SecretsError.isInstance(error) && error.code).toBe('INVALID_ARGUMENT')
          }
        },
      ),
    )
  })

  it('finds the end of a value before any JSON space', () => {
    const texts = ['{"a":1,"b":2}', '{"a":1}', '\t\r\n {\t"a"\r:\n1 \t}\n', '{"b":"\\\\","a":1\n}', '{"b":["]"],"a":1\r,"c":{}}']
    for (const text of texts) expect(cutField(text, 'a')).toBe('1')
    expect(cutField('{"a":[{"b":"}\\"]"} , [] ] }', 'a')).toBe('[{"b":"}\\"]"} , [] ]')
  })

  const million = 1_000_000
  const large: Record<string, () => string> = {
    'five million escapes': () => JSON.stringify({ long: '\n'.repeat(5 * million), b: 'found' }),
    'five million escaped quotes': () => JSON.stringify({ long: '"'.repeat(5 * million), b: 'found' }),
    'five million escaped backslashes': () => JSON.stringify({ long: '\\'.repeat(5 * million), b: 'found' }),
    'a million members': () => `{${Array.from({ length: million }, (_, index) => `"k${index}":${index}`).join(',')},"b":"found"}`,
    'a million elements': () => `{"long":[${'1,'.repeat(million)}1],"b":"found"}`,
    'a million levels': () => `{"long":${'['.repeat(million)}${']'.repeat(million)},"b":"found"}`,
  }

  /** Milliseconds of processor time: the clock also counts what others do meanwhile. */
  function costOf(run: () => void): number {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }

  // A scan that grew with the square would take a million times as long, hours.
  it.each(Object.entries(large))(
    'copes with %s, at a cost of the order of that of JSON.parse',
    (_, make) => {
      const text = make()
      const parsing = costOf(() => JSON.parse(text))
      const cutting = costOf(() => expect(cutField(text, 'b')).toBe('found'))
      expect(cutting).toBeLessThan(2_000 + 20 * parsing)
    },
    120_000,
  )

  it('returns long and deeply nested values whole', () => {
    const long = 'x"\\'.repeat(350_000)
    const deep = `${'['.repeat(50_000)}1.0${']'.repeat(50_000)}`
    expect(cutField(JSON.stringify({ long, a: [long] }), '/a/0')).toBe(long)
    expect(cutField(`{"deep":${deep}}`, 'deep')).toBe(deep)
  })
})

describe('jsonTextAt', () => {
  it('returns the text exactly as written', () => {
    const text = ' { "data" : {"data":{"n":1.10, "big":12345678901234567890 ,"t":"\\u003c}\\"{"} , "metadata":{}} , "x" : [1, 1e3] } '
    expect(jsonTextAt(text, ['data', 'data'])).toBe('{"n":1.10, "big":12345678901234567890 ,"t":"\\u003c}\\"{"}')
    expect(jsonTextAt(text, ['data', 'data', 'n'])).toBe('1.10')
    expect(jsonTextAt(text, ['data', 'data', 't'])).toBe('"\\u003c}\\"{"')
    expect(jsonTextAt(text, ['x', '1'])).toBe('1e3')
    expect(jsonTextAt(text, [])).toBe(text.trim())
  })

  it('returns undefined for a missing key, and the last of equal keys', () => {
    for (const keys of [['none'], ['a', 'b'], ['list', '1'], ['s', '0'], ['__proto__']])
      expect(jsonTextAt('{"a":1,"list":[1],"s":"{"}', keys)).toBe(undefined)
    expect(jsonTextAt('{"a":1,"a":null}', ['a'])).toBe('null')
    for (const text of ['"a"', '1', 'null']) expect(jsonTextAt(text, ['0'])).toBe(undefined)
  })

  it.each(['', '{', `{"${canary}`, `"${canary}`])('refuses invalid JSON without quoting it', (text) => {
    const error = refusalOf(() => jsonTextAt(text, ['a']))
    expect([error.code, error.message.includes(canary)]).toEqual(['INVALID_ARGUMENT', false])
  })

  it('finds any value under any key, in any layout', () => {
    fc.assert(
      fc.property(anyMembers, fc.constantFrom('', ' ', '\r\n\t'), (members, space) => {
        const text = `{"before":[{}],${space}"data":${textOf(members, space)},"after":"}"}`
        for (const [key, value] of members) expect(jsonTextAt(text, ['data', key])).toBe(JSON.stringify(value))
      }),
    )
  })
})

describe('memberOf', () => {
  it.each(['"a"', '1', 'null', '{}', '{"0":null}'])('returns undefined for a key that %s does not have', (text) => {
    expect(memberOf(text, '0')).toBe(undefined)
  })

  it('returns the value of any key', () => {
    fc.assert(
      fc.property(anyMembers, (members) => {
        for (const [key, value] of members) {
          const expected = typeof value === 'string' ? value : JSON.stringify(value)
          expect(memberOf(textOf(members), key)).toBe(value === null ? undefined : expected)
        }
      }),
    )
  })
})

describe('keysOf', () => {
  it.each<[string, string[]]>([
    ['{"a":1,"__proto__":2,"a":3}', ['a', '__proto__']],
    ['{}', []],
    ['"text"', []],
    [' [5] ', ['0']],
  ])('returns the keys of %s', (text, keys) => {
    expect(keysOf(text)).toEqual(keys)
  })
})

describe('textAt', () => {
  it("returns a field's text, and undefined for another type", () => {
    const text = '{"a":"x\\n","b":1,"c":{"d":"y"},"e":null}'
    expect(['a', '/c/d', 'b', 'c', 'e', 'f'].map((field) => textAt(text, field))).toEqual([
      'x\n',
      'y',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('soleField', () => {
  it('returns the only field as cutField does', () => {
    expect(soleField('{"token":"t"}')).toBe('t')
    expect(soleField('{"/a":1.10}')).toBe('1.10')
    expect(soleField('{"__proto__":{"a":1.0}}')).toBe('{"a":1.0}')
  })

  it('refuses several fields, asks for `field`, and names none', () => {
    const error = refusalOf(() => soleField(`{"${canary}":1,"b":2}`))
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      problem: expect.stringContaining('has several fields'),
      remedy: 'ask for one of them by `field`',
    })
    expect(error.message).not.toContain(canary)
  })

  it.each(['{}', '{"a":null}', '[]', '["a"]', 'null', '"a"', '{'])('refuses %s', (text) => {
    expect(refusalOf(() => soleField(text)).code).toBe('INVALID_ARGUMENT')
  })
})

describe('setField', () => {
  it('sets one field and keeps the rest exactly as written', () => {
    const text = '{ "b": 12345678901234567890, "1": 1.10,\n "a": "\\u00e9", "o": {"x": 1e5 } }'
    expect(setField(text, 'a', 'new')).toBe(text.replace('"\\u00e9"', '"new"'))
    expect(setField(text, 'c', 'new')).toBe(text.replace(' } }', ' },"c":"new" }'))
    expect(setField(text, '/o/x', '7')).toBe(text.replace('1e5', '"7"'))
    expect(setField(text, '/o/y', '7')).toBe(text.replace('1e5', '1e5,"y":"7"'))
  })

  it('starts from an empty object without text', () => {
    expect(setField(undefined, 'a', 'x')).toBe('{"a":"x"}')
    expect(setField(' { } ', '/a', 'x')).toBe(' {"a":"x" } ')
  })

  it('replaces an array element, but adds none', () => {
    expect(setField('{"a":[1, 2.0]}', '/a/0', 'x')).toBe('{"a":["x", 2.0]}')
    expect(setField('[null]', '/0', 'x')).toBe('["x"]')
    for (const pointer of ['/a/2', '/a/-', '/a/01'])
      expect(refusalOf(() => setField('{"a":[1,2]}', pointer, 'x')).code).toBe('INVALID_ARGUMENT')
  })

  it('replaces null, although it counts as absent', () => {
    expect(setField('{"a":null}', 'a', 'x')).toBe('{"a":"x"}')
  })

  it.each([
    ['no JSON', canary, 'a'],
    ['an array by key', `["${canary}"]`, '0'],
    ['a parent that is not there', `{"${canary}":1}`, '/b/c'],
    ['a parent that is text', `{"a":"${canary}"}`, '/a/c'],
    ['a parent that is only inherited', '{}', '/__proto__/polluted'],
    ['a malformed pointer', '{}', '/~'],
  ])('refuses %s without quoting the secret or the value', (_, text, field) => {
    const error = refusalOf(() => setField(text, field, canary))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).not.toContain(canary)
  })

  it('writes what cutField reads, and keeps the rest of any object', () => {
    fc.assert(
      fc.property(anyMembers, anyKey, fc.string({ unit: 'binary' }), (members, key, value) => {
        const written = setField(textOf(members), pointerTo(key), value)
        expect(cutField(written, pointerTo(key))).toBe(value)
        expect(written).toBe(textOf([...new Map(members).set(key, value)]))
      }),
    )
  })
})

describe('RegExp.input, which keeps the last matched text', () => {
  // Such as ` {"user":"app","password":"…"} `.
  const text = ` {"user":"app","nested":{"list":[1.0,"${canary}"]}} `
  const calls: Record<string, () => unknown> = {
    cutField: () => cutField(text, 'user'),
    'cutField by pointer': () => cutField(text, '/nested/list/1'),
    'cutField of a field that is not there': () => refusalOf(() => cutField(text, 'missing')),
    'cutField of what is no JSON': () => refusalOf(() => cutField(canary, 'user')),
    'cutField of what has no fields': () => refusalOf(() => cutField(`"${canary}"`, 'user')),
    soleField: () => soleField(`{"only":"${canary}"}`),
    'soleField of several': () => refusalOf(() => soleField(text)),
    setField: () => setField(text, 'user', canary),
    'setField of a new one': () => setField(text, '/nested/new', canary),
    parseJson: () => parseJson(text),
    jsonTextAt: () => jsonTextAt(text, ['nested', 'list']),
    'jsonTextAt of a key that is secret': () => jsonTextAt(`{"${canary}":1}`, [canary]),
    keysOf: () => keysOf(text),
    textAt: () => textAt(text, '/nested/list/1'),
    'memberOf of a key that is secret': () => memberOf(`{"${canary}":1}`, canary),
  }

  it.each(Object.entries(calls))('holds nothing of a secret after %s', (_, call) => {
    'none'.search(/none/)
    call()
    // The other static properties, `lastMatch`, `$1` and so on, are parts of this text.
    expect(RegExp.input).not.toContain(canary)
  })
})

describe('parseJson', () => {
  it('parses JSON, and never quotes invalid text', () => {
    expect(parseJson('{"a":[1]}')).toEqual({ a: [1] })
    const error = refusalOf(() => parseJson(canary))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message + error.stack).not.toContain(canary)
  })
})
