import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { Batch } from './batch.ts'
import { refusal } from '../testing/refusal.ts'
import { type Flight, Flights, type Found, isRefuted } from './single-flight.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void // what the flag gives every context that is made after it

const limits = { deadlineMs: 4_000, patientMs: 1_000 }
const absent = async (): Promise<undefined> => undefined

function begun(flights: Flights, key: string, answer: () => Promise<Found | undefined> = () => new Promise(() => {})): Flight {
  return flights.begin({ path: 'a', mode: 'cached' }, key, Date.now(), answer)
}

describe('the calls under way', () => {
  it('are known by their path until the last one has ended', async () => {
    const flights = new Flights(limits)
    const answer = Promise.withResolvers<undefined>()
    const [first] = [begun(flights, 'a', absent), begun(flights, 'a#1', () => answer.promise)]
    await first.answer
    expect(flights.isUnderWay('a')).toBe(true)
    answer.resolve(undefined)
    await flights.settled()
    expect(flights.isUnderWay('a')).toBe(false)
  })

  it('count as a read although a call that no read joins is under way too', () => {
    const flights = new Flights(limits)
    void flights.beside('a', () => new Promise(() => {}))
    expect(flights.isUnderWay('a')).toBe(false)
    begun(flights, 'a')
    expect(flights.isUnderWay('a')).toBe(true)
  })

  it('are superseded only by a later one', () => {
    const flights = new Flights(limits)
    const [earlier, current, later] = [begun(flights, 'a'), begun(flights, 'a'), begun(flights, 'a')]
    flights.supersede('a', current)
    expect([earlier, current, later].map((flight) => flight.isSuperseded)).toEqual([true, false, false])
  })

  it('that a whole answer superseded stay so after a description', () => {
    const flights = new Flights(limits)
    const [earlier, later] = [begun(flights, 'a'), begun(flights, 'a')]
    flights.supersede('a', later, 'answer')
    flights.supersede('a', later, 'description')
    expect(earlier.supersededBy).toBe('answer')
    expect((['DELETED', 'PERMISSION_DENIED'] as const).map((code) => isRefuted(earlier, code))).toEqual([true, true])
  })

  it('leave their batch when the last reader leaves', async () => {
    const flights = new Flights(limits)
    const batch = new Batch({ specificationVersion: 'v1', name: 'p', get: absent }, { signal: new AbortController().signal })
    const cancel = vi.spyOn(batch, 'cancel')
    const caller = new AbortController()
    const read = { path: 'a', mode: 'cached', signal: caller.signal, batch } as const
    const flight = flights.begin(read, 'a', Date.now(), () => new Promise(() => {}))
    const reading = refusal(flights.wait(flight, caller.signal))
    caller.abort()
    expect((await reading).code).toBe('ABORTED')
    expect([cancel.mock.calls, flight.cancel?.signal.aborted]).toEqual([[['a']], true])
  })

  it('leave nothing in memory when they end, for any number of paths', async () => {
    const flights = new Flights(limits)
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    for (let count = 0; count < 30_000; count += 1) {
      await flights.beside(`${count}`, absent)
      await flights.begin({ path: `${count}`, mode: 'cached' }, `${count}`, 0, absent).answer
    }
    collectGarbage()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(3_000_000)
    expect(flights.isUnderWay('0')).toBe(false)
  })
})
