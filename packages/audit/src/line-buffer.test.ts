import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineBuffer } from './line-buffer.ts'

const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ maxLength: 400 }), fc.constantFrom('', '\u2028', '😀'.repeat(50_000)))

it('holds lines as UTF-8, each with its line feed, whatever was in its memory before', () => {
  const buffer = new LineBuffer()
  fc.assert(
    fc.property(fc.array(anyText), (lines) => {
      buffer.clear()
      for (const line of lines) buffer.add(line)
      const text = lines.map((line) => `${line}\n`).join('')
      expect(buffer.since(0).toString()).toBe(text)
      expect(buffer.length).toBe(Buffer.byteLength(text))
    }),
  )
})

it('tells what was added since', () => {
  const buffer = new LineBuffer()
  buffer.add('one')
  const start = buffer.length
  buffer.add('two')
  expect(buffer.since(start).toString()).toBe('two\n')
})

it('gives back the memory of lines that were uncommonly long', () => {
  const buffer = new LineBuffer()
  buffer.add('x'.repeat(5 * 1024 * 1024))
  expect(buffer.since(0).buffer.byteLength).toBeGreaterThan(5 * 1024 * 1024)
  buffer.clear()
  expect(buffer.since(0).buffer.byteLength).toBeLessThan(1024 * 1024)
})
