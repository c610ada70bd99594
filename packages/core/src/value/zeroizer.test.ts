import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Zeroizer } from './zeroizer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function secret(): { wipe: ReturnType<typeof vi.fn<() => void>> } {
  return { wipe: vi.fn<() => void>() }
}

it('wipes in the next turn of the event loop, all that came in this one together', async () => {
  const zeroizer = new Zeroizer()
  const secrets = [secret(), secret()]
  for (const each of secrets) zeroizer.wipeSoon(each)
  await Promise.resolve()
  expect(vi.getTimerCount()).toBe(1)
  for (const { wipe } of secrets) expect(wipe).not.toHaveBeenCalled()
  vi.runAllTimers()
  for (const { wipe } of secrets) expect(wipe).toHaveBeenCalledTimes(1)
})

it('begins a turn of its own for what comes later', () => {
  const zeroizer = new Zeroizer()
  zeroizer.wipeSoon(secret())
  vi.runAllTimers()
  const later = secret()
  zeroizer.wipeSoon(later)
  vi.runAllTimers()
  expect(later.wipe).toHaveBeenCalledTimes(1)
})

it('wipes at once, by wipeAll, what waits and what is watched, and the latter not before', () => {
  const zeroizer = new Zeroizer()
  const [waiting, watched] = [secret(), secret()]
  zeroizer.watch(watched, new Uint8Array(1))
  zeroizer.wipeSoon(waiting)
  expect(watched.wipe).not.toHaveBeenCalled()
  zeroizer.wipeAll()
  expect(waiting.wipe).toHaveBeenCalledTimes(1)
  expect(watched.wipe).toHaveBeenCalledTimes(1)
})

it('sets no timer and watches nothing until it is needed', () => {
  expect(() => new Zeroizer().wipeAll()).not.toThrow()
  expect(vi.getTimerCount()).toBe(0)
})
