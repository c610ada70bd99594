import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { generateKey } from '../index.ts'
import { localProvider } from '../local-provider.ts'
import { context, failure, key } from '../testing/temporary-store.ts'
import { loadSqlite } from './builtins.ts'

test('loading SQLite causes no warning and suppresses no other', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const load = vi.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
    process.emitWarning('another warning', 'DeprecationWarning')
    return {}
  })
  loadSqlite()
  expect(warned.mock.calls).toEqual([['another warning', 'DeprecationWarning']])
  expect(process.emitWarning).toBe(warned)
  load.mockRestore()
  warned.mockRestore()
})

const tooOld = {
  code: 'CONFIGURATION',
  problem: `the local store needs Node.js 22.19 or later, with node:sqlite; this is ${process.version}`,
}

test('a Node.js without SQLite is CONFIGURATION', () => {
  const load = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  expect(() => loadSqlite()).toThrow(expect.objectContaining(tooOld))
  load.mockRestore()
})

test('a Node.js without getBuiltinModule is CONFIGURATION for every call and for generateKey', async () => {
  const own = process.getBuiltinModule
  Object.assign(process, { getBuiltinModule: undefined })
  try {
    const error = await failure(localProvider({ path: ':memory:', key }).get('name', context))
    expect(error).toMatchObject({ code: 'CONFIGURATION', problem: expect.stringMatching(/needs Node.js 22.19/) })
    const problem = `@finchat/secrets needs Node.js 22.19 or later, with node:crypto; this is ${process.version}`
    expect(() => generateKey()).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem }))
  } finally {
    Object.assign(process, { getBuiltinModule: own })
  }
})

test('importing the package, and making a provider, loads neither SQLite nor crypto', () => {
  const script = `
    const { localProvider } = await import(${JSON.stringify(join(import.meta.dirname, '../index.ts'))})
    localProvider({ path: 'never-used.db', key: '${Buffer.from(key).toString('hex')}' })
    console.log(process.moduleLoadList.filter((name) => /NativeModule (sqlite|crypto)$/.test(name)).join())`
  const printed = execFileSync(process.execPath, [
    '--conditions=@finchat/source',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    script,
  ])
  expect(printed.toString().trim()).toBe('')
})
