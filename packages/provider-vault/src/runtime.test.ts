import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import { startOpenBao } from '@finchat/secrets-test-servers'
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

/** What a process with these flags reads from the server, to which it logs in with what is in the file. */
async function read(file: string, ...flags: readonly string[]): Promise<string> {
  return readAt((await stubVault()).url, file, {}, ...flags)
}

async function readAt(url: string, file: string, more: Readonly<Record<string, string>>, ...flags: readonly string[]): Promise<string> {
  const args = ['--conditions=@finchat/source', '--no-warnings', ...flags, '--input-type=module', '--eval', reads, url, file]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env: { ...process.env, ...more } })
  return stdout
}

function secretIdFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-vault-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'secret-id')
  writeFileSync(file, canaries.secretId)
  return file
}

const code = `--allow-fs-read=${join(import.meta.dirname, '../../..')}`

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
  const args = ['--conditions=@finchat/source', '--no-warnings', '--input-type=module', '--eval', loads, (await stubVault()).url]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
  expect(stdout).toBe(`{"value":"${canaries.value}"} \n`)
})

it('a provider works with frozen intrinsics', async () => {
  expect(await read(secretIdFile(), '--frozen-intrinsics')).toContain(canaries.value)
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
      const { caFile = '', stop } = await startOpenBao({ tls: true }) // for its certificate
      onTestFinished(stop)
      const [cert, key] = ['vault-cert.pem', 'vault-key.pem'].map((name) => readFileSync(join(dirname(caFile), name)))
      const stub = await stubVault()
      const { port } = new URL(stub.url)
      const server = createServer({ cert, key, minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' }, (socket) => {
        socket
          .on('error', () => {})
          .pipe(connect(Number(port), '127.0.0.1'))
          .pipe(socket)
      }).listen(0, '127.0.0.1')
      onTestFinished(() => void server.close())
      await once(server, 'listening')
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}` // of a server that listens on TCP
      const env = { NODE_OPTIONS: `--tls-min-v${least} --tls-cipher-list=DEFAULT@SECLEVEL=0`, NODE_EXTRA_CA_CERTS: caFile }
      expect(await readAt(url, secretIdFile(), env)).toBe(expected)
      expect(timesAsked(stub, '/v1/auth/approle/login')).toBe(logins)
    },
  )
})

it("a provider needs only the right to read its credentials' files, and names it", async () => {
  const file = secretIdFile()
  expect(await read(file, '--permission', code, `--allow-fs-read=${file}`)).toContain(canaries.value)
  expect(await read(file, '--permission', code)).toBe('CONFIGURATION\n')
})
