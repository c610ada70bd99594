import { afterEach, expect, it, vi } from 'vitest'
import { loadBuiltin, loadCrypto } from './builtins.ts'

afterEach(() => void vi.restoreAllMocks())

it('loads a module of Node.js', () => {
  expect(typeof loadBuiltin('node:crypto', 'my store').randomBytes).toBe('function')
  expect(typeof loadBuiltin('node:sqlite', 'my store').DatabaseSync).toBe('function')
})

it('suppresses the warning that SQLite is experimental, and no other', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
    process.emitWarning('another warning', 'DeprecationWarning')
    return {}
  })
  loadBuiltin('node:sqlite', 'my store')
  expect(warned.mock.calls).toEqual([['another warning', 'DeprecationWarning']])
  expect(process.emitWarning).toBe(warned)
})

it('suppresses no warning while it loads another module', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
    return {}
  })
  loadBuiltin('node:crypto', 'my store')
  expect(warned).toHaveBeenCalledTimes(1)
})

it.each(['node:crypto', 'node:sqlite'] as const)('is CONFIGURATION if Node.js was built without %s', (name) => {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  const problem = `my store needs Node.js 22.19 or later, with ${name}; this is ${process.version}`
  expect(() => loadBuiltin(name, 'my store')).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem }))
})

it('is CONFIGURATION on a Node.js that has no getBuiltinModule', () => {
  const own = process.getBuiltinModule
  Object.assign(process, { getBuiltinModule: undefined })
  try {
    expect(() => loadBuiltin('node:crypto', 'my store')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  } finally {
    Object.assign(process, { getBuiltinModule: own })
  }
})

it('looks node:crypto up once', () => {
  const lookUp = vi.spyOn(process, 'getBuiltinModule')
  expect(loadCrypto()).toBe(loadCrypto())
  expect(lookUp.mock.calls.length).toBeLessThan(2)
})
