import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Postgres, startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'

interface Played {
  readonly status: number | null
  readonly printed: string
}

/** Runs it, and interrupts it as Ctrl-C does once it has printed this. */
async function play(variables: NodeJS.ProcessEnv, interruptAt?: string): Promise<Played> {
  const program = fileURLToPath(new URL('../../../../examples/rotating-postgres/src/main.ts', import.meta.url))
  const { DATABASE_URL: _, ...env } = process.env
  const flags = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, program], { env: { ...env, ...variables } })
  let printed = ''
  const collect = (chunk: Buffer): void => {
    printed += chunk.toString()
    if (interruptAt !== undefined && printed.includes(interruptAt) && !child.killed) child.kill('SIGINT')
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, printed }
}

describeWithServer('postgres', 'rotating PostgreSQL', () => {
  let server: Postgres
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.stop())
  const roles = (): Promise<unknown> => server.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'finchat%'")

  test('shows ten rotations without a failed query', { timeout: 300_000 }, async () => {
    const { status, printed } = await play({ DATABASE_URL: server.url })
    expect(printed).toMatch(/^200 queries a second;/)
    const lines = printed.split('\n').filter((line) => line.includes('rotations'))
    for (let n = 1; n <= 10; n += 1)
      expect(lines[n - 1]).toMatch(new RegExp(` \\d+ queries {3}0 failed {3}${n} rotations .* stored: ${n + 1}$`))
    expect(printed).toMatch(/10 rotations {3}version in use: 11 {3}stored: 11\n\n\d+ queries, 0 failed\n$/)
    expect(status).toBe(0)
    expect(await roles()).toEqual([])
  })

  test('leaves no role when it is interrupted', { timeout: 300_000 }, async () => {
    const { status, printed } = await play({ DATABASE_URL: server.url }, ' 2 rotations')
    expect(printed).toMatch(/Interrupted\.\n\n\d+ queries, 0 failed\n$/)
    expect(status).toBe(130)
    expect(await roles()).toEqual([])
  })
})
