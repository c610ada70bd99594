import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Config } from '../config/config.ts'
import { makeProject } from '../testing/make-project.ts'
import { newDeclaration, withDeclaration } from './add-declaration.ts'

describe('a declaration that is added', () => {
  it.each([
    [
      '{\n  "provider": "env",\n  "secrets": {\n    "A": {}\n  }\n}\n',
      '{\n  "provider": "env",\n  "secrets": {\n    "A": {},\n    "NEW": {}\n  }\n}\n',
    ],
    [
      '{\r\n\t"secrets": {\r\n\t\t"A": { "type": "url" }\r\n\t},\r\n\t"env": {}\r\n}',
      '{\r\n\t"secrets": {\r\n\t\t"A": { "type": "url" },\r\n\t\t"NEW": {}\r\n\t},\r\n\t"env": {}\r\n}',
    ],
    ['{ "secrets": { "A": {}, "B": {} } }', '{ "secrets": { "A": {}, "B": {}, "NEW": {} } }'],
    ['{"secrets":{"A":{}}}', '{"secrets":{"A":{},"NEW": {}}}'],
    ['{\n  "secrets": {}\n}\n', '{\n  "secrets": { "NEW": {} }\n}\n'],
    ['{\n  "secrets": {\n  }\n}\n', '{\n  "secrets": { "NEW": {} }\n}\n'],
    ['{\n  "provider": "env"\n}\n', '{\n  "provider": "env",\n  "secrets": { "NEW": {} }\n}\n'],
    ['{}', '{ "secrets": { "NEW": {} } }'],
    ['\ufeff{"local":{"secrets":{}},"secrets":{"A":{}}}', '\ufeff{"local":{"secrets":{}},"secrets":{"A":{},"NEW": {}}}'],
  ])('to %j leaves the rest as it is written', (text, expected) => {
    expect(withDeclaration(text, 'NEW')).toBe(expected)
  })

  it('adds one member, whatever the file has and however it is written', () => {
    const member = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 })
    const config = fc.record({ first: member, secrets: fc.dictionary(fc.string(), member, { maxKeys: 4 }), last: member })
    const indent = fc.constantFrom(undefined, 1, 2, 4, '\t')
    fc.assert(
      fc.property(config, indent, (content, space) => {
        const before = JSON.parse(JSON.stringify(content)) as { secrets: object }
        const after = JSON.parse(withDeclaration(JSON.stringify(content, undefined, space), 'the/new.one')) as unknown
        expect(after).toEqual({ ...before, secrets: { ...before.secrets, 'the/new.one': {} } })
      }),
    )
  })

  it('keeps the mode of the file, and a link to it', async () => {
    const folder = makeProject({ 'real.json': '{"secrets":{}}' })
    const [link, real] = [join(folder, 'finchat-secrets.config.json'), join(folder, 'real.json')]
    symlinkSync(real, link)
    chmodSync(real, 0o640)
    await newDeclaration('A', link).write()
    expect([lstatSync(link).isSymbolicLink(), statSync(real).mode & 0o777]).toEqual([true, 0o640])
    expect(readFileSync(real, 'utf8')).toBe('{"secrets":{ "A": {} }}')
  })

  it('keeps what others wrote meanwhile, also at the same time', async () => {
    const folder = makeProject({ 'finchat-secrets.config.json': '{"secrets":{}}' })
    const file = join(folder, 'finchat-secrets.config.json')
    const names = Array.from({ length: 8 }, (_, index) => `N${index}`)
    const added = names.map((name) => newDeclaration(name, file))
    writeFileSync(file, '{"provider":"env","secrets":{"N0":{"minLength":9}}}')
    const runs = added.map(async ({ write }) => write())
    await Promise.all(runs)
    const { provider, secrets } = JSON.parse(readFileSync(file, 'utf8')) as Config
    expect([provider, Object.keys(secrets ?? {}).toSorted(), secrets?.['N0']]).toEqual(['env', names, { minLength: 9 }])
  })

  it('is not made in a file that is no JSON any more, which is not quoted', async () => {
    const file = join(makeProject({ 'c.json': '{"secrets":{}}' }), 'c.json')
    const { write } = newDeclaration('A', file)
    writeFileSync(file, '{"canary-half')
    await expect(write()).rejects.toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.not.stringContaining('canary') }),
    )
    expect(readFileSync(file, 'utf8')).toBe('{"canary-half')
  })

  it.each([
    [undefined, 'there is no configuration file'],
    ['x.config.ts', 'x.config.ts is a program'],
  ])('to %s is refused, with what to do', (file, why) => {
    const act = (): unknown => newDeclaration('A', file)
    expect(act).toThrow(expect.objectContaining({ message: why, remedy: expect.any(String), exitCode: 64 }))
  })

  it('is not written to a file that changed into something else', () => {
    const folder = makeProject({})
    const file = join(folder, 'finchat-secrets.config.json')
    writeFileSync(file, '{"secrets":{},"unknown":1}')
    expect(() => newDeclaration('A', file)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    expect(readFileSync(file, 'utf8')).toBe('{"secrets":{},"unknown":1}')
  })
})
