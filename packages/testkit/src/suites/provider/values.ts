import assert from 'node:assert/strict'
import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { canary, copyOf, member, reads, refusesBefore, register, type Rules, type Suite, type Trial } from './trial.ts'

const texts: Readonly<Record<string, string>> = {
  'empty text': '',
  'one character': 'x',
  'leading zeros': '00123',
  'a number': '42',
  zero: '0',
  'a date': '2026-11-28T00:00:00.000Z',
  'an empty JSON object': '{}',
  'a JSON list': '["a"]',
  'a number beyond doubles': '12345678901234567890',
  'a decimal': '1.10',
  'an exponent': '1e3',
  'a JSON word': 'null',
  'a boolean': 'false',
  'a JSON object': '{ "user": "a", "pin": 0042 }',
  'valid JSON with its own spacing': '{"b":1,  "a":[1.0,null]}\n',
  'a quoted text': '"quoted"',
  'single quotes': "'single' it's",
  'a trailing newline': 'value\n',
  'line ends of every kind': '\r\n\n\r-----BEGIN KEY-----\r\nAAAA\r\n',
  'spaces around': '  padded\t ',
  'only spaces': '   ',
  'NUL inside': 'before\0after',
  'control characters': '\u0001\u001b[31m\u007f\u0085',
  'a byte order mark': '\ufeffvalue',
  'Unicode of every length': 'pässwörd пароль 密码 🔑',
  'composed and decomposed': '\u00e9 e\u0301',
  'line separators': '\u2028\u2029\u200b\u202e',
  'the replacement character': '\ufffd',
  HTML: '<b>&amp;"\'</b>',
  'percent signs': '%41%00%2e 100%',
  templates: '${HOME} $(id) {{x}} #{y}',
  backslashes: 'C:\\new\\table\\u0041',
  base64: 'AAECAwQ=',
  'a field reference': 'path#field',
  'the text of undefined': 'undefined',
}

const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index)

const binaries: Readonly<Record<string, Uint8Array>> = {
  'no bytes': new Uint8Array(),
  'a zero byte': Uint8Array.of(0),
  'every byte': allBytes,
  'bytes that are not UTF-8': Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80),
  'bytes that happen to be text': Uint8Array.from(Buffer.from('just text')),
  'a view into a larger buffer': allBytes.subarray(100, 110),
}

/** Values are exact to the byte up to the declared limits, and refused beyond them. */
export function testValues(suite: Suite): void {
  const { manifest, test, testTogether } = suite
  const { minBytes, maxBytes, binary } = manifest.values
  const values = { ...texts, ...(binary ? binaries : {}) }

  const fitting = Object.entries(values).filter(([, candidate]) => fits(manifest, candidate))
  testTogether(Object.fromEntries(fitting.map(([what, value]) => exactRule(suite, what, value))))

  for (const unit of ['x', 'é', '🔑']) {
    test(`values: the largest value, of characters like ${unit}, comes back exactly`, (trial) =>
      roundTrips(suite, trial, filling(unit, maxBytes)))
  }

  if (binary) register(suite, binaryRules(suite))
  if (minBytes > 0) test('values: the smallest value comes back exactly', (trial) => roundTrips(suite, trial, 'x'.repeat(minBytes)))
  if (suite.supports('put')) testRefusals(suite)
}

function exactRule(suite: Suite, what: string, value: string | Uint8Array): [rule: string, prove: (trial: Trial) => Promise<void>] {
  const kind = value instanceof Uint8Array ? '(binary) ' : ''
  return [`values: ${what} ${kind}comes back exactly`, (trial) => roundTrips(suite, trial, value)]
}

function testRefusals(suite: Suite): void {
  const { minBytes, maxBytes, binary } = suite.manifest.values
  suite.testTogether({
    ...refusedRule('a value one byte too long', canary.padEnd(maxBytes + 1, 'x')),
    ...refusedRule('a value too long in bytes but not in characters', `${canary}é`.padEnd(maxBytes, 'x')),
    ...refusedRule('text that is not well-formed', `${canary}\ud800`),
    ...(minBytes > 0 && refusedRule('a value one byte too short', 'x'.repeat(minBytes - 1))),
    ...(!binary && refusedRule('binary', allBytes)),
  })
  if (binary) register(suite, copyRules)
}

const refusedRule = (what: string, value: string | Uint8Array): Rules => ({
  [`values: ${what} is refused before any call`]: async (trial) => {
    const put = member(trial, 'put')
    await trial.seed(trial.path(1), trial.value(1))
    await refusesBefore(trial, () => put(trial.path(1), { value: copyOf(value) }, trial.context))
    await reads(trial, trial.path(1), trial.value(1))
  },
})

const binaryRules = (suite: Suite): Rules => ({
  'values: the largest value in bytes comes back exactly': (trial) =>
    roundTrips(suite, trial, new Uint8Array(suite.manifest.values.maxBytes).fill(0xa5)),

  'values: an answer holds a copy of the bytes': async (trial) => {
    await trial.seed(trial.path(1), copyOf(allBytes))
    const answer = await trial.get(trial.path(1))
    assert.ok(answer?.value instanceof Uint8Array)
    answer.value.fill(0)
    await reads(trial, trial.path(1), allBytes)
  },
})

const copyRules: Rules = {
  'values: a write copies the bytes': async (trial) => {
    const given = Uint8Array.from(allBytes)
    await member(trial, 'put')(trial.path(1), { value: given }, trial.context)
    given.fill(0)
    await reads(trial, trial.path(1), allBytes)
  },
}

/** Written by the store's own means, and by the provider if it can. */
async function roundTrips({ supports }: Suite, trial: Trial, value: string | Uint8Array): Promise<void> {
  await trial.seed(trial.path(1), copyOf(value))
  await reads(trial, trial.path(1), value)
  if (!supports('put')) return
  await member(trial, 'put')(trial.path(2), { value: copyOf(value) }, trial.context)
  await reads(trial, trial.path(2), value)
}

function fits({ values: { minBytes, maxBytes } }: ProviderManifest, value: string | Uint8Array): boolean {
  const bytes = Buffer.byteLength(value)
  return bytes >= minBytes && bytes <= maxBytes
}

/** Text of exactly so many bytes, of this character and `x` at the end. */
function filling(unit: string, bytes: number): string {
  const times = Math.floor(bytes / Buffer.byteLength(unit))
  return unit.repeat(times) + 'x'.repeat(bytes - times * Buffer.byteLength(unit))
}
