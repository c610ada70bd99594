import { matchedTexts } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { note } from './terminal.ts'
import { visible } from './visible.ts'

describe('visible', () => {
  it('keeps text, and escapes what a terminal obeys or hides', () => {
    expect(visible('für 🔑 \u001b\u0085\u200b\u2028\r')).toBe('für 🔑 \\u{1b}\\u{85}\\u{200b}\\u{2028}\\u{d}')
    expect(visible('a\tb\n', '\n\t')).toBe('a\tb\n')
  })

  it('is what every note passes', () => {
    const write = vi.fn<(text: unknown) => void>()
    note({ stderr: { write } }, 'title \u001b]0;x\u0007\nnext line')
    expect(write).toHaveBeenCalledWith('title \\u{1b}]0;x\\u{7}\nnext line\n')
  })

  it('leaves the text in no property of RegExp', async () => {
    const texts = await matchedTexts(async () => void visible('canary-4711'))
    expect(texts.length).toBeGreaterThan(0)
    expect(texts.join(' ')).not.toContain('canary')
  })
})
