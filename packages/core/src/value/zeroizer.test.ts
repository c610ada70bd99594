import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Zeroizer } from './zeroizer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function secret(): { wipe: ReturnType<typeof vi.fn<() => void>> } {
  return { wipe: vi.fn<() => void>() }
}

it('wipes everything of one turn in the next turn of the event loop', async () => {
  const zeroizer = new Zeroizer()
  const secrets = [secret(), secret()]
  for (const each of secrets) zeroizer.wipeSoon(each)
  await Promise.resolve()
  expect(vi.getTimerCount()).toBe(1)
  for (const { wipe } of secrets) expect(wipe).not.toHaveBeenCalled()
  vi.runAllTimers()
  for (const { wipe } of secrets) expect(wipe).toHaveBeenCalledTimes(1)
})

it('wipes later values in a later turn', () => {
  const zeroizer = new Zeroizer()
  zeroizer.wipeSoon(secret())
  vi.runAllTimers()
  const later = secret()
  zeroizer.wipeSoon(later)
  vi.runAllTimers()
  expect(later.wipe).toHaveBeenCalledTimes(1)
})

it('wipeAll wipes waiting and watched values at once', () => {
  const zeroizer = new Zeroizer()
  const [waiting, watched] = [secret(), secret()]
  zeroizer.watch(watched, new Uint8Array(1))
  zeroizer.wipeSoon(waiting)
  expect(watched.wipe).not.toHaveBeenCalled()
  zeroizer.wipeAll()
  expect(waiting.wipe).toHaveBeenCalledTimes(1)
  expect(watched.wipe).toHaveBeenCalledTimes(1)
})

it('has no timer and no registry before the first use', () => {
  expect(() => new Zeroizer().wipeAll()).not.toThrow()
  expect(vi.getTimerCount()).toBe(0)
})
