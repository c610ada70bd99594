import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { loadSqlite } from './builtins.ts'

test('loading SQLite says nothing of its own, and holds back no other warning', () => {
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

test('a Node.js without SQLite is CONFIGURATION', () => {
  const load = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  expect(() => loadSqlite()).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem: 'this Node.js has no node:sqlite' }))
  load.mockRestore()
})

test('importing the package, and making a provider, loads neither SQLite nor crypto', () => {
  const script = `
    const { localProvider } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
    localProvider({ path: 'never-used.db', key: 'ab'.repeat(32) })
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
