import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey } from '@finchat/secrets-provider-local'
import { beforeAll, describe, expect, it } from 'vitest'
import { programArgs, withoutCache } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'
import { localConfig, type Outcome, programIn } from './testing/run-program.ts'

const canary = 'canary-4711'
const env = { PATH: '/usr/bin:/bin', APP_KEY: generateKey(), ...withoutCache }
const cache = { kind: 'redis', urls: ['rediss://cache.test'], administrator: 'a', user: 'u', password: { variable: 'APP_KEY' } }

const folder = makeProject({
  'finchat-secrets.config.json': JSON.stringify({ ...localConfig, secrets: { A: {}, B: {} } }),
  'secrets.env': `A=${canary}\n`,
  'identity.txt': 'x',
  'rotating.json': JSON.stringify({ ...localConfig, rotation: { A: { target: { ...cache, caFile: 'fifo' } } } }),
  'audited.json': JSON.stringify({ ...localConfig, audit: { folder: 'keyless' } }),
  'altered/segment-00000001.jsonl': '',
})

beforeAll(async () => {
  await programIn(folder).run(['audit', 'init', 'trail', '--key-file', 'auditor.key'])
  await programIn(folder).run(['audit', 'init', 'keyless', '--key-file', 'keyless.key'])
  rmSync(join(folder, 'keyless/key.json'))
  for (const path of ['fifo', 'fifo.mts', 'fifo.gz', 'altered/index.jsonl', 'keyless/key.json'])
    execFileSync('mkfifo', [join(folder, path)])
})

const limits = { cwd: folder, env, encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL' } as const

/** In another process, which is killed if it waits: the outcomes of all commands before that. */
function outcomesOf(commands: readonly (readonly string[])[]): readonly Outcome[] {
  const code = `
    import { programIn } from ${JSON.stringify(new URL('testing/program-in.ts', import.meta.url))}
    const { run } = programIn(process.cwd(), process.env)
    for (const args of JSON.parse(process.argv[1])) console.log(JSON.stringify(await run(args)))`
  const args = ['--conditions=@finchat/source', '--input-type=module', '-e', code, JSON.stringify(commands)]
  const { stdout } = spawnSync(process.execPath, args, limits)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Outcome)
}

const damagedKey = 'lost its key.json, or has a damaged one'
const verify = ['audit', 'verify', 'trail', '--key-file', 'auditor.key']
const commands = [
  ['check', '--config', 'fifo'],
  ['check', '--config', 'fifo.mts'],
  ['check', '--config', '/dev/zero'],
  ['import', '--from', 'fifo', '--format', 'json'],
  ['import', '--from', 'fifo', '--format', 'age', '--identity', 'identity.txt'],
  ['import', '--from', 'identity.txt', '--format', 'age', '--identity', 'fifo'],
  ['migrate', '--from', 'dotenv:/dev/zero', '--to', 'local'],
  ['rotate', 'A', '--config', 'rotating.json', '--generate', 'uuid'],
  ['audit', 'verify', 'trail', '--key-file', 'fifo'],
  [...verify, '--checkpoints', 'fifo'],
  [...verify, '--checkpoints', 'fifo.gz'],
  [...verify, '--checkpoint-key', 'fifo'],
  ['audit', 'copy', 'altered', 'copy'],
  ['audit', 'prune', 'altered', '--before', '1d', '--reason', 'r', '--yes'],
]

describe('a path that leads to no regular file', () => {
  let outcomes: readonly Outcome[]
  beforeAll(() => void (outcomes = outcomesOf(commands)))

  it('is no key of a folder, neither for a command nor for a service', () => {
    const found = outcomesOf([
      ['audit', 'hold', 'keyless', '--reason', 'r'],
      ['get', 'A', '--config', 'audited.json'],
    ])
    expect(found.map(({ stderr }) => stderr)).toEqual([expect.stringContaining(damagedKey), expect.stringContaining(damagedKey)])
  })

  it.each(commands.map((args, index) => [args.join(' '), index] as const))('is an error at once: %s', (_, index) => {
    expect(outcomes[index]?.stderr).toContain('not a regular file')
    expect([64, 70]).toContain(outcomes[index]?.code)
  })
})

describe('a pipe that a shell has opened', () => {
  const program = [process.execPath, ...programArgs].map((word) => `'${word}'`).join(' ')

  it.each([
    ['a process substitution', `${program} migrate --to local --from dotenv:<(cat secrets.env; sleep 0.1; echo B=1)`],
    ['/dev/stdin, a pipe', `(cat secrets.env; echo B=1) | ${program} import --from /dev/stdin --format dotenv`],
    ['its descriptor, a file', `${program} import --from /dev/fd/0 --format json <<< '{"A":"${canary}","B":"1"}'`],
  ])('is read to its end: %s', (_, line) => {
    const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', line], limits)
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'A\tA\tnew\t\nB\tB\tnew\t\n' })
    expect(stderr).not.toContain(canary)
  })

  it('is not read for ever', () => {
    const line = `${program} import --from <(cat /dev/zero) --format dotenv`
    const { status, stderr } = spawnSync('bash', ['--norc', '-c', line], limits)
    expect([status, stderr]).toEqual([64, expect.stringContaining('larger than 4194304 bytes')])
  })
})
