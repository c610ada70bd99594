import { channel } from 'node:diagnostics_channel'
import { expect, it } from 'vitest'
import { doubtOf, withFallbacks } from './fallbacks.ts'

const sound = { provider: 'local', degraded: false, stale: false }

it('is no doubt about a value of its first provider, whatever else fell back', () => {
  expect(doubtOf('A', sound, new Map([['A', { provider: 'vault', code: 'UNAVAILABLE' }]]))).toBeUndefined()
})

it.each([
  [{ degraded: true }, "'vault' could not be asked (UNAVAILABLE); this value is from 'local'"],
  [{ stale: true }, "'vault' could not be asked (UNAVAILABLE); this value may be outdated"],
  [{ degraded: true, stale: true }, "'vault' could not be asked (UNAVAILABLE); this value may be outdated"],
])('names the provider that could not be asked: %j', (state, doubt) => {
  expect(doubtOf('A', { ...sound, ...state }, new Map([['A', { provider: 'vault', code: 'UNAVAILABLE' }]]))).toBe(doubt)
})

it.each([
  [{ degraded: true }, "an earlier provider could not be asked; this value is from 'local'"],
  [{ stale: true }, "'local' could not be asked; this value may be outdated"],
])('says less where it is not known which: %j', (state, doubt) => {
  expect(doubtOf('A', { ...sound, ...state }, new Map())).toBe(doubt)
})

it('collects the first fallback of each name, while the work goes on', async () => {
  const publish = (name: string, provider: string): void =>
    channel('finchat.secrets.fallback').publish({ name, provider, code: 'UNAVAILABLE', answer: 'next' })
  const fallbacks = await withFallbacks(async (seen) => {
    publish('A', 'vault')
    publish('A', 'aws')
    return seen
  })
  publish('B', 'vault')
  expect([...fallbacks]).toEqual([['A', { provider: 'vault', code: 'UNAVAILABLE' }]])
})
