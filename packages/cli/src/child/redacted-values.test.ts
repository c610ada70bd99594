import { describe, expect, it } from 'vitest'
import { RedactedValues, type SecretText } from './redacted-values.ts'
import { Redactor } from './redactor.ts'

const secret = (name: string, text: string): SecretText => ({ name, bytes: Buffer.from(text) })

function shown(values: readonly SecretText[] | RedactedValues, text: string): string {
  const redactor = new Redactor(values instanceof RedactedValues ? values : new RedactedValues(values))
  return Buffer.concat([redactor.push(Buffer.from(text)), redactor.end()]).toString()
}

describe('a value is redacted', () => {
  it.each([
    ['of 6 bytes', 'abc-12', '[redacted A]'],
    ['not of 5 bytes', 'abc-1', 'abc-1'],
  ])('%s', (_, value, expected) => {
    expect(shown([secret('A', value)], `<${value}>`)).toBe(`<${expected}>`)
  })

  it.each([
    ['of 12 bytes', 'twelve-bytes', '[redacted A]'],
    ['not of 11', 'elevenbytes', 'elevenbytes'],
    ['that begins with four dashes', '----private-part', '[redacted A]'],
    ['not the border of a PEM file', '-----BEGIN KEY-----', '-----BEGIN KEY-----'],
  ])('by a line of several: %s', (_, line, expected) => {
    for (const end of ['\n', '\r\n'])
      for (const value of [`${line}${end}another line of it`, `another line of it${end}${line}`, `${line}${end}`])
        expect(shown([secret('A', value)], `<${line}>`)).toBe(`<${expected}>`)
  })

  it('but not by a line, if it has only one', () => {
    expect(shown([secret('A', 'twelve-bytes and more')], '<twelve-bytes>')).toBe('<twelve-bytes>')
  })

  it('by any part of 191 bytes of a long one, and by its first and its last 128', () => {
    const value = Array.from({ length: 300 }, (_, index) => `${index}.`).join('')
    const parts = Array.from({ length: Math.floor((value.length - 191) / 3) }, (_, index) => value.slice(3 * index, 3 * index + 191))
    for (const part of [value.slice(0, 128), value.slice(-128), ...parts])
      expect(shown([secret('A', value)], part)).toContain('[redacted A]')
    expect(shown([secret('A', value)], value.slice(1, 128))).not.toContain('[redacted A]')
  })

  it('of 128 and of 129 bytes as a whole', () => {
    for (const length of [128, 129]) {
      const value = Array.from({ length: 60 }, (_, index) => `${index}.`)
        .join('')
        .slice(0, length)
      expect(shown([secret('A', value)], `<${value}>`)).toBe('<[redacted A]>')
    }
  })

  it('under each name, also if it is learned later or again', () => {
    const values = new RedactedValues([secret('A', 'abcdefgh')])
    values.learn([secret('A', 'abcdefgh'), secret('B', 'abcdefgh'), secret('A', 'ijklmnop')])
    const redactor = new Redactor(values)
    const output = Buffer.concat([redactor.push(Buffer.from('<abcdefgh> <ijklmnop>')), redactor.end()]).toString()
    expect(output).toBe('<[redacted A, B]> <[redacted A]>')
  })
})
