import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { restrictedModes, runModule, startTlsProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, it, onTestFinished, vi } from 'vitest'
import { canaries, stubVault, timesAsked } from './testing/stub-vault.ts'

// Each starts processes, which take their time where others run too.
vi.setConfig({ testTimeout: 120_000 })

const reads = `
  import { appRole, vaultProvider } from '@finchat/secrets-provider-vault'
  const [url, file] = process.argv.slice(1)
  const vault = vaultProvider({ url, auth: appRole({ roleId: 'the-role', secretId: { file } }) })
  const answer = await vault.get('app', { signal: new AbortController().signal }).then(({ value }) => value, ({ code }) => code)
  console.log(answer)
  await vault.close()`

const cwd = import.meta.dirname

/** What a process with these flags reads from the server, to which it logs in with what is in the file. */
async function read(file: string, ...flags: readonly string[]): Promise<string> {
  return runModule(reads, { cwd, flags, args: [(await stubVault()).url, file] })
}

function secretIdFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-vault-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'secret-id')
  writeFileSync(file, canaries.secretId)
  return file
}

const modes = restrictedModes(join(cwd, '../../..'))
const [, permission = []] = modes.find(([, flags]) => flags.includes('--permission')) ?? []

/** Lets a process load Node.js and our packages, and nothing else. */
const withoutPackages = `
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(specifier, context, next) {
      if (!/^(node:|file:|\\.|\\/|@finchat\\/)/.test(specifier)) throw new Error('loads ' + specifier)
      return next(specifier, context)
    },
  })`

it('a provider by `url` loads no package of others', async () => {
  const hooks = `data:text/javascript,${encodeURIComponent(withoutPackages)}`
  expect(await read(secretIdFile(), '--import', hooks)).toContain(canaries.value)
})

it('a given token over plain http loads no cryptography, which takes time at each start', async () => {
  const loads = `
    import { tokenAuth, vaultProvider } from '@finchat/secrets-provider-vault'
    const vault = vaultProvider({ url: process.argv[1], auth: tokenAuth('t') })
    const { value } = await vault.get('app', { signal: new AbortController().signal })
    console.log(value, process.moduleLoadList.filter((each) => /^NativeModule (crypto|tls)$/.test(each)).join())`
  const printed = await runModule(loads, { cwd, args: [(await stubVault()).url] })
  expect(printed).toBe(`{"value":"${canaries.value}"} \n`)
})

it.each(modes.filter(([, flags]) => flags !== permission))('a provider works %s', async (_, flags) => {
  expect(await read(secretIdFile(), ...flags)).toContain(canaries.value)
})

describeWithServer('openbao', 'a server of an old version of TLS', () => {
  it.each([
    ['TLSv1', '1.0', 'CONFIGURATION\n', 0],
    ['TLSv1.1', '1.0', 'CONFIGURATION\n', 0],
    ['TLSv1.2', '1.0', `{"value":"${canaries.value}"}\n`, 1],
    ['TLSv1.2', '1.3', 'CONFIGURATION\n', 0],
  ] as const)(
    'of %s at most gets no request below 1.2, nor below %s, which NODE_OPTIONS says',
    async (maxVersion, least, expected, logins) => {
      const stub = await stubVault()
      const proxy = await startTlsProxy(stub.url, maxVersion)
      onTestFinished(proxy.stop)
      const run = { cwd, args: [proxy.url, secretIdFile()], env: proxy.clientEnvironment(least) }
      expect(await runModule(reads, run)).toBe(expected)
      expect(timesAsked(stub, '/v1/auth/approle/login')).toBe(logins)
    },
  )
})

it("a provider needs only the right to read its credentials' files, and names it", async () => {
  const file = secretIdFile()
  expect(await read(file, ...permission, `--allow-fs-read=${file}`)).toContain(canaries.value)
  expect(await read(file, ...permission)).toBe('CONFIGURATION\n')
})
