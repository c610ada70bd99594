import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { PassThrough } from 'node:stream'
import { format, inspect, type InspectOptions } from 'node:util'
import { serialize } from 'node:v8'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SecretBytes } from './secret-bytes.ts'
import type { SecretValue } from './secret-value.ts'
import { Zeroizer } from './zeroizer.ts'

const canary = 'canary-41f9'
const json = `{"user":"me","password":"${canary}"}`
const metadata = { provider: 'aws', askedAt: 1_000, version: 3, revision: 'r-3', currentSince: 500, expiresAt: 9_000 }

function valueOf(value: string | Uint8Array, shape?: 'map'): SecretValue {
  return new SecretBytes({ value, shape }, metadata, new Zeroizer()).value(false, true)
}

afterEach(() => vi.useRealTimers())

describe('SecretValue', () => {
  it('returns the exact text and bytes, and parses JSON', () => {
    expect(valueOf('00123').reveal()).toBe('00123')
    expect(valueOf('é').bytes()).toEqual(Uint8Array.of(0xc3, 0xa9))
    expect(valueOf(json).json()).toEqual({ user: 'me', password: canary })
  })

  it('parses a JSON object written as one text to a store of maps', () => {
    expect(valueOf(JSON.stringify({ value: json }), 'map').json()).toEqual({ user: 'me', password: canary })
    expect(valueOf('{"value":"5"}', 'map').json()).toEqual({ value: '5' })
  })

  it('reveals the only field of a map, and refuses several', () => {
    expect(valueOf('{"token":"x"}', 'map').reveal()).toBe('x')
    expect(Buffer.from(valueOf('{"token":"x"}', 'map').bytes()).toString()).toBe('x')
    expect(() => valueOf(json, 'map').reveal()).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('ask for one') }),
    )
    expect(valueOf(json, 'map').json()).toEqual({ user: 'me', password: canary })
  })

  it.each([
    ['bytes as text', () => valueOf(Buffer.from(canary)).reveal()],
    ['text as JSON', () => valueOf(canary).json()],
    ['one of several fields', () => valueOf(json, 'map').bytes()],
  ])('does not quote the secret when it refuses %s', (_, refuse) => {
    expect(refuse).toThrow(expect.not.objectContaining({ message: expect.stringContaining(canary) }))
    expect(refuse).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(refuse).toThrow(expect.not.objectContaining({ cause: expect.anything() }))
  })

  it('has its provider and its age', () => {
    vi.useFakeTimers({ now: 4_000 })
    const value = valueOf('v')
    expect(value).toMatchObject({
      provider: 'aws',
      version: 3,
      revision: 'r-3',
      currentSince: 500,
      expiresAt: 9_000,
      age: 3_000,
      stale: false,
      degraded: true,
    })
    vi.setSystemTime(0)
    expect(value.age).toBe(0)
  })

  it('cannot be changed', () => {
    const value: object = valueOf('v')
    expect(Object.isFrozen(value)).toBe(true)
    expect(() => Object.assign(value, { reveal: () => 'another' })).toThrow(TypeError)
  })
})

describe('a SecretValue does not print', () => {
  const value = valueOf(json)
  const modes: readonly InspectOptions[] = [
    {},
    { showHidden: true, depth: Infinity, getters: true },
    { customInspect: false },
    { customInspect: false, showHidden: true, depth: Infinity, getters: true },
    { showProxy: true, customInspect: false, showHidden: true },
    { colors: true, compact: false, sorted: true },
  ]

  it.each(modes)('to inspect with %o', (mode) => {
    const shown = [value, { value }, [value], new Map([[value, value]]), new Proxy(value, {}), Object.create(value) as object]
      .map((each) => inspect(each, mode))
      .join('')
    expect(shown).not.toMatch(new RegExp(`${canary}|password|user`))
  })

  it.each([
    ['toString', String(value), '[redacted]'],
    // oxlint-disable-next-line typescript/restrict-template-expressions -- what a hurried hand writes
    ['a template', `${value}`, '[redacted]'],
    ['concatenation', '' + value, '[redacted]'],
    ['JSON.stringify', JSON.stringify({ value }), '{"value":"[redacted]"}'],
    ['inspect', inspect({ value }), '{ value: SecretValue [redacted] }'],
    [
      'format',
      format('%s %j %o %O %d', value, value, value, value, value),
      '[redacted] "[redacted]" SecretValue [redacted] SecretValue [redacted] NaN',
    ],
    ['spread', JSON.stringify({ ...value }), '{}'],
    ['Object.assign', JSON.stringify(Object.assign({}, value)), '{}'],
    ['structuredClone', JSON.stringify(structuredClone(value)), '{}'],
    ['own keys', JSON.stringify([Reflect.ownKeys(value), Object.entries(value)]), '[[],[]]'],
  ])('by %s', (_, shown, expected) => {
    expect(shown).toBe(expected)
  })

  it('to console methods', () => {
    const stdout = new PassThrough()
    const log = new Console({ stdout, stderr: stdout })
    log.log(value, { value }, '%s', value)
    log.error(new Error('x', { cause: value }))
    log.table([{ value }])
    log.dir({ value }, { showHidden: true, depth: 9 })
    expect(String(stdout.read())).toContain('[redacted]')
    log.dir(value, { customInspect: false, showHidden: true })
    expect(String(stdout.read())).not.toContain(canary)
  })

  it('in the diff of a failed assertion', () => {
    const assertions = [
      () => assert.deepEqual({ value }, { value: 'x' }),
      () => assert.equal(value, 'x'),
      () => assert.ok(!value),
      () => expect(value).toEqual({ x: 1 }),
      () => expect({ value }).toBeNull(),
    ]
    for (const fail of assertions) {
      let failure: unknown
      try {
        fail()
      } catch (error) {
        failure = error
      }
      expect(failure).toBeInstanceOf(Error)
      expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(canary)
    }
  })

  it('into another thread, or a serialised form', () => {
    const { port1, port2 } = new MessageChannel()
    port1.postMessage({ value })
    expect(receiveMessageOnPort(port2)).toEqual({ message: { value: {} } })
    port1.close()
    expect(serialize({ value }).includes(canary)).toBe(false)
  })

  it('through a member that is called on another object', () => {
    const { reveal } = value
    expect(() => reveal.call(new Proxy(value, {}))).toThrow(TypeError)
    expect(() => reveal.call({} as SecretValue)).toThrow(TypeError)
  })
})
