import { expect, test, vi } from 'vitest'
import type { PostgresAnswer } from './pool.ts'
import { PostgresTexts } from './texts.ts'

test.each<[string, () => Promise<PostgresAnswer>]>([
  ['deadlocks with that of another process', () => Promise.reject(new Error('deadlock detected'))],
  ['takes long', () => new Promise(() => {})],
])('a removal of what has ended that %s neither fails nor delays the write before it', async (_, removal) => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const query = vi.fn(async (sql: string): Promise<PostgresAnswer> => (sql.startsWith('DELETE') ? removal() : { rows: [], rowCount: 1 }))
  const texts = new PostgresTexts({ query, connect: () => Promise.reject(new Error('unused')) }, 'held')
  await expect(texts.set('lease', 'mine', 500, { isNew: true })).resolves.toBe(true)
  expect(query).toHaveBeenCalledTimes(2)
})
