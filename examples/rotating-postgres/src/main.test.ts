import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'

interface Played {
  readonly status: number | null
  readonly printed: string
}

/** Runs it, and interrupts it as Ctrl-C does once it has printed this. */
async function play(variables: NodeJS.ProcessEnv, interruptAt?: string): Promise<Played> {
  const program = fileURLToPath(new URL('main.ts', import.meta.url))
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
  test('shows ten rotations without a failed query, on a server of its own', { timeout: 300_000 }, async () => {
    const { status, printed } = await play({})
    expect(printed).toMatch(/^PostgreSQL: started for this example\./)
    const lines = printed.split('\n').filter((line) => line.includes('rotations'))
    for (let n = 1; n <= 10; n += 1)
      expect(lines[n - 1]).toMatch(new RegExp(` \\d+ queries {3}0 failed {3}${n} rotations .* stored: ${n + 1}$`))
    expect(printed).toMatch(/10 rotations {3}version in use: 11 {3}stored: 11\n\n\d+ queries, 0 failed\n$/)
    expect(status).toBe(0)
  })

  test('uses the server of DATABASE_URL, and leaves no role there when it is interrupted', { timeout: 300_000 }, async () => {
    const server = await startPostgres()
    try {
      const { status, printed } = await play({ DATABASE_URL: server.url }, ' 2 rotations')
      expect(printed).toMatch(/^PostgreSQL: that of DATABASE_URL\.[^]*Interrupted\.\n\n\d+ queries, 0 failed\n$/)
      expect(status).toBe(130)
      expect(await server.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'finchat%'")).toEqual([])
    } finally {
      await server.stop()
    }
  })
})
