import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

// Each starts processes, which take their time where others run too.
vi.setConfig({ testTimeout: 120_000 })

const source = import.meta.dirname
const script = join(source, 'testing/polluted-process.ts')

async function printed(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@finchat/source', '--no-warnings', ...args], {
    cwd: source,
  })
  return stdout
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-core-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('the package', () => {
  it.each([
    ['with frozen intrinsics', ['--frozen-intrinsics']],
    ['without the right to anything but to read its own files', ['--permission', `--allow-fs-read=${source}`]],
    ['without code that is made from text', ['--disallow-code-generation-from-strings']],
    ['without __proto__', ['--disable-proto=throw']],
  ])('does %s what it does otherwise', async (_, flags) => {
    const [usual, strict] = await Promise.all([printed(script, 'never'), printed(...flags, script, 'never')])
    expect(JSON.parse(usual)).toContain('read: v-token')
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
      printed('--permission', `--allow-fs-read=${source}/../`, ...flags, '--input-type=module', '--eval', reads, directory)
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
    cpSync(source, copy, { recursive: true })
    expect(JSON.parse(await printed('--input-type=module', '--eval', mixes, copy))).toEqual({
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
