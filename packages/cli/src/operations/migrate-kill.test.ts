import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey } from '@finchat/secrets-provider-local'
import { type HttpProxy, type Moto, type OpenBao, startHttpProxy, startMoto, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { programArgs } from '../testing/child.ts'
import { makeProject } from '../testing/make-project.ts'

const canary = 'canary-4711'
const names = { USER: 'app/db#user', PASSWORD: 'app/db#password' }
const values: Record<string, string> = {
  USER: 'ada',
  PASSWORD: `${canary} 'quoted'`,
  LINES: `${canary}\ntwo\r\n`,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`S${index}`, `${canary}-${index} é🔑`])),
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ended>
}

describeWithServer('openbao', 'a migration', () => {
  describeWithServer('moto', 'from variables to AWS, Vault and the local store', () => {
    let [bao, moto, proxies, cwd]: [OpenBao | undefined, Moto | undefined, HttpProxy[], string] = [undefined, undefined, [], '']
    let env: Record<string, string> = {}
    /** What the program and the files of its project showed. */
    let shown = ''

    beforeAll(async () => {
      ;[bao, moto] = await Promise.all([startOpenBao(), startMoto()])
      proxies = await Promise.all([bao.url, moto.url].map(async (url) => startHttpProxy(url)))
      const config = {
        provider: 'vault',
        vault: { url: proxies[0]?.url, token: { variable: 'BAO_TOKEN' }, names, prefix: 'app/' },
        aws: { region: 'eu-west-1', prefix: 'app/' },
        ssm: { region: 'eu-west-1', prefix: '/app/' },
        local: { key: { variable: 'APP_KEY' }, names },
        secrets: Object.fromEntries(Object.keys(values).map((name) => [name, {}])),
      }
      cwd = makeProject({ 'finchat-secrets.config.json': JSON.stringify(config) })
      env = {
        BAO_TOKEN: bao.rootToken,
        APP_KEY: generateKey(),
        AWS_ENDPOINT_URL: proxies[1]?.url ?? '',
        AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'of-no-account',
        AWS_EC2_METADATA_DISABLED: 'true',
      }
    })

    afterAll(async () => {
      await Promise.all([...proxies, bao, moto].map(async (server) => server?.stop()))
      if (cwd !== '') rmSync(cwd, { recursive: true, force: true })
    })

    function start(args: readonly string[], variables: Record<string, string>): Running {
      const child = spawn(process.execPath, [...programArgs, ...args], { cwd, env: { PATH: '', ...env, ...variables }, stdio: 'pipe' })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      const ended = once(child, 'close').then(([code, signal]: unknown[]): Ended => {
        shown += stdout + stderr
        return { code: code as Ended['code'], signal: signal as Ended['signal'], stdout, stderr } // as Node.js documents it
      })
      return { kill: (signal) => void child.kill(signal), ended }
    }

    /** moto loads a service at its first call, which on a busy machine takes longer than a call may. */
    async function loadParameterStore(): Promise<void> {
      const authorization = 'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/ssm/aws4_request'
      const headers = { authorization, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.DescribeParameters' }
      await (await fetch(moto?.url ?? '', { method: 'POST', headers, body: '{}' })).text()
    }

    /** Kills it at this request, which happens or does not. */
    async function killedAt(request: number, happens: boolean, proxy: HttpProxy, running: Running): Promise<Ended> {
      let count = 0
      proxy.plan(() => {
        count += 1
        if (count !== request) return count > request ? 'hang' : 'pass'
        setTimeout(() => running.kill('SIGKILL'), 20)
        return happens ? { pass: 'hang' } : 'hang'
      })
      const ended = await running.ended
      proxy.plan('pass')
      return ended
    }

    it.each<[string, string, number, Record<string, string>]>([
      ['env', 'aws', 1, values],
      ['aws', 'vault', 0, {}],
    ])('from %s to %s goes on after kill -9 at any request', async (from, to, at, variables) => {
      const args = ['migrate', '--from', from, '--to', to, '--apply']
      const proxy = proxies[at]
      if (proxy === undefined) throw new Error('the server runs')
      for (const happens of [true, false, true]) {
        const request = 12 + Math.floor(Math.random() * 24)
        const { signal } = await killedAt(request, happens, proxy, start(args, variables))
        expect(signal === 'SIGKILL' || signal === null).toBe(true)
      }
      const last = await start(args, variables).ended
      expect({ code: last.code, stderr: last.code === 0 ? '' : last.stderr + last.stdout }).toEqual({ code: 0, stderr: '' })
      const plan = await start(['migrate', '--from', from, '--to', to, '--json'], variables).ended
      expect(JSON.parse(plan.stdout)).toMatchObject({ counts: { same: Object.keys(values).length } })
    })

    it('wrote each secret to Vault once, and each field of a document', async () => {
      const versions = await Promise.all(['LINES', 'S0', 'S7', 'db'].map(async (name) => bao?.api('GET', `secret/metadata/app/${name}`)))
      expect(versions.map((answer) => JSON.stringify(answer))).toEqual(
        [1, 1, 1, 2].map((version) => expect.stringContaining(`"current_version":${version}`) as string),
      )
    })

    it('from Vault to the local store goes on after kill -9 at any moment', async () => {
      const args = ['migrate', '--from', 'vault', '--to', 'local', '--apply']
      for (const happens of [0.6, 0.8, 1]) {
        const running = start(args, {})
        await sleep(500 + happens * 500 * Math.random())
        running.kill('SIGKILL')
        await running.ended
      }
      expect(await start(args, {}).ended).toMatchObject({ code: 0 })
      const exported = await start(['export', '--provider', 'local', '--format', 'json'], { FINCHAT_SECRETS_FALLBACKS: 'local' }).ended
      expect(JSON.parse(exported.stdout)).toEqual(values)
      shown = shown.replace(exported.stdout, '') // which is what shows values
    })

    it('from Vault to Parameter Store, which numbers by itself', async () => {
      await loadParameterStore()
      const args = ['migrate', '--from', 'vault', '--to', 'ssm', '--apply']
      const first = await start(args, {}).ended
      expect({ code: first.code, stderr: first.code === 0 ? '' : first.stderr + first.stdout }).toEqual({ code: 0, stderr: '' })
      writeFileSync(join(cwd, 'changed.json'), `{"S0":"${canary}-changed"}`)
      const overwriting = ['import', '--from', 'changed.json', '--to', 'ssm', '--apply']
      expect(await start(overwriting, {}).ended).toMatchObject({ code: 1, stdout: 'S0\t/app/S0\tdifferent\t\n' })
      expect(await start([...overwriting, '--force'], {}).ended).toMatchObject({ code: 0, stdout: 'S0\t/app/S0\twritten\t\n' })
    })

    it('ends at Ctrl-C after the write that runs', async () => {
      writeFileSync(join(cwd, '.env'), Array.from({ length: 30 }, (_, index) => `CTRL_${index}='${canary}'\n`).join(''))
      const running = start(['migrate', '--from', 'dotenv:.env', '--to', 'vault', '--only', 'CTRL_*', '--apply'], {})
      let writes = 0
      proxies[0]?.plan(({ method }) => {
        if ((method === 'POST' || method === 'PUT') && (writes += 1) === 3) running.kill('SIGINT')
        return 'pass'
      })
      const { code, stdout, stderr } = await running.ended
      expect(code).toBe(130)
      expect(stderr).toContain('each written value was read back; interrupted: run it again to go on')
      expect(stdout.match(/\twritten\t/g)?.length).toBeGreaterThanOrEqual(3)
      expect(stdout).toContain('\tnew\t')
    })

    it('showed no value at any time', () => {
      expect(shown).toContain('written')
      expect(shown).not.toContain('canary')
    })
  })
})
