import { expect, test } from 'vitest'
import { tokenGenerator, uuidGenerator, type TokenOptions } from './token.ts'

test('a token has its bytes in its encoding, and is never the same', () => {
  for (let bytes = 16; bytes < 40; bytes += 1) {
    expect(Buffer.from(tokenGenerator({ bytes })(), 'base64url')).toHaveLength(bytes)
    expect(tokenGenerator({ bytes, encoding: 'hex' })()).toMatch(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))
  }
  expect(new Set(Array.from({ length: 100 }, tokenGenerator())).size).toBe(100)
  expect(tokenGenerator()()).toMatch(/^[\w-]{43}$/)
})

test.each<[string, TokenOptions]>([
  ['`bytes` is 15', { bytes: 15 }],
  ['`encoding` is not known', { encoding: 'base64' as 'hex' }],
  ['not known', { length: 40 } as TokenOptions],
])('%s: is refused', (problem, options) => {
  expect(() => tokenGenerator(options)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) }),
  )
})

test('a UUID is of version 4, and never the same', () => {
  const generate = uuidGenerator()
  expect(generate()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(generate()).not.toBe(generate())
})
