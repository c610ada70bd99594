import { parse } from 'dotenv'
import fc from 'fast-check'
import * as yaml from 'yaml'
import { describe, expect, it } from 'vitest'
import { type DocumentWriter, type Values, writeDocument } from './document.ts'
import { dotenvWriter, readDotenv } from './dotenv.ts'
import { formatOf, innerFormatOf } from './format.ts'
import { jsonWriter, readJson } from './json.ts'
import { kubernetesWriter, readKubernetes } from './kubernetes.ts'
import { readYaml, yamlWriter } from './yaml.ts'

const hostile = ["'", '"', '`', '\\', '\\n', '\\u0041', '$', '$(touch x)', '#', ' #', '\n', '\r\n', ' ', '\t', '=', ': ', '- ', '&a', '*a']
const unusual = [
  '\u0000',
  '\u0085',
  '\u2028',
  '\ufeff',
  '\u00a0',
  '\u007f',
  'é',
  '🔑',
  'null',
  'true',
  '1.10',
  '{',
  '|',
  '%',
  'ÿ',
  '\uffff',
]
const text = fc.oneof(
  fc.array(fc.constantFrom(...hostile, ...unusual, 'a', 'B', '7'), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
)
const variable = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/)
const name = fc.oneof(variable, fc.constantFrom('1', '10', '__proto__', 'constructor', 'db-url', 'a.b'))
const texts = fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key }).map((entries): Values => new Map(entries))

const k8s = kubernetesWriter('app')

/** Those that the format takes; what it refuses is a matter of other tests. */
function taken(values: Values, writer: DocumentWriter): Values {
  return new Map([...values].filter(([key, value]) => writer.problem(key, value) === undefined))
}

describe('what is exported', () => {
  it.each<[string, DocumentWriter, (content: string) => Values]>([
    ['dotenv', dotenvWriter, readDotenv],
    ['json', jsonWriter, readJson],
    ['yaml', yamlWriter, (content) => readYaml(content, yaml)],
    ['k8s', k8s, (content) => readKubernetes(content, yaml)],
  ])('is read back to the byte: %s', (format, writer, read) => {
    fc.assert(
      fc.property(texts, (given) => {
        const values = taken(given, writer)
        fc.pre(values.size > 0)
        expect([...read(writeDocument(values, format, writer))]).toEqual([...values])
      }),
      { numRuns: 300 },
    )
  })

  it('is read by the dotenv package as by us', () => {
    fc.assert(
      fc.property(texts, (given) => {
        const values = taken(given, dotenvWriter)
        const known = [...values].filter(([key]) => key !== '__proto__') // the package sets a prototype
        expect(parse(writeDocument(new Map(known), 'dotenv', dotenvWriter))).toEqual(Object.fromEntries(known))
      }),
      { numRuns: 500 },
    )
  })

  it('is JSON and YAML also without a secret', () => {
    expect(readJson(jsonWriter.write(new Map())).size).toBe(0)
    expect(readYaml(yamlWriter.write(new Map()), yaml).size).toBe(0)
    expect(readKubernetes(k8s.write(new Map()), yaml).size).toBe(0)
  })

  it('keeps bytes in a Kubernetes Secret', () => {
    const bytes = Uint8Array.of(0xff, 0, 0xfe)
    expect(readKubernetes(k8s.write(new Map([['KEY', bytes]])), yaml)).toEqual(new Map([['KEY', bytes]]))
  })
})

describe('what a format cannot hold', () => {
  it.each<[string, DocumentWriter, string, string | Uint8Array, string]>([
    ['dotenv', dotenvWriter, 'A', 'a\0canary', 'NUL'],
    ['dotenv', dotenvWriter, 'A', 'a\rcanary', 'carriage return'],
    ['dotenv', dotenvWriter, 'A', '\'"`#canary', 'quotes'],
    ['dotenv', dotenvWriter, 'A', '#canary\\', 'quotes and backslashes'],
    ['dotenv', dotenvWriter, 'prod/db', 'canary', 'name of a variable'],
    ['dotenv', dotenvWriter, 'A', Uint8Array.of(0xff), 'bytes'],
    ['json', jsonWriter, 'A', Uint8Array.of(0xff), 'only k8s'],
    ['yaml', yamlWriter, 'A', Uint8Array.of(0xff), 'only k8s'],
    ['k8s', k8s, 'prod/db', 'canary', 'a key has'],
    ['k8s', k8s, '..data', 'canary', 'a key has'],
  ])('is refused with its name, without its value: %s %#', (format, writer, key, value, reason) => {
    const write = (): string => writeDocument(new Map([[key, value]]), format, writer)
    expect(write).toThrow(reason)
    expect(write).toThrow(`\n${key}: `)
    expect(write).not.toThrow('canary')
  })

  it.each(['App', 'a_b', '-a', 'a..b', 'x'.repeat(254), ''])('is no name of a Secret: %j', (secretName) => {
    expect(() => kubernetesWriter(secretName)).toThrow('no name of a Kubernetes object')
  })

  it('is more than 1 MiB in one Secret', () => {
    expect(() => k8s.write(new Map([['A', 'x'.repeat(1_048_577)]]))).toThrow('1 MiB')
  })
})

