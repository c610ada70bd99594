import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { localConfig, makeProgram, type Outcome } from '../testing/run-program.ts'

const canary = 'canary-4711'
const inBase64 = Buffer.from(canary).toString('base64')
const manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'app' },
  type: 'Opaque',
  data: { TOKEN: inBase64 },
  stringData: { DB: 'x' },
}
const inYaml = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ndata:\n  TOKEN: ${inBase64}\nstringData:\n  DB: x\n`

async function imported(file: string, text: string, ...flags: string[]): Promise<{ readonly outcome: Outcome; readonly token: string }> {
  const program = makeProgram()
  writeFileSync(join(program.folder, file), text)
  const outcome = await program.run(['import', '--from', file, '--apply', ...flags])
  return { outcome, token: (await program.run(['get', 'TOKEN'])).stdout }
}

describe('import of a Kubernetes Secret', () => {
  it.each([
    ['secret.yaml', inYaml, []],
    ['secret.yml', `---\n${inYaml}`, ['--format', 'yaml']],
    ['secret.json', JSON.stringify(manifest), []],
    ['secret.txt', inYaml, ['--format', 'kubernetes']],
    ['secret.txt', inYaml, ['--format', 'k8s']],
  ])('is seen to be one: %s %#', async (file, text, flags) => {
    const { outcome, token } = await imported(file, text, ...flags)
    expect(outcome).toMatchObject({ code: 0, stdout: 'TOKEN\tTOKEN\twritten\t\nDB\tDB\twritten\t\n' })
    expect([token, outcome.stderr.includes(canary), outcome.stderr.includes(inBase64)]).toEqual([canary, false, false])
  })

  it.each([
    ['a.yaml', 'kind: Secret\nTOKEN: canary-4711\n'],
    ['a.json', '{"kind":"Secret","TOKEN":"canary-4711"}'],
    ['a.json', '{"apiVersion":"v1","kind":"secret","TOKEN":"canary-4711"}'],
  ])('is no file that only has such a name: %s', async (file, text) => {
    const { outcome, token } = await imported(file, text)
    expect([outcome.code, outcome.stdout.includes('kind\tkind\twritten'), token]).toEqual([0, true, canary])
  })

  it('is not taken for names and values where it is damaged', async () => {
    const { outcome } = await imported('secret.json', JSON.stringify({ ...manifest, data: { TOKEN: `${canary}!` } }))
    expect([outcome.code, outcome.stdout, outcome.stderr]).toEqual([64, '', expect.stringContaining('has data that is no base64')])
    expect(outcome.stderr).not.toContain(canary)
  })
})

describe('import of two variables that are declared for one secret', () => {
  async function importTwo(text: string, ...flags: string[]): Promise<Outcome> {
    const program = makeProgram({ ...localConfig, secrets: { FIRST: { name: 'token' }, SECOND: { name: 'token' } } })
    writeFileSync(join(program.folder, '.env'), text)
    return program.run(['import', '--from', '.env', '--to', 'local', ...flags])
  }

  it.each([[[]], [['--apply']], [['--apply', '--force']]])(
    'writes neither of two values, and advises to remove none: %j',
    async (flags) => {
      const { code, stdout, stderr } = await importTwo(`FIRST=${canary}\nSECOND=another\n`, ...flags)
      const row = 'token\ttoken\tcannot be mapped\tFIRST, SECOND have different values for one place\n'
      expect([code, stdout]).toEqual([1, row + row])
      expect(stderr).toContain('2 cannot be mapped; nothing was written')
      expect(stderr).not.toMatch(/remove|canary/)
    },
  )

  it('writes one value that both have', async () => {
    const { code, stdout, stderr } = await importTwo(`FIRST=${canary}\nSECOND=${canary}\n`, '--apply')
    expect([code, stdout]).toEqual([0, 'token\ttoken\twritten\t\n'.repeat(2)])
    expect(stderr).toContain('FIRST')
    expect(stderr).toContain('SECOND')
  })
})

describe('import of a file that SOPS encrypted', () => {
  const seal = 'ENC[AES256_GCM,data:c2VhbGVk,iv:aXY=,tag:dGFn,type:str]'
  it.each([
    ['a.json', JSON.stringify({ TOKEN: seal, sops: { mac: seal, version: '3.10.2' } })],
    ['a.yaml', `TOKEN: ${seal}\nsops:\n  mac: ${seal}\n`],
    ['a.env', `TOKEN=${seal}\nsops_mac=${seal}\n`],
    ['secret.yaml', `${inYaml.replace('DB: x', `DB: ${seal}`)}sops:\n  mac: ${seal}\n`],
    ['secret.json', JSON.stringify({ ...manifest, sops: { mac: seal } })],
  ])('is refused, for its values are sealed: %s', async (file, text) => {
    const { outcome, token } = await imported(file, text)
    expect([outcome.code, outcome.stdout, token]).toEqual([64, '', ''])
    expect(outcome.stderr).toContain('the input is encrypted by SOPS\n')
  })

  it('is no file with a name such as sops alone', async () => {
    expect((await imported('a.json', `{"TOKEN":"${canary}","sops":"x"}`)).token).toBe(canary)
  })
})

it('an import of nothing says so, and has no next step', async () => {
  const { outcome } = await imported('a.json', '{}')
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: 'json:a.json has no secret to move\n' })
})
