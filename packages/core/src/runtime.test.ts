import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { restrictedModes, runModule } from '@finchat/secrets-test-servers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

// Each starts processes, which take their time where others run too.
vi.setConfig({ testTimeout: 120_000 })

const cwd = import.meta.dirname

/** Prints what a manager does in a process of which nothing is polluted. */
const behaves = `
  process.argv[2] = 'never'
  await import(${JSON.stringify(pathToFileURL(join(cwd, 'testing/polluted-process.ts')))})`

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-core-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('the package', () => {
  it.each(restrictedModes(join(cwd, '../../..')))('does %s what it does otherwise', async (_, flags) => {
    const [usual, strict] = await Promise.all([[], flags].map((each) => runModule(behaves, { cwd, flags: each })))
    expect(JSON.parse(usual ?? '')).toContain('read: v-token')
    expect(strict).toBe(usual)
  })
})

describe('a directory of mounted secrets', () => {
  const reads = `
    import { createSecretsManager, envProvider } from '@finchat/secrets-core'
    const [directory] = process.argv.slice(1)
    const secrets = createSecretsManager({ providers: [envProvider({ directory })] })
    console.log(await secrets.getSecret('db').catch((error) => error.code))`

  it('needs the right to read it, and says so', async () => {
    const directory = temporaryFolder()
    writeFileSync(join(directory, 'db'), 'hunter2')
    const withRights = (...flags: string[]): Promise<string> =>
      runModule(reads, { cwd, flags: ['--permission', `--allow-fs-read=${cwd}/../`, ...flags], args: [directory] })
    expect([await withRights(`--allow-fs-read=${directory}`), await withRights()]).toEqual(['hunter2\n', 'PERMISSION_DENIED\n'])
  })
})

/** Run with another copy of the package: what is made by the one is used by the other. */
const mixes = `
  import * as ours from '@finchat/secrets-core'
  const theirs = { ...await import(process.argv[1] + '/index.ts'), ...await import(process.argv[1] + '/provider.ts') }
  const codeOf = (call) => call.then(() => 'none', (error) => [ours, theirs].map(({ SecretsError }) => SecretsError.isInstance(error) && error.code).join())
  const failing = (code) => ({ specificationVersion: 'v1', name: 'failing', get: async () => { throw new theirs.SecretsError(code, 'x', { remedy: 'r' }) } })
  const env = theirs.wrapProvider(theirs.envProvider({ env: { TOKEN: 'hunter2', JSON: '{"a":"b"}' }, names: { SHORT: 'JSON#a' } }), (call, next) => next(call.context))
  const manager = (...providers) => ours.createSecretsManager({ providers })
  const notFound = await manager(env).getSecret('missing').catch((error) => error)
  const value = await manager(env).getSecretValue('TOKEN')
  console.log(JSON.stringify({
    copies: ours.SecretsError !== theirs.SecretsError,
    read: await manager(env).getSecret('SHORT'),
    denied: await codeOf(manager(failing('PERMISSION_DENIED'), env).getSecret('TOKEN')),
    unavailable: await manager(failing('UNAVAILABLE'), env).getSecretValue('TOKEN').then(({ degraded }) => degraded),
    notFound: [notFound instanceof ours.SecretNotFoundError, notFound instanceof theirs.SecretNotFoundError],
    loaded: await theirs.loadSecrets(manager(env), { TOKEN: {} }),
    loadedOfTheirs: await ours.loadSecrets(theirs.createSecretsManager({ providers: [env] }), { TOKEN: {} }),
    missing: await codeOf(theirs.loadSecrets(manager(env), { missing: {}, TOKEN: {} })),
    verified: await theirs.createSecretsManager({ providers: [ours.envProvider({ env: { T: 'x' } })] }).verifySecret('T', 'x'),
    shown: [String(value), JSON.stringify(value)],
    value: await codeOf(theirs.createSecretsManager({ providers: [env] }).verifySecret('TOKEN', value)),
  }))`

describe('two copies of the package in one process', () => {
  it("recognise each other's errors, providers, values and managers", async () => {
    const copy = temporaryFolder()
    cpSync(cwd, copy, { recursive: true })
    expect(JSON.parse(await runModule(mixes, { cwd, args: [copy] }))).toEqual({
      copies: true,
      read: 'b',
      denied: 'PERMISSION_DENIED,PERMISSION_DENIED',
      unavailable: true,
      notFound: [true, true],
      loaded: { TOKEN: 'hunter2' },
      loadedOfTheirs: { TOKEN: 'hunter2' },
      missing: 'NOT_FOUND,NOT_FOUND',
      verified: true,
      shown: ['[redacted]', '"[redacted]"'],
      value: 'INVALID_ARGUMENT,INVALID_ARGUMENT',
    })
  })
})
