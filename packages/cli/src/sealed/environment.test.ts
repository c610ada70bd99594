import { spawnSync } from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { inspect } from 'node:util'
import { config, populate } from 'dotenv'
import env from 'env-var'
import { cleanEnv, str, url } from 'envalid'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { addToEnvironment, overlaid } from './environment.ts'
import { packValues, unpackValues } from './packed-values.ts'

const canary = 'canary-4711'

const variables = (real: NodeJS.ProcessEnv = { LOG_LEVEL: 'debug' }): NodeJS.ProcessEnv =>
  overlaid(real, unpackValues(packValues({ TOKEN: canary, DB_URL: 'https://db.test/x' })))

describe('variables that are overlaid', () => {
  it('are read by their names, with the others', () => {
    const { TOKEN, LOG_LEVEL, NOPE } = variables()
    expect([TOKEN, LOG_LEVEL, NOPE]).toEqual([canary, 'debug', undefined])
  })

  it('are there for whoever asks by name', () => {
    const given = variables()
    expect('TOKEN' in given).toBe(true)
    expect(Object.hasOwn(given, 'TOKEN')).toBe(true)
    expect(Object.getOwnPropertyNames(given)).toEqual(['LOG_LEVEL', 'TOKEN', 'DB_URL'])
    expect(['NOPE' in given, Object.hasOwn(given, 'NOPE')]).toEqual([false, false])
  })

  it.each<[string, (given: NodeJS.ProcessEnv) => unknown]>([
    ['Object.keys', (given) => Object.keys(given)],
    ['Object.entries', (given) => Object.entries(given)],
    ['a spread', (given) => ({ ...given })],
    ['Object.assign', (given) => Object.assign({}, given)],
    ['JSON', (given) => JSON.stringify(given)],
    ['inspect', (given) => inspect(given, { showHidden: true, showProxy: true })],
    ['a child', (given) => spawnSync('env', { env: { PATH: '/usr/bin:/bin', ...given } }).stdout.toString()],
    ['a child with them as its environment', (given) => spawnSync('env', { env: given }).stdout?.toString()],
  ])('are not shown to %s', (_, shown) => {
    expect(JSON.stringify(shown(variables({ LOG_LEVEL: 'debug', PATH: '/usr/bin:/bin' })))).not.toMatch(/canary|TOKEN/)
  })

  it('can be replaced and removed, as others can: then they are ordinary', () => {
    const real = { LOG_LEVEL: 'debug' }
    const given = variables(real)
    given['TOKEN'] = 'mine'
    expect([given['TOKEN'], { ...given }]).toEqual(['mine', { LOG_LEVEL: 'debug', TOKEN: 'mine' }])
    delete given['DB_URL']
    expect(['DB_URL' in given, given['DB_URL']]).toEqual([false, undefined])
    Object.defineProperty(given, 'LOG_LEVEL', { value: 'info', writable: true, enumerable: true, configurable: true })
    expect(real).toEqual({ LOG_LEVEL: 'info', TOKEN: 'mine' })
  })

  it('stay where a variable cannot hold what replaces them', () => {
    const given = overlaid(process.env, unpackValues(packValues({ SEALED_IN_A_TEST: canary })))
    expect(() => Reflect.set(given, 'SEALED_IN_A_TEST', Symbol('no text'))).toThrow(TypeError)
    expect(() => Reflect.defineProperty(given, 'SEALED_IN_A_TEST', { get: () => 'x' })).toThrow(TypeError)
    expect(given['SEALED_IN_A_TEST']).toBe(canary)
  })

  it('look like variables to whoever asks for one, but for a list', () => {
    const like = { value: canary, enumerable: false, configurable: true, writable: true }
    expect(Object.getOwnPropertyDescriptor(variables(), 'TOKEN')).toEqual(like)
  })

  it('can be defined anew', () => {
    const given = variables()
    Object.defineProperty(given, 'TOKEN', { value: 'mine', writable: true, enumerable: true, configurable: true })
    expect([given['TOKEN'], { ...given }]).toEqual(['mine', { LOG_LEVEL: 'debug', TOKEN: 'mine' }])
  })

  it('are those of a process, by each way to it', async () => {
    const former = process.env
    addToEnvironment(process, packValues({ TOKEN: canary }))
    const { env: imported } = await import('node:process')
    const seen = [process.env['TOKEN'], imported['TOKEN'], process.env['PATH'] === former['PATH']]
    process.env = former
    syncBuiltinESMExports()
    expect(seen).toEqual([canary, canary, true])
    expect(process.env['TOKEN']).toBeUndefined()
  })

  it('stand over a decoy of their name, which a list of the variables does not show', () => {
    const given = variables({ TOKEN: 'decoy' })
    expect([given['TOKEN'], Object.keys(given)]).toEqual([canary, []])
  })
})

describe('libraries that read variables find them', () => {
  it('dotenv: a file does not replace them', () => {
    const folder = makeProject({ '.env': 'TOKEN=from-file\nPORT=8080\n' })
    const given = variables()
    config({ path: `${folder}/.env`, processEnv: given, quiet: true })
    expect([given['TOKEN'], given['PORT']]).toEqual([canary, '8080'])
    populate(given, { TOKEN: 'from-code' })
    expect(given['TOKEN']).toBe(canary)
  })

  it('envalid: validated by name', () => {
    const { TOKEN, DB_URL } = cleanEnv(variables(), { TOKEN: str(), DB_URL: url() })
    expect([TOKEN, DB_URL]).toEqual([canary, 'https://db.test/x'])
  })

  it('env-var: required by name', () => {
    const { get } = env.from(variables())
    expect(get('TOKEN').required().asString()).toBe(canary)
    expect(get('DB_URL').required().asUrlString()).toBe('https://db.test/x')
  })
})
