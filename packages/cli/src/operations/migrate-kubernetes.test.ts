import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type KubernetesApi, startKubernetesApi } from '../testing/kubernetes-api.ts'
import { localConfig, makeProgram, type Program } from '../testing/run-program.ts'

const canary = 'canary-4711'
const env = { DB_USER: 'ada', DB_PASSWORD: canary, API_KEY: `${canary}-key` }
const names = { DB_USER: 'shop-db#user', DB_PASSWORD: 'shop-db#password', API_KEY: 'shop-api' }
const plan = ['migrate', '--from', 'env', '--to', 'kubernetes']

async function cluster(config: object = {}): Promise<{ readonly api: KubernetesApi; readonly program: Program }> {
  const api = await startKubernetesApi()
  const kubernetes = { url: api.url, token: { variable: 'KUBE_TOKEN' }, names }
  const secrets = Object.fromEntries(Object.keys(env).map((name) => [name, {}]))
  return {
    api,
    program: makeProgram({ ...localConfig, fallbacks: ['kubernetes'], kubernetes, secrets, ...config }, { ...env, KUBE_TOKEN: 'x' }),
  }
}

function textsIn({ secrets }: KubernetesApi): Record<string, Record<string, string>> {
  const texts = (data: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(data).map(([field, base64]) => [field, Buffer.from(base64, 'base64').toString()]))
  return Object.fromEntries([...secrets].map(([name, { data }]) => [name, texts(data)]))
}

describe('a migration to Kubernetes', () => {
  it('writes Secrets and their fields, and has nothing to do again', async () => {
    const { api, program } = await cluster()
    const first = await program.run([...plan, '--apply'])
    expect(first.stdout).toBe('DB_USER\tshop-db#user\twritten\t\nDB_PASSWORD\tshop-db#password\twritten\t\nAPI_KEY\tshop-api\twritten\t\n')
    expect(textsIn(api)).toEqual({ 'shop-db': { user: 'ada', password: canary }, 'shop-api': { value: `${canary}-key` } })
    const again = await program.run([...plan, '--apply'])
    expect([again.code, again.stdout.match(/\tsame\t/g)?.length]).toEqual([0, 3])
    expect(first.stdout + first.stderr).not.toContain('canary')
    expect((await program.run(['check', '--provider', 'kubernetes'])).code).toBe(0)
  })

  it('overwrites another value only by --force, and leaves the other fields', async () => {
    const { api, program } = await cluster()
    await program.run([...plan, '--apply'])
    writeFileSync(join(program.folder, 'new.json'), `{"DB_USER":"bob"}`)
    const change = ['import', '--from', 'new.json', '--to', 'kubernetes', '--apply']
    expect(await program.run(change)).toMatchObject({ code: 1, stdout: 'DB_USER\tshop-db#user\tdifferent\t\n' })
    expect(await program.run([...change, '--force'])).toMatchObject({ code: 0, stdout: 'DB_USER\tshop-db#user\twritten\t\n' })
    expect(textsIn(api)).toMatchObject({ 'shop-db': { user: 'bob', password: canary } })
  })

  it('says where a name that no Secret may have gets its place', async () => {
    const { program } = await cluster({ secrets: { HOME_KEY: { name: 'KUBE_TOKEN' } } })
    expect(await program.run(plan)).toMatchObject({
      code: 1,
      stdout: "KUBE_TOKEN\t\tcannot be mapped\t'kubernetes' has no place for this name: give it one in kubernetes.names\n",
    })
  })

  it.each([
    ['POST', 'API_KEY was not written, and no write began after that'],
    ['GET', '3 cannot be mapped; nothing was written'],
  ])('says that the role does not allow %s, and which secret is not there', async (method, reason) => {
    const { api, program } = await cluster()
    api.denied.add(method)
    const { code, stderr } = await program.run([...plan, '--only', 'API_KEY', ...(method === 'GET' ? ['--only', 'DB_*'] : []), '--apply'])
    expect([code, stderr]).toEqual([77, expect.stringContaining(reason)])
    expect(stderr).not.toContain('canary')
    expect(textsIn(api)).toEqual({})
  })

  it('refuses bytes, which a field of a Secret has as text', async () => {
    const { program } = await cluster({ secrets: {} })
    await program.run(['set', 'API_KEY', '--provider', 'local'], Uint8Array.of(0xff, 0))
    const { code, stdout } = await program.run(['migrate', '--from', 'local', '--to', 'kubernetes'])
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^API_KEY\tshop-api\tcannot be mapped\t.*(binary|bytes)/)])
  })
})
