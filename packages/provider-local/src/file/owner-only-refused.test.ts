import * as fs from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { restrictToOwner } from './owner-only.ts'
import { context, createStore, failure, opened, temporaryPath } from '../testing/temporary-store.ts'

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return { ...real, chmodSync: vi.fn(real.chmodSync) }
})

/** A file that is open to others, and whose mode only another user may change. */
function makeForeign(path: string): void {
  fs.chmodSync(path, 0o644)
  vi.mocked(fs.chmodSync).mockImplementation(() => {
    throw Object.assign(new Error(`EPERM: operation not permitted, chmod '${path}'`), { code: 'EPERM', path })
  })
  onTestFinished(() => void vi.mocked(fs.chmodSync).mockReset())
}

test('a store of another user that others can open is PERMISSION_DENIED, with the remedy', async () => {
  const path = temporaryPath()
  await createStore(path)
  makeForeign(path)
  const error = await failure(opened(path).get('name', context))
  const problem = expect.stringContaining(JSON.stringify(path))
  expect(error).toMatchObject({ code: 'PERMISSION_DENIED', problem, remedy: 'chmod 600 the file' })
  expect(error.cause).toBeUndefined()
  expect((fs.statSync(path).mode & 0o777).toString(8)).toBe('644')
})

test.each(['-wal', '-shm'])('a file %s beside it is named', (suffix) => {
  const path = temporaryPath()
  fs.writeFileSync(path + suffix, '')
  makeForeign(path + suffix)
  const refusal = expect.objectContaining({ code: 'PERMISSION_DENIED', problem: expect.stringContaining(JSON.stringify(path + suffix)) })
  expect(() => restrictToOwner(path)).toThrow(refusal)
})
