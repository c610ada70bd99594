import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellWord } from './shell-word.ts'

describe('a word of a command', () => {
  it('stays as it is, if a shell reads it so', () => {
    for (const word of ['migrate', '--from', 'dotenv:.env', '/srv/app-1/x@y.json']) expect(shellWord(word)).toBe(word)
  })

  it('is read by a shell as it was, whatever it holds', () => {
    const words = [
      '',
      "it's",
      '$(touch x)',
      '`id`',
      'a b',
      'FINCHAT_*',
      '~',
      'a;b',
      ...fc.sample(fc.string({ unit: fc.nat(126).map((code) => String.fromCodePoint(code + 1)) }), 50),
    ]
    const shown = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words.map(shellWord).join(' ')}`]).toString()
    expect(shown.split('\0').slice(0, -1)).toEqual(words)
  })
})
