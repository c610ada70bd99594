import { expect, test } from 'vitest'
import { vaultAnswer } from '../http/answer.ts'
import { leaseIn } from './lease.ts'

test('leased passwords of up to 64 bytes lie outside the V8 heap', () => {
  const body = { lease_id: 'l', lease_duration: 3600, renewable: true, data: { password: 'hunter2' } }
  const answer = vaultAnswer(200, JSON.stringify(body))
  // Node.js counts the memory of buffers here, unless V8 keeps it on its heap.
  const before = process.memoryUsage().arrayBuffers
  const leases = Array.from({ length: 100_000 }, () => leaseIn(answer, 'token', Date.now()))
  const grown = process.memoryUsage().arrayBuffers - before
  const bytes = leases.reduce((sum, { fields }) => sum + fields.length, 0)
  expect(bytes / leases.length).toBeLessThan(64)
  expect(grown).toBeGreaterThan(bytes * 0.9)
})