describe('what is imported', () => {
  it.each<[string, () => unknown, string]>([
    ['json', () => readJson('["canary"]'), 'no JSON object'],
    ['json', () => readJson('{"A":"canary"'), 'no JSON object'],
    ['json', () => readJson('{"A":"canary","A":"x"}'), 'a name twice'],
    ['json', () => readJson('{"A":null}'), 'without a value'],
    ['json', () => readJson('{"A":"\\ud800canary"}'), 'lone surrogate'],
    ['dotenv', () => readDotenv('canary'), 'line 1 of the input sets no variable'],
    ['dotenv', () => readDotenv('A=-----BEGIN\ncanary\n# b\n-----END'), 'these lines of the input set no variable: 2, 4'],
    ['dotenv', () => readDotenv('A=1\nno canary = 2'), 'line 2 of the input sets no variable'],
    ['dotenv', () => readDotenv('canary\n'.repeat(12)), '1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more'],
    ['yaml', () => readYaml('A: [canary', yaml), 'no YAML'],
    ['yaml', () => readYaml('A: &a canary\nB: *a', yaml), 'neither text nor number'],
    ['yaml', () => readYaml('A: {b: canary}', yaml), 'neither text nor number'],
    ['yaml', () => readYaml('A: canary\nA: x', yaml), 'a name twice'],
    ['yaml', () => readYaml('A: canary\n---\nB: x', yaml), 'one YAML document'],
    ['yaml', () => readYaml('A:', yaml), 'without a value'],
    ['yaml', () => readYaml('A: !!binary Y2FuYXJ5', yaml), 'a value in base64 (!!binary)'],
    ['yaml', () => readYaml('- canary', yaml), 'no YAML map'],
    ['yaml', () => readYaml('['.repeat(20_000), yaml), 'no YAML'],
    ['k8s', () => readKubernetes('kind: ConfigMap\ndata: {A: canary}', yaml), 'manifest of one Secret'],
    ['k8s', () => readKubernetes('kind: Secret\ndata: {A: "canary!"}', yaml), 'no base64'],
  ])('is refused without quoting it: %s %#', (_, read, reason) => {
    expect(read).toThrow(reason)
    expect(read).not.toThrow('canary')
  })

  it('keeps numbers, and of JSON also objects, as they are written', () => {
    expect(readJson('{"PORT": 5432, "RATE": 1.10, "DB": {"a": 1.0}}')).toEqual(
      new Map([
        ['PORT', '5432'],
        ['RATE', '1.10'],
        ['DB', '{"a": 1.0}'],
      ]),
    )
    expect(readYaml('PORT: 5432\nRATE: 1.10\nON: true\nNO: no\nBIG: 12345678901234567890', yaml)).toEqual(
      new Map([
        ['PORT', '5432'],
        ['RATE', '1.10'],
        ['ON', 'true'],
        ['NO', 'no'],
        ['BIG', '12345678901234567890'],
      ]),
    )
  })

  it('takes a Secret in JSON, in lines of base64, and stringData before data', () => {
    const manifest = { kind: 'Secret', data: { A: 'Y2Fu\nYXJ5', B: 'Yg==' }, stringData: { B: 'text' } }
    expect(readKubernetes(JSON.stringify(manifest), yaml)).toEqual(
      new Map([
        ['A', 'canary'],
        ['B', 'text'],
      ]),
    )
  })
})

describe('the format', () => {
  it.each([
    ['.env', 'dotenv'],
    ['a/.env.local', 'dotenv'],
    ['prod.env', 'dotenv'],
    ['x.json', 'json'],
    ['x.yml', 'yaml'],
    ['x.json.age', 'age'],
  ])('of %s is %s', (file, format) => expect(formatOf(undefined, file)).toBe(format))

  it('must be given where the name does not say it', () => {
    expect(() => formatOf(undefined, '-')).toThrow('does not follow')
    expect(() => formatOf('toml', 'x.json')).toThrow('not known')
    expect(formatOf('k8s', 'x.json')).toBe('k8s')
    expect([innerFormatOf(undefined, 'x.env.age'), innerFormatOf(undefined, 'x.age')]).toEqual(['dotenv', 'json'])
    expect(() => innerFormatOf('yaml')).toThrow('neither dotenv nor json')
  })
})
