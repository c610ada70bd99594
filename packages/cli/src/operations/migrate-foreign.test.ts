import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeProgram, type Program } from '../testing/run-program.ts'

const canary = 'canary-4711'
const sealed = (data: object): object => ({ data })

/** What others wrote to Vault, by its own API. */
const foreign: Readonly<Record<string, object>> = {
  'shop/A': { value: canary },
  'shop/two words': { value: canary },
  'shop/none': {},
  'shop/unnamed': { '': canary, b: 'x' },
  'shop/large': Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`field${index}`, canary.repeat(1_000)])),
  'other/B': { value: canary },
  'other/the words': { value: canary },
}

describeWithServer('openbao', 'secrets of Vault that others wrote', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
    for (const [path, data] of Object.entries(foreign))
      await bao.api('POST', `secret/data/${path.split('/').map(encodeURIComponent).join('/')}`, sealed(data))
  })
  afterAll(async () => bao?.stop())

  const programOf = (token: string, vault: object = {}): Program =>
    makeProgram(
      {
        provider: 'vault',
        vault: { url: bao.url, token: { variable: 'BAO_TOKEN' }, prefix: 'shop/', ...vault },
        ssm: { region: 'eu-west-1' },
        aws: { region: 'eu-west-1' },
        local: { key: { variable: 'APP_KEY' } },
      },
      { BAO_TOKEN: token },
    )

  /** A token that may do everything below `shop/`, and nothing beside it. */
  async function tokenOfShop(): Promise<string> {
    const rules = ['secret/data/shop/*', 'secret/metadata/shop/*'].map((path) => `path "${path}" { capabilities = ["read", "list"] }`)
    await bao.api('PUT', 'sys/policies/acl/shop', { policy: rules.join('\n') })
    const { auth } = await bao.api<{ auth: { client_token: string } }>('POST', 'auth/token/create', { policies: ['shop'] })
    return auth.client_token
  }

  const rows = [
    'A\tA\tnew\t\n',
    'large\tlarge\tnew\t\n',
    'none\tnone\tcannot be mapped\tit has no fields\n',
    'two words\t\tcannot be mapped\tno name leads to it: give it one in vault.names\n',
    'unnamed\tunnamed\tcannot be mapped\tit has a field without a name\n',
  ]

  it('are planned from the prefix alone, with what no name leads to', async () => {
    const program = programOf(await tokenOfShop())
    const { code, stdout, stderr } = await program.run(['migrate', '--from', 'vault', '--to', 'local'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: rows.join('') })
    expect(stderr).not.toContain('canary')
  })

  it('are written as planned: what cannot be mapped stops no other', async () => {
    const program = programOf(bao.rootToken)
    const { code, stdout } = await program.run(['migrate', '--from', 'vault', '--to', 'local', '--apply'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: rows.join('').replaceAll('\tnew\t', '\twritten\t') })
  })

  it('are named outside the prefix, where names lead there', async () => {
    const program = programOf(bao.rootToken, { names: { WORDS: 'other/the words' } })
    const { stdout } = await program.run(['migrate', '--from', 'vault', '--to', 'local', '--only', 'W*', '--only', 'A*'])
    expect(stdout).toBe('WORDS\tWORDS\tnew\t\nA\tA\tnew\t\n')
  })

  it('are exported all or not at all', async () => {
    const { code, stdout, stderr } = await programOf(bao.rootToken).run(['export', '--format', 'json'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain('is not a valid secret name')
    expect(stderr).toContain('reach other paths with `names`')
  })
})
