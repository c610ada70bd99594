import { expect, it } from 'vitest'
import { formsOf } from './forms.ts'

const hasQuoteOfJson = (value: string, mostBytes: number): boolean =>
  formsOf(Buffer.from(value), mostBytes).some(({ bytes }) => bytes.includes(String.raw`can\"ary`))

it.each(['é', '€', '𝄞', '\u07ff', '\uffff', '\u{10ffff}'])('has the forms of a text whose sought part ends within %s', (character) => {
  const value = `can"ary-4711-${character.repeat(3)}`
  const whole = Buffer.byteLength(value)
  for (let mostBytes = 13; mostBytes <= whole + 1; mostBytes++) expect(hasQuoteOfJson(value, mostBytes), `${mostBytes} bytes`).toBe(true)
})

it('has no such form of bytes that are no text', () => {
  const bytes = Buffer.concat([Buffer.from('can"ary-4711'), Buffer.from([0x80, 0x81, 0x82, 0x83, 0x84])])
  expect(formsOf(bytes).some((form) => form.bytes.includes(String.raw`can\"ary`))).toBe(false)
})

it('has each form once, and none that is shorter than eight bytes and the value', () => {
  for (const value of ['abcdefgh', 'short', 'a"b', 'ä"'])
    for (const forms of [formsOf(Buffer.from(value))]) {
      const texts = forms.map(({ bytes }) => bytes.toString('latin1'))
      expect(new Set(texts).size).toBe(texts.length)
      expect(Math.min(...texts.map(({ length }) => length))).toBe(Math.min(8, Buffer.byteLength(value)))
    }
})

it('looks for 4,096 bytes of a longer value, if no other number is given', () => {
  const [plain] = formsOf(Buffer.alloc(5_000, 'a'))
  expect(plain?.bytes).toHaveLength(4_096)
  expect(formsOf(Buffer.alloc(5_000, 'a'), Infinity)[0]?.bytes).toHaveLength(5_000)
})

it.each([100, 101, 102])('has the lines of base64 of %i bytes, whatever follows them', (length) => {
  const value = Buffer.from(Array.from({ length }, (_, index) => (index * 37) % 251))
  const broken = formsOf(value).filter(({ form, bytes }) => form === 'base64' && bytes.includes('\n') && !bytes.includes('\r'))
  for (const end of ['', '\n', 'more'])
    for (const columns of [64, 76]) {
      const text = Buffer.concat([value, Buffer.from(end)]).toString('base64')
      const lines = text.replaceAll(new RegExp(`.{${columns}}(?=.)`, 'g'), '$&\n')
      expect(broken.filter(({ bytes }) => lines.startsWith(bytes.toString()))).toHaveLength(1)
    }
})
