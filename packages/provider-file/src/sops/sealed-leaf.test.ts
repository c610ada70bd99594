import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { failure } from '../testing/temporary-files.ts'
import { openSealed, plainLeaf } from './sealed-leaf.ts'

const key = createSecretKey(randomBytes(32))

/** As sops seals a value, with this many bytes of IV, and changed by `change`. */
function sealed(text: string, ivBytes = 32, change = (value: string): string => value): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from('token:'))
  const data = Buffer.concat([cipher.update(text), cipher.final()])
  const [first, second, third] = [data, iv, cipher.getAuthTag()].map((bytes) => bytes.toString('base64'))
  return change(`ENC[AES256_GCM,data:${first},iv:${second},tag:${third},type:str]`)
}

const open = (text: string): string => openSealed(text, key, 'token:').bytes.toString()

it('a sealed value has data, an IV of 32 bytes, a tag and a type, and nothing behind them', async () => {
  expect(open(sealed('hunter2'))).toBe('hunter2')
  const changes: Record<string, string> = {
    'an IV of 12 bytes': sealed('hunter2', 12),
    'a part more': sealed('hunter2', 32, (text) => text.replace(/]$/, ',more:1]')),
    'no type': sealed('hunter2', 32, (text) => text.replace(/,type:str/, '')),
    'no data': sealed('hunter2', 32, (text) => text.replace(/data:[^,]*/, '')),
    'a character behind it': sealed('hunter2', 32, (text) => `${text}x`),
    'a part of another name': sealed('hunter2', 32, (text) => text.replace('tag:', 'tog:')),
    'a tag of four bytes': sealed('hunter2', 32, (text) => text.replace(/tag:[^,]*/, 'tag:AAAAAA==')),
    'a space in its data': sealed('hunter2', 32, (text) => text.replace('data:', 'data: ')),
    'data without the end of base64': sealed('hunter2', 32, (text) => text.replace(/==,iv/, ',iv')),
    'another key above it': sealed('hunter2'),
  }
  for (const [what, text] of Object.entries(changes)) {
    const additionalData = what === 'another key above it' ? 'other:' : 'token:'
    expect((await failure(() => openSealed(text, key, additionalData))).code, what).toBe('INTEGRITY')
  }
})

it.each([
  ['str', '12', '12', true],
  ['time', '2026-11-28T08:00:00Z', '2026-11-28T08:00:00Z', true],
  ['bytes', Uint8Array.of(0xff), Uint8Array.of(0xff), true],
  ['bool', 'True', 'true', false],
  ['bool', 'False', 'false', false],
  ['int', '-12', '-12', false],
  ['float', '1.5', '1.5', false],
] as const)('a value of the type %s that is %s is read as %s', (type, plain, value, isText) => {
  expect(plainLeaf(Buffer.from(plain), type)).toEqual({ kind: 'leaf', value, isText, isCovered: true })
})

it.each([
  ['bool', 'true'],
  ['int', '"12"'],
  ['int', 'twelve'],
  ['float', 'true'],
  ['float', Uint8Array.of(0xff)],
  ['bool', Uint8Array.of(0xff)],
  ['comment', 'text'],
  ['comment', '12'],
])('a value of the type %s that is %s is refused', async (type, plain) => {
  expect((await failure(() => plainLeaf(Buffer.from(plain), type))).code).toBe('INTEGRITY')
})
