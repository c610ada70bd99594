import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SecretsError } from '../errors/secrets-error.ts'
import { knownLoadFailure, loadOnUse } from './load-on-use.ts'

const execute = promisify(execFile)
const name = '@acme/client'
const client = { what: 'the client', name }
const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })
const rejecting = async (error: unknown): Promise<never> => {
  throw error
}
const failing = (error: unknown): Promise<SecretsError> => failureOf(() => rejecting(error))
const problemOf = async (error: unknown): Promise<string> => (await failing(error)).problem.replace('the client cannot be loaded: ', '')

function failureOf(load: () => Promise<unknown>): Promise<SecretsError> {
  const loading = loadOnUse(client, load as () => Promise<{ connect: unknown }>, 'connect')
  return loading.then(
    () => expect.unreachable(),
    (error: SecretsError) => error, // it rejects with no other
  )
}

const notInstalled = 'it is not installed'
const partMissing = 'a module that it needs is missing'

describe('a package that is loaded on use', () => {
  it.each([
    ['Node.js, import', coded('ERR_MODULE_NOT_FOUND', `Cannot find package '${name}' imported from /app/main.js`), notInstalled],
    ['Node.js, require', coded('MODULE_NOT_FOUND', `Cannot find module '${name}'\nRequire stack:\n- /app/main.js`), notInstalled],
    ['Deno', coded('ERR_MODULE_NOT_FOUND', `Import "${name}" not a dependency`), notInstalled],
    [
      'a dependency',
      coded('ERR_MODULE_NOT_FOUND', `Cannot find package 'tslib' imported from /app/node_modules/${name}/x.js`),
      partMissing,
    ],
    ['a chunk', coded('ERR_MODULE_NOT_FOUND', "Cannot find module '/app/chunk.js' imported from /app/main.js"), partMissing],
    ['a message without quotes', coded('MODULE_NOT_FOUND', 'an application tried to access it'), partMissing],
  ])('is told from one with a missing module: %s', async (_, error, problem) => {
    expect(await problemOf(error)).toBe(problem)
  })

  it.each([
    ['esbuild', 'Dynamic require of "node:https" is not supported', 'node:https'],
    ['esbuild, without node:', 'Dynamic require of "tty" is not supported', 'tty'],
    ['Rolldown', 'Calling `require` for "fs/promises" in an environment that doesn\'t expose the `require` function. See x', 'fs/promises'],
    ['Rollup', 'Could not dynamically require "https". Please configure the dynamicRequireTargets', 'https'],
    ['CommonJS inside an ES module', 'require is not defined in ES module scope, you can use import instead', 'modules'],
    ['the same of a folder', '__dirname is not defined', 'modules'],
    ['a module that is no part of Node.js', 'Dynamic require of "hunter2" is not supported', 'modules'],
    ['a path', 'Dynamic require of "/home/hunter2/x.js" is not supported', 'modules'],
  ])('is told from one whose bundle has no `require`: %s', async (_, message, shown) => {
    const failure = await failing(new Error(message))
    expect(failure.problem).toBe(`the client cannot be loaded: the bundle's \`require\` cannot load ${shown}`)
    expect(failure.remedy).toMatch(/mainFields: \['module', 'main'\].*mark @acme\/client external/)
    expect(knownLoadFailure(client, new Error(message))).toEqual(failure)
  })

  it.each([undefined, {}, { connect: undefined }])('is told from one that its bundle has not run: %o', async (module) => {
    const { problem, remedy } = await failureOf(() => Promise.resolve(module))
    expect(problem).toBe('the client cannot be loaded: in this bundle it has not run yet')
    expect(remedy).toMatch(/several files/)
  })

  it('is given back as it was imported', async () => {
    const module = { connect: () => 7 }
    expect(await loadOnUse(client, () => Promise.resolve(module), 'connect')).toBe(module)
  })

  it('is told from one that cannot be read, or fails by itself', async () => {
    expect(await problemOf(coded('ERR_ACCESS_DENIED', 'x'))).toBe('this process may not read it')
    expect(await problemOf(coded('ERR_DLOPEN_FAILED', 'libhunter2.so'))).toBe('it is there, but failed with ERR_DLOPEN_FAILED')
    expect(await problemOf(new SyntaxError('hunter2'))).toBe('it is there, but failed')
  })

  it('shows nothing else of an error, and reads no member that throws', async () => {
    const hostile = { get message(): string { throw new Error('hunter2') } } // prettier-ignore
    const errors = [new Error('hunter2'), coded('hunter2', 'hunter2'), coded('MODULE_NOT_FOUND', "'hunter2'"), hostile, null, 'hunter2']
    for (const error of errors) {
      const { code, message, cause } = await failing(error)
      expect([code, message.includes('hunter2'), cause]).toEqual(['CONFIGURATION', false, undefined])
    }
  })

  it.each([undefined, null, new Error('403'), coded('ECONNRESET', 'x'), new Error('x: Dynamic require of "tls" is not supported')])(
    'is not what a call failed with: %o',
    (error) => expect(knownLoadFailure(client, error)).toBeUndefined(),
  )

  it.each([
    ['absent.mjs', `import '${name}'`, notInstalled],
    ['required.cjs', `require('${name}')`, notInstalled],
    ['chunk.mjs', "import './no-chunk.mjs'", partMissing],
    ['mixed.mjs', "require('node:https')", "the bundle's `require` cannot load modules"],
  ])('knows the words of this Node.js itself: %s', async (file, code, problem) => {
    const folder = await mkdtemp(join(tmpdir(), 'load-on-use-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, file), code)
    const print = `import(${JSON.stringify(pathToFileURL(join(folder, file)))}).catch(({ code, message }) => console.log(JSON.stringify({ code, message })))`
    const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', print])
    const { code: printed, message } = JSON.parse(stdout) as { code: string; message: string } // as written above
    expect(await problemOf(coded(printed, message))).toBe(problem)
  })
})
