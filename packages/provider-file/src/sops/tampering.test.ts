import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { armor } from 'age-encryption'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Lexer } from 'yaml'
import { sealAge } from '../testing/seal-age.ts'
import { context, fixtures, identity, temporaryFolder } from '../testing/temporary-files.ts'
import { sopsDocument } from './sops-document.ts'

const made = (name: string): Promise<string> => readFile(join(fixtures, 'sops', name), 'utf8')

/** What a read of a file of this content answers: the code of its error, or `read`. */
async function outcomeOf(content: string | Uint8Array, name = 'secrets.yaml', path = 'token'): Promise<string> {
  const file = join(temporaryFolder(), name)
  await writeFile(file, content)
  const provider = sopsDocument({ file, identity })
  return provider.get(path, context).then(
    () => 'read',
    ({ code, message, cause }) => {
      expect(message + String(cause)).not.toMatch(/c4n4ry|ENC\[|plain text/)
      return String(code)
    },
  )
}

/** Each line that a value is on, with the value changed by `change`. */
async function changed(name: string, isOurs: RegExp, change: (line: string) => string): Promise<string[]> {
  const lines = (await made(name)).split('\n')
  const places = lines.flatMap((line, at) => (isOurs.test(line) ? [at] : []))
  return places.map((place) => lines.map((line, at) => (at === place ? change(line) : line)).join('\n'))
}

/** Changes the first character of this part to another one of base64. */
const inPart = (part: string) => (line: string) =>
  line.replace(new RegExp(`(${part}:)(.)`), (_, before, first) => before + (first === 'A' ? 'B' : 'A'))

describe('a SOPS file in which something was altered is refused', () => {
  const files = ['secrets.yaml', 'secrets.json', 'secrets.env'] as const

  it.each(files.flatMap((file) => ['data', 'iv', 'tag'].map((part) => [file, part] as const)))(
    'in %s: %s of each value, and of the MAC',
    async (file, part) => {
      const contents = await changed(file, /ENC\[.*type:(?!comment)/, inPart(part))
      expect(contents.length).toBeGreaterThan(2)
      for (const content of contents) expect(await outcomeOf(content, file)).toBe('INTEGRITY')
    },
  )

  it.each([
    ['secrets.yaml', / {4}(port|level)_unencrypted|^note_unencrypted/, 3],
    ['secrets.json', /_unencrypted": /, 5],
    ['secrets.env', /^NOTE_unencrypted/, 1],
  ])('a value in plain text of %s', async (file, lines, count) => {
    const contents = await changed(file, lines, (line) =>
      line.replace(/[a-z0-9.]+(,?)$/, (text) => (/\d/.test(text) ? text.replace(/\d/, '9') : `${text}x`).replace('truex', 'false')),
    )
    expect(contents).toHaveLength(count)
    for (const content of contents) expect(await outcomeOf(content, file, 'token')).toBe('INTEGRITY')
  })

  const edits: Record<string, (yaml: string) => string> = {
    'the order of two values': (yaml) => yaml.replace(/^(token: .*\n)(port: .*\n)/m, '$2$1'),
    'the order of two values in plain text': (yaml) => yaml.replace(/( {4}port_unencrypted: .*\n)( {4}level_unencrypted: .*\n)/, '$2$1'),
    'the order in a list': (yaml) => yaml.replace(/( {8}- ENC.*\n)( {8}- ENC.*\n)/, '$2$1'),
    'two values, exchanged': (yaml) => yaml.replace(/^("10"): (.*)\n("2"): (.*)$/m, '$1: $4\n$3: $2'),
    'the key of a value': (yaml) => yaml.replace(/^token:/m, 'other:'),
    'the key around a value': (yaml) => yaml.replace(/^db:/m, 'cache:'),
    'a map, joined with its keys': (yaml) =>
      yaml.replace(/^db:\n((?: {4}.*\n)+?)(?=\S)/m, (_, block: string) => block.replaceAll(/^ {4}(\w+):/gm, '"db:$1":')),
    'a value, removed': (yaml) => yaml.replace(/^port: .*\n/m, ''),
    'a value, copied': (yaml) => yaml.replace(/^(port): (.*\n)/m, '$1: $2more: $2'),
    'a value, doubled under its key': (yaml) => yaml.replace(/^(port: .*\n)/m, '$1$1'),
    'a value in plain text, added': (yaml) => `admin: c4n4ry\n${yaml}`,
    'a value, replaced by plain text': (yaml) => yaml.replace(/^token: .*/m, 'token: c4n4ry'),
    'the MAC, removed': (yaml) => yaml.replace(/^ {4}mac: .*\n/m, ''),
    'the MAC, emptied': (yaml) => yaml.replace(/^ {4}mac: .*/m, '    mac: ""'),
    'the MAC, in plain text': (yaml) => yaml.replace(/^ {4}mac: .*/m, `    mac: ${'A'.repeat(128)}`),
    'the MAC, replaced by a value': (yaml) => yaml.replace(/^ {4}mac: .*/m, `    mac: ${/^token: (.*)$/m.exec(yaml)?.[1]}`),
    'the MAC, replaced by a value with its own additional data': (yaml) =>
      yaml.replace(/^ {4}mac: .*/m, `    mac: ${/^token: (.*)$/m.exec(yaml)?.[1]}`).replace(/lastmodified: .*/, 'lastmodified: "token:"'),
    'the time of the last change': (yaml) => yaml.replace(/lastmodified: "2/, 'lastmodified: "3'),
    'mac_only_encrypted, claimed': (yaml) => yaml.replace(/^ {4}version/m, '    mac_only_encrypted: true\n    version'),
    'everything behind the values': (yaml) => yaml.slice(0, yaml.indexOf('\nsops:')),
    'a tag of four bytes': (yaml) => yaml.replace(/^(token: .*tag:)[^,]*/m, '$1AAAAAA=='),
    'an unknown type': (yaml) => yaml.replace(/^(token: .*type:)str/m, '$1comment'),
    'a text that is said to be a number': (yaml) => yaml.replace(/^(token: .*type:)str/m, '$1int'),
    'a text that is said to be a boolean': (yaml) => yaml.replace(/^(token: .*type:)str/m, '$1bool'),
    'a value without its end': (yaml) => yaml.replace(/^(token: .*)\]$/m, '$1'),
    'a value with spaces in it': (yaml) => yaml.replace(/^(token: ENC.*data:)/m, '$1 '),
  }

  it.each(Object.entries(edits))('%s', async (_, edit) => {
    const yaml = await made('secrets.yaml')
    expect(edit(yaml)).not.toBe(yaml)
    expect(await outcomeOf(edit(yaml))).toBe('INTEGRITY')
  })

  it('the MAC of another file, or of an older state of this file', async () => {
    const lines = async (name: string): Promise<string> => /^ {4}lastmodified: .*\n {4}mac: .*$/m.exec(await made(name))?.[0] ?? ''
    for (const other of ['other.yaml', 'edited.yaml']) {
      const swapped = (await made('secrets.yaml')).replace(/^ {4}lastmodified: .*\n {4}mac: .*$/m, await lines(other))
      expect(swapped).not.toBe(await made('secrets.yaml'))
      expect(await outcomeOf(swapped)).toBe('INTEGRITY')
    }
  })

  it('a value of an older state of this file', async () => {
    const [, older = ''] = /^(token: .*)$/m.exec(await made('secrets.yaml')) ?? []
    expect(await outcomeOf((await made('edited.yaml')).replace(/^token: .*$/m, older))).toBe('INTEGRITY')
  })

  it('a data key of another length, or that is damaged', async () => {
    const yaml = await made('secrets.yaml')
    const withKey = (enc: string): string =>
      yaml.replace(/-----BEGIN[^]*?-----END.*\n/, `${enc.trimEnd().replaceAll('\n', '\n            ')}\n`)
    expect(await outcomeOf(withKey(armor.encode(await sealAge(new Uint8Array(16)))))).toBe('INTEGRITY')
    expect(await outcomeOf(withKey('no age file'))).toBe('INTEGRITY')
    expect(await outcomeOf(withKey(armor.encode(await sealAge(new Uint8Array(32)))))).toBe('INTEGRITY')
  })

  it('the file is untouched otherwise', async () => {
    for (const file of files) expect(await outcomeOf(await made(file), file, file === 'secrets.env' ? 'TOKEN' : 'token')).toBe('read')
  })
})

describe('a file that is no SOPS file is refused', () => {
  it('YAML that exceeds the stack of the library, as many signs in a row do before 2.9', async () => {
    vi.spyOn(Lexer.prototype, 'lex').mockImplementation(() => {
      throw new RangeError('Maximum call stack size exceeded')
    })
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await outcomeOf('token: 1')).toBe('INTEGRITY')
  })

  // Half a minute with the pretty errors of the library, whose time grows with the square.
  it('YAML: an error in each of many signs', { timeout: 9_000 }, async () => {
    expect(await outcomeOf('!'.padEnd(11).repeat(40_000))).toBe('INTEGRITY')
  })

  it.each([
    ['nothing', ''],
    ['a list', '- c4n4ry'],
    ['a text', 'c4n4ry'],
    ['broken YAML', 'c4n4ry: [1, 2'],
    ['a tab', 'a:\n\tc4n4ry: 1'],
    ['two documents', 'a: c4n4ry\n---\nb: c4n4ry\n'],
    ['a key that is no text', '[c4n4ry]: 1'],
    ['an unknown tag', 'a: !c4n4ry 1'],
    ['an alias', 'a: &a c4n4ry\nb: *a'],
    [
      'a bomb of aliases',
      ['a: &a [c4n4ry]', ...'bcdefghij'.split('').map((key, at) => `${key}: &${key} [${`*${'abcdefghij'[at]},`.repeat(9)}]`)].join('\n'),
    ],
    ['deep nesting in flow', `a: ${'['.repeat(20_000)}`],
    ['deep nesting in maps', Array.from({ length: 100 }, (_, at) => `${' '.repeat(at)}k:`).join('\n')],
    ['not UTF-8', Uint8Array.of(0xff, 0xfe)],
    ['many keys', Array.from({ length: 20_000 }, (_, at) => `k${at}: 1`).join('\n')],
    ['infinity', 'a: .inf'],
  ])('YAML: %s', async (_, content) => {
    expect(await outcomeOf(content)).toBe('INTEGRITY')
  })

  it.each([
    ['nothing', ''],
    ['a list', '["c4n4ry"]'],
    ['broken JSON', '{"token": c4n4ry}'],
    ['a number that Go cannot hold', '{"token": 1e999}'],
    ['deep nesting', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['a key twice', '{"token": "c4n4ry", "token": "c4n4ry"}'],
  ])('JSON: %s', async (_, content) => {
    expect(await outcomeOf(content, 'secrets.json')).toBe('INTEGRITY')
  })

  it('dotenv: a line without a variable', async () => {
    expect(await outcomeOf('c4n4ry', 'secrets.env')).toBe('INTEGRITY')
  })

  it('of more than 1 MiB: CONFIGURATION', async () => {
    expect(await outcomeOf(`a: ${'x'.repeat(1_048_576)}`)).toBe('CONFIGURATION')
  })

  it('of no age recipient, or of key groups: CONFIGURATION', async () => {
    const yaml = await made('secrets.yaml')
    expect(await outcomeOf(yaml.replace(/^ {4}age:$/m, '    pgp:'))).toBe('CONFIGURATION')
    expect(await outcomeOf(yaml.replace(/^ {4}age:$/m, '    key_groups:'))).toBe('CONFIGURATION')
  })
})
