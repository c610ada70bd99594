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

it('is empty at first', () => {
  expect(new LineBuffer().length).toBe(0)
})

it('has room for text of which every character takes three bytes, to the last of them', () => {
  const buffer = new LineBuffer()
  const room = buffer.since(0).buffer.byteLength
  const line = '\u2028'.repeat((room - 1) / 3)
  buffer.add('x')
  buffer.add(line) // two bytes more than there is room for
  expect(buffer.since(0).toString()).toBe(`x\n${line}\n`)
})

it('needs no other memory for batches of a usual size', () => {
  const buffer = new LineBuffer()
  const memory = buffer.since(0).buffer
  for (let times = 0; times < 3; times++) {
    for (let count = 0; count < 500; count++) buffer.add('x'.repeat(100))
    expect(buffer.since(0).buffer).toBe(memory)
    buffer.clear()
  }
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
