import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { timesInMemory } from '@finchat/secrets-test-servers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { stubVault } from './testing/stub-vault.ts'

vi.setConfig({ testTimeout: 60_000 })

const [token, secretId] = ['hvs.t0ken-0f-th3-l0gin-Xq7LmRt5', 's3cret-1d-0f-th3-r0le-Pw9Zk2Vb']

// Other systems show no process the memory of another as a file.
test.runIf(process.platform === 'linux')(
  'an idle provider has its token and its secret id in no heap snapshot, and few copies of the strings that 100 reads made',
  async () => {
    const stub = await stubVault((path) => {
      if (path.endsWith('wrapping/lookup')) return { body: { data: { creation_path: 'auth/approle/role/app/secret-id' } } }
      if (path.endsWith('wrapping/unwrap')) return { body: { data: { secret_id: secretId } } }
      return path.endsWith('login') ? { body: { auth: { client_token: token, lease_duration: 3600, renewable: true } } } : undefined
    })
    const folder = mkdtempSync(join(tmpdir(), 'secrets-vault-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [file, snapshot] = [join(folder, 'wrapping'), join(folder, 'snapshot')]
    writeFileSync(file, 'hvs.wrapping')
    const script = join(import.meta.dirname, 'testing/holding-process.ts')
    const child = spawn(process.execPath, ['--conditions=@finchat/source', '--expose-gc', script, stub.url, file, snapshot])
    onTestFinished(() => void child.kill('SIGKILL'))
    const said = async (): Promise<string> =>
      String((await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]))[0]).trim()
    expect(await said()).toBe('idle')
    const heap = readFileSync(snapshot, 'latin1')
    expect([token, secretId].filter((each) => heap.includes(each))).toEqual([])
    const forms = [token, secretId].map((each) => Buffer.from(each))
    expect(Math.max(...timesInMemory(child.pid, forms))).toBeLessThan(10)
    child.stdin.write('\n')
    expect(await said()).toBe('closed')
    expect(Math.max(...timesInMemory(child.pid, forms))).toBeLessThan(10)
  },
)
