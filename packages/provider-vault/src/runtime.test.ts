import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished, vi } from 'vitest'
import { canaries, stubVault } from './testing/stub-vault.ts'

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
  const { url } = await stubVault()
  const args = ['--conditions=@finchat/source', '--no-warnings', ...flags, '--input-type=module', '--eval', reads, url, file]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
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

it('a provider works with frozen intrinsics', async () => {
  expect(await read(secretIdFile(), '--frozen-intrinsics')).toContain(canaries.value)
})

it('a provider needs no right but to read the files of its credentials, and says so', async () => {
  const file = secretIdFile()
  expect(await read(file, '--permission', code, `--allow-fs-read=${file}`)).toContain(canaries.value)
  expect(await read(file, '--permission', code)).toBe('CONFIGURATION\n')
})
