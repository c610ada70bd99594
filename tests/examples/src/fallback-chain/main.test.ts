import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'

interface Played {
  readonly status: number | null
  readonly printed: string
}

/** Runs it, and interrupts it as Ctrl-C does once it has printed this. */
async function play(interruptAt?: string): Promise<Played> {
  const program = fileURLToPath(new URL('main.ts', import.meta.url))
  const { FORCE_COLOR: _, ...env } = process.env
  const child = spawn(process.execPath, ['--conditions=@finchat/source', program], { env })
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

describeWithServer(['moto', 'openbao'], 'the second act of the demo', () => {
  test('shows in 80 columns who answers while AWS and Vault fail and come back, without a failed read', { timeout: 300_000 }, async () => {
    const { status, printed } = await play()
    expect(printed).toMatch(/ aws .* vault, degraded .* local, degraded .* aws /s)
    expect(printed).toMatch(/^\d+ reads, 0 failed$/m)
    expect(printed).toContain('Process warnings: 2,')
    expect(printed.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(status).toBe(0)
  })

  test.each(['Second act', 'AWS freezes'])('ends in good order when it is interrupted after "%s"', { timeout: 300_000 }, async (line) => {
    const { status, printed } = await play(line)
    expect(printed).toMatch(/Interrupted: the servers are being ended\.\s*$/)
    expect(status).toBe(130)
  })
})
